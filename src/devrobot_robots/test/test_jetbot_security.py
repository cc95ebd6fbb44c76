"""What a stranger tries on the server, and what a false server tries on the driver."""

from contextlib import ExitStack, suppress
import socket
import struct
import threading
import time
import zlib

from devrobot_robots.jetbot.peer import Address, connect
from devrobot_robots.jetbot.server import make_keys
from devrobot_robots.robot import RobotError
from jetbot_worlds import wait
import pytest
import rpyc
from rpyc.core import brine, consts

CALLS = {
    'get_camera_frame',
    'get_fresh_frame',
    'get_health',
    'get_version',
    'restart_camera',
    'set_motors',
    'take_control',
}
TRIED = [
    '_parts', '_client', 'on_disconnect', 'exposed_on_disconnect', '_rpyc_getattr', 'exposed_',
    '__class__', '__dict__', '__init__', '__globals__', '__func__', '__self__', '__module__',
    '__reduce__', '__reduce_ex__', '__getattribute__', '__doc__', '__eq__', '__hash__', 'close',
    'exposed___class__', '', 'set_motors.__self__', 'set_motors\x00', b'_parts',
]  # fmt: skip

pytestmark = pytest.mark.filterwarnings('error::pytest.PytestUnhandledThreadExceptionWarning')


@pytest.fixture(scope='module')
def server(tmp_path_factory):
    from jetbot_worlds import make_bench

    with make_bench(tmp_path_factory.mktemp('server')) as bench:
        yield bench.server()


@pytest.fixture
def stranger(server):
    connection = rpyc.connect('127.0.0.1', server.port, config={'sync_request_timeout': 3})
    yield connection
    connection.close()


def ask(connection, handler, *arguments):
    return connection.sync_request(handler, *arguments)


def test_the_offered_calls_are_exactly_these(stranger):
    from devrobot_robots.jetbot.server import service

    assert service.CALLS == CALLS
    for name in CALLS:
        assert callable(ask(stranger, consts.HANDLE_GETATTR, stranger.root, name))


@pytest.mark.parametrize('name', TRIED)
def test_no_other_attribute_can_be_reached(stranger, name):
    calls = [stranger.root, ask(stranger, consts.HANDLE_GETATTR, stranger.root, 'set_motors')]
    for thing in calls:
        with pytest.raises((AttributeError, TypeError)):
            ask(stranger, consts.HANDLE_GETATTR, thing, name)


def test_the_calls_themselves_have_no_attributes(stranger):
    call = ask(stranger, consts.HANDLE_GETATTR, stranger.root, 'set_motors')
    for name in ('__call__', '__func__', '__globals__', 'exposed_set_motors'):
        with pytest.raises(AttributeError):
            ask(stranger, consts.HANDLE_GETATTR, call, name)


@pytest.mark.parametrize(
    ('handler', 'arguments'),
    [
        (consts.HANDLE_SETATTR, ('set_motors', 1)),
        (consts.HANDLE_DELATTR, ('set_motors',)),
        (consts.HANDLE_REPR, ()),
        (consts.HANDLE_STR, ()),
        (consts.HANDLE_DIR, ()),
        (consts.HANDLE_HASH, ()),
        (consts.HANDLE_CMP, (1, '__eq__')),
        (consts.HANDLE_PICKLE, (2,)),
        (consts.HANDLE_BUFFITER, (10,)),
        (consts.HANDLE_CTXEXIT, (None,)),
        (consts.HANDLE_OLDSLICING, ('__getitem__', '__getslice__', 0, 1, ())),
        (consts.HANDLE_INSTANCECHECK, (('builtins.object', 0, 0),)),
        (99, ()),
    ],
)
def test_all_other_requests_of_the_protocol_are_refused(stranger, handler, arguments):
    with pytest.raises(KeyError):
        ask(stranger, handler, stranger.root, *arguments)
    assert stranger.root.get_version() == 'devrobot_jetbot 1'


def test_looking_at_an_object_tells_nothing_of_it(stranger):
    identity = object.__getattribute__(stranger.root, '____id_pack__')
    assert ask(stranger, consts.HANDLE_INSPECT, identity) == (('__call__', None),)


def test_an_object_that_pretends_to_be_a_speed_is_never_asked(server, stranger):
    asked = []

    class Speed:
        def exposed_anything(self): ...

        def __getattribute__(self, name):
            asked.append(name)
            return object.__getattribute__(self, name)

        def __float__(self):
            asked.append('float')
            return 0.1

        __index__ = __abs__ = __float__

    speed = Speed()
    asked.clear()
    with pytest.raises(ValueError, match='motor speed no number'):
        stranger.root.set_motors(speed, 0.1)
    assert 'float' not in asked and '__float__' not in asked
    assert not server.turns()


def test_an_error_tells_no_file_names(stranger):
    with pytest.raises(ValueError) as refusal:
        stranger.root.set_motors('x', 0)
    assert '/' not in str(refusal.value)


def message(data: bytes, compressed: int = 0, length: int | None = None) -> bytes:
    size = len(data) if length is None else length
    return struct.pack('!LB', size, compressed) + data + b'\n'


@pytest.mark.parametrize(
    'bytes_sent',
    [
        message(b'', length=0xFFFFFFFF),
        message(b'', length=17 * 1024),
        message(zlib.compress(bytes(50_000_000)), compressed=1),
        message(b'not packed', compressed=1),
        message(b'\x01rpyc 6'),
        message(brine.dump((7, 0, ()))),
        message(brine.dump((1, 0, (3, (2, ('x', 1, 2)))))),
        b'GET / HTTP/1.0\r\n\r\n',
        bytes(200),
    ],
    ids=['4 GB', '17 kB', 'bomb', 'damaged', 'rpyc 6', 'type', 'forged', 'http', 'zeros'],
)
def test_nonsense_ends_only_its_own_connection(server, stranger, bytes_sent):
    with socket.create_connection(('127.0.0.1', server.port), 5) as raw:
        raw.sendall(bytes_sent)
        with suppress(OSError):  # it may be closed over there already
            raw.shutdown(socket.SHUT_WR)
            while raw.recv(4096):
                pass
    assert stranger.root.get_version() == 'devrobot_jetbot 1'
    assert 'Traceback' not in server.said()


@pytest.mark.parametrize('is_encrypted', [False, True])
def test_silent_strangers_keep_nobody_out(jetbots, keys, is_encrypted):
    options = ['--tls', str(keys / 'robot')] if is_encrypted else []
    tls = str(keys / 'owner') if is_encrypted else ''
    server = jetbots.server(*options)
    driver = jetbots.robot(server.port, tls=tls)
    with ExitStack() as stack:

        def sit_there() -> socket.socket:
            raw = socket.create_connection(('127.0.0.1', server.port), 5)
            return stack.enter_context(raw)

        many = [sit_there() for _ in range(30)]
        wait(lambda: sum(is_closed(raw) for raw in many) >= 30 - 6, 'the end of most')
        driver.execute(1, lambda: False)
        assert driver.observe()
        driver.close()
        many += [sit_there() for _ in range(30)]
        late = jetbots.robot(server.port, tls=tls)
        late.execute(1, lambda: False)
        assert late.observe()
    assert 'silent is ended' in server.said()


@pytest.fixture(scope='module')
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp('tls') / 'keys'
    assert make_keys.main([str(folder)]) == 0
    return folder


def is_closed(raw: socket.socket) -> bool:
    raw.settimeout(0.001)
    try:
        return raw.recv(1) == b''
    except TimeoutError:
        return False
    except ConnectionError:
        return True


def test_a_client_that_comes_and_goes_does_not_flood_the_log(server):
    before = len(server.said())
    for _ in range(200):
        socket.create_connection(('127.0.0.1', server.port), 5).close()
    wait(lambda: connects(server.port), 'a free connection')
    assert len(server.said()) - before < 2000


def connects(port: int) -> bool:
    try:
        with rpyc.connect('127.0.0.1', port) as connection:
            return bool(connection.root.get_version())
    except (EOFError, OSError):
        return False


# --- a false server ----------------------------------------------------------------------------


class FalseService(rpyc.Service):
    """Answers with things that are not what they seem."""

    def __init__(self):
        super().__init__()
        self.answer = None

    def exposed_get_version(self):
        return self.answer


@pytest.fixture
def false_server():
    from rpyc.utils.server import ThreadedServer

    service = FalseService()
    config = {'allow_all_attrs': True, 'allow_pickle': True}
    server = ThreadedServer(service, hostname='127.0.0.1', port=0, protocol_config=config)
    server.listener.listen()
    serving = threading.Thread(target=server.start, daemon=True)
    serving.start()
    address = Address(
        host='127.0.0.1', port=server.port, connect_timeout_s=3.0, call_timeout_s=1.0
    )
    peer = connect(address)
    yield service, peer
    # In this order: rpyc's own server raises in its threads when it is closed under clients.
    peer.close()
    wait(lambda: not server.clients, 'the end of the connection')
    server.close()
    serving.join()


class Liar(str):
    """Is a str by inheritance, and an object over the wire."""


@pytest.mark.parametrize('answer', [object(), [1], Liar('x'), print, {'a': 1}, (1, 2)])
def test_the_driver_takes_plain_values_only(false_server, answer):
    service, peer = false_server
    service.answer = answer
    with pytest.raises(RobotError, match='with an object, not with a value'):
        peer.call('get_version')


def test_the_driver_offers_a_server_nothing_to_call(false_server):
    service, peer = false_server
    peer.call('get_version')
    from devrobot_robots.jetbot.server.wire import PROTOCOL

    connection = peer._connection
    assert not connection._config['allow_pickle'] and not PROTOCOL['import_custom_exceptions']
    assert consts.HANDLE_PICKLE not in connection._HANDLERS
    assert consts.HANDLE_SETATTR not in connection._HANDLERS


def test_an_answer_that_is_too_large_ends_the_connection(false_server):
    service, peer = false_server
    service.answer = 'x' * (9 * 1024 * 1024)
    with pytest.raises(RobotError, match='the connection ended'):
        peer.call('get_version')


def test_an_answer_that_stops_in_the_middle_is_given_up():
    with socket.create_server(('127.0.0.1', 0)) as listener:
        address = Address(
            host='127.0.0.1',
            port=listener.getsockname()[1],
            connect_timeout_s=2.0,
            call_timeout_s=0.3,
        )
        peer = connect(address)
        other, _ = listener.accept()
        other.sendall(struct.pack('!LB', 1000, 0) + b'\x12')
        begin = time.monotonic()
        with pytest.raises(RobotError):
            peer.call('get_version')
        assert time.monotonic() - begin < 5.0
        other.close()

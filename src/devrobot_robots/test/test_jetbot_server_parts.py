"""The parts of the on-robot server, each by itself."""

import ast
from contextlib import ExitStack
import logging
from pathlib import Path
import socket
import sys

from devrobot_robots.jetbot.server import binding, cli, make_keys
from devrobot_robots.jetbot.server.control import Control, ControlError
from devrobot_robots.jetbot.server.quiet_log import SayOnce
from devrobot_robots.jetbot.server.seats import Seats
from devrobot_robots.jetbot.server.wire import RobotServer
import pytest
from robots_fakes import FakeClock

FOLDER = Path(cli.__file__).parent
LOG = logging.getLogger('test_jetbot_server')


def test_a_server_that_is_told_to_end_before_it_serves_ends_in_silence():
    seats = Seats(1, lambda _: False, FakeClock().now)
    server = RobotServer(lambda _: None, ('127.0.0.1', 0), LOG, seats)
    server.open()
    server.close()
    server.start()
    again = RobotServer(lambda _: None, ('127.0.0.1', 0), LOG, seats)
    again.listener.close()  # by somebody else
    with pytest.raises(OSError, match='descriptor'):
        again.start()


def test_control_is_one_clients_until_it_leaves():
    control = Control(3.0, FakeClock().now)
    control.take('a', 'A')
    control.take('a', 'A')
    with pytest.raises(ControlError, match='controlled by A'):
        control.take('b', 'B')
    assert not control.release('b')
    assert control.release('a')
    control.take('b', 'B')
    assert control.holder() == 'B'


def test_a_silent_client_loses_control():
    clock = FakeClock()
    control = Control(3.0, clock.now)
    control.take('a', 'A')
    clock.time = 3.0
    assert control.holder() == ''
    control.take('b', 'B')
    with pytest.raises(ControlError, match='controlled by B'):
        control.take('a', 'A')


def test_a_stop_by_another_client_takes_control_away_for_a_while():
    clock = FakeClock()
    control = Control(3.0, clock.now)
    control.note_stop('b', 'B')  # nobody drives: nothing to take
    control.take('a', 'A')
    control.note_stop('a', 'A')
    control.take('a', 'A')
    control.note_stop('b', 'B')
    with pytest.raises(ControlError, match='was stopped by B'):
        control.take('a', 'A')
    clock.time = 2.0
    control.note_stop('a', 'A')  # the driver that ends its action: it prolongs nothing
    assert not control.release('b')
    with pytest.raises(ControlError, match='was stopped by B'):
        control.take('a', 'A')
    clock.time = 3.0
    control.take('a', 'A')
    assert control.holder() == 'A'


def test_who_stopped_the_robot_may_drive_it():
    control = Control(3.0, FakeClock().now)
    control.take('a', 'A')
    control.note_stop('b', 'B')
    control.take('b', 'B')
    assert control.has('b')
    assert control.release('b')


def test_seats_go_to_newcomers_first_from_those_who_said_nothing_and_never_from_the_driver():
    clock = FakeClock()
    seats = Seats(3, lambda service: service == 'driver', clock.now)
    ends = []
    with ExitStack() as stack:

        def come() -> socket.socket:
            clock.time += 1.0
            here, there = socket.socketpair()
            stack.callback(here.close)
            stack.callback(there.close)
            seats.take(here)
            ends.append(there)
            return here

        driver, talker, silent = come(), come(), come()
        seats.assign(driver, 'driver')
        seats.heard(driver)
        seats.heard(talker)
        come()
        assert [is_ended(end) for end in ends] == [False, False, True, False]
        seats.heard(come())
        assert [is_ended(end) for end in ends] == [False, False, True, True, False]
        clock.time += 1.0
        come()
        # The talker was silent longer than the one that came last but one.
        assert [is_ended(end) for end in ends] == [False, True, True, True, False, False]
        seats.leave(driver)
        come()
        assert [is_ended(end) for end in ends][4:] == [False, False, False]
        assert silent is not driver


def is_ended(end: socket.socket) -> bool:
    end.setblocking(False)
    try:
        return end.recv(1) == b''
    except BlockingIOError:
        return False


def test_the_log_says_a_thing_once_and_then_how_often():
    clock = FakeClock()
    once = SayOnce(clock.now)

    def passes(text, *args):
        record = logging.LogRecord('x', logging.INFO, '', 0, text, args, None)
        return record.getMessage() if once.filter(record) else None

    assert passes('welcome %s', 1) == 'welcome 1'
    assert [passes('welcome %s', number) for number in range(5)] == [None] * 5
    assert passes("accepted ('10.0.0.1', 5)") is not None
    assert passes("accepted ('10.0.0.1', 6)") is None
    clock.time = 10.0
    assert passes('welcome %s', 7) == 'welcome 7 (5 more like this were not shown)'


def test_only_loopback_or_an_interface_by_name_is_listened_on():
    assert binding.address_of('127.0.0.1') == binding.address_of('lo') == '127.0.0.1'
    for wrong in ('0.0.0.0', '192.168.1.7', '::', '::1'):
        with pytest.raises(binding.BindError, match='name the network interface instead'):
            binding.address_of(wrong)
    with pytest.raises(binding.BindError, match='no network interface; there are: .*lo'):
        binding.address_of('wlan7')


@pytest.mark.parametrize(
    ('options', 'text'),
    [
        (['--port', '70000'], '--port is 70000, must be between 0 and 65535'),
        (['--dead-man', 'nan'], '--dead-man is nan, must be between 0.2 and 5.0'),
        (['--max-speed', '2'], '--max-speed is 2.0'),
        (['--interface', '0.0.0.0'], '--interface is 0.0.0.0'),
        (['--tls', '/nowhere'], 'cannot read /nowhere/server.crt'),
        (['--hardware', 'no_such_module', '--stop-motors'], "No module named 'no_such_module'"),
    ],
)
def test_wrong_options_end_in_one_line_and_exit_code_1(options, text, capsys):
    assert cli.main(options) == 1
    error = capsys.readouterr().err
    assert text in error
    assert error.count('\n') == 1


def test_existing_keys_are_not_overwritten(tmp_path, capsys):
    assert make_keys.main([str(tmp_path)]) == 1
    assert 'exists already; nothing is overwritten' in capsys.readouterr().err


def test_keys_are_made_whole_or_not_at_all(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv('PATH', str(tmp_path))
    assert make_keys.main([str(tmp_path / 'keys')]) == 1
    assert 'no program openssl' in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize('path', sorted(FOLDER.glob('*.py')), ids=lambda path: path.name)
def test_the_server_is_written_for_python_3_6(path):
    tree = ast.parse(path.read_text(encoding='utf-8'), feature_version=(3, 6))
    modules = {
        (node.module or '').partition('.')[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level == 0
    }
    modules |= {
        alias.name.partition('.')[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    foreign = modules - set(sys.stdlib_module_names)
    allowed = {'wire.py': {'rpyc'}, 'jetbot_hardware.py': {'cv2', 'jetbot'}}
    assert foreign == allowed.get(path.name, set())

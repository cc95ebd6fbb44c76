"""A ROS context with a spinning executor, and a viewer that speaks to a real server."""

from collections.abc import Callable, Iterator
from contextlib import suppress
import json
import os
import shutil
import struct
import threading
import time
from typing import Any

from launched_robot import Launch
import pytest

rclpy = pytest.importorskip('rclpy')
websocket = pytest.importorskip('websocket')

SUBPROTOCOL = 'foxglove.sdk.v1'
DEADLINE_S = 20.0
POLL_S = 0.02
MESSAGE_DATA, SERVICE_RESPONSE = 1, 3
SERVICE_REQUEST = 2


class Viewer:
    """
    A minimal viewer: keeps what the server announces and collects what it sends.

    Reads only inside ``wait_for``, until the condition holds or the deadline is over. Like the
    real ones it subscribes to a topic again when that is announced anew.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self._socket = websocket.create_connection(
            f'ws://127.0.0.1:{port}', subprotocols=[SUBPROTOCOL], timeout=DEADLINE_S
        )
        self.channels: dict[str, dict[str, Any]] = {}
        self.services: dict[str, dict[str, Any]] = {}
        self.parameters: dict[str, Any] = {}
        self.replies: dict[str, dict[str, Any]] = {}
        self.statuses: list[str] = []
        self.messages: dict[str, list[bytes]] = {}
        self.responses: dict[int, bytes] = {}
        self.failures: dict[int, str] = {}
        self.graph: list[dict[str, Any]] = []
        self.server_info: dict[str, Any] = {}
        self._subscribed: dict[int, str] = {}
        self._last_id = 0

    @property
    def subprotocol(self) -> str:
        return self._socket.getsubprotocol()

    def wait_for(self, condition: Callable[[], Any], what: str) -> Any:
        """Read until ``condition`` returns something true, and return that."""
        end = time.monotonic() + DEADLINE_S
        while not (result := condition()):
            left = end - time.monotonic()
            if left <= 0:
                pytest.fail(f'waited {DEADLINE_S} s for {what}')
            self._socket.settimeout(min(left, POLL_S))
            try:
                self._take(*self._socket.recv_data())
            except websocket.WebSocketTimeoutException:
                continue
        return result

    def subscribe(self, topic: str) -> None:
        """Wait for the channel of a topic and subscribe to it."""
        channel = self.wait_for(lambda: self.channels.get(topic), f'channel {topic}')
        self.messages.setdefault(topic, [])
        self._subscribe(channel)

    def unsubscribe(self, topic: str) -> None:
        ids = [number for number, name in self._subscribed.items() if name == topic]
        self.send('unsubscribe', subscriptionIds=ids)
        del self.messages[topic]

    def _subscribe(self, channel: dict[str, Any]) -> None:
        self._last_id += 1
        self._subscribed[self._last_id] = channel['topic']
        subscription = {'id': self._last_id, 'channelId': channel['id']}
        self.send('subscribe', subscriptions=[subscription])

    def wait_for_message(self, topic: str, count: int = 1) -> bytes:
        """Return message number ``count`` of ``topic``."""
        self.wait_for(lambda: len(self.messages[topic]) >= count, f'message {count} of {topic}')
        return self.messages[topic][count - 1]

    def call(self, service: str, payload: bytes) -> int:
        """Send a request and return the number of the call."""
        info = self.wait_for(lambda: self.services.get(service), f'service {service}')
        self._last_id += 1
        head = struct.pack('<BIII', SERVICE_REQUEST, info['id'], self._last_id, len(b'cdr'))
        self._socket.send_binary(head + b'cdr' + payload)
        return self._last_id

    def wait_for_response(self, call: int) -> bytes:
        def ended() -> bool:
            return call in self.responses or call in self.failures

        self.wait_for(ended, f'an answer to call {call}')
        assert call in self.responses, self.failures.get(call)
        return self.responses[call]

    def wait_for_failure(self, call: int) -> str:
        return self.wait_for(lambda: self.failures.get(call), f'failure of call {call}')

    def send(self, operation: str, **content: Any) -> None:
        self._socket.send(json.dumps({'op': operation, **content}))

    def close(self) -> None:
        self._socket.close()

    def _take(self, opcode: int, data: bytes) -> None:
        if opcode == websocket.ABNF.OPCODE_TEXT:
            self._take_text(json.loads(data))
        elif opcode == websocket.ABNF.OPCODE_BINARY and data[0] == MESSAGE_DATA:
            (subscription,) = struct.unpack_from('<I', data, 1)
            self.messages.get(self._subscribed[subscription], []).append(data[13:])
        elif opcode == websocket.ABNF.OPCODE_BINARY and data[0] == SERVICE_RESPONSE:
            _, call, length = struct.unpack_from('<III', data, 1)
            self.responses[call] = data[13 + length :]

    def _take_text(self, message: dict[str, Any]) -> None:
        operation = message['op']
        if operation == 'serverInfo':
            self.server_info = message
        elif operation == 'advertise':
            self.channels |= {c['topic']: c for c in message['channels']}
            for channel in message['channels']:
                if channel['topic'] in self.messages:
                    self._subscribe(channel)
        elif operation == 'unadvertise':
            gone = set(message['channelIds'])
            self.channels = {t: c for t, c in self.channels.items() if c['id'] not in gone}
        elif operation == 'advertiseServices':
            self.services |= {s['name']: s for s in message['services']}
        elif operation == 'unadvertiseServices':
            gone = set(message['serviceIds'])
            self.services = {n: s for n, s in self.services.items() if s['id'] not in gone}
        elif operation == 'parameterValues':
            values = {p['name']: p.get('value') for p in message['parameters']}
            self.parameters |= values
            self.replies[message.get('id', '')] = values
        elif operation == 'status':
            self.statuses.append(message['message'])
        elif operation == 'serviceCallFailure':
            self.failures[message['callId']] = message['message']
        elif operation == 'connectionGraphUpdate':
            self.graph.append(message)


class Graph:
    """An own ROS context whose nodes spin in a thread."""

    def __init__(self, domain_id: int) -> None:
        from rclpy.executors import SingleThreadedExecutor

        self.context = rclpy.Context()
        rclpy.init(context=self.context, domain_id=domain_id)
        self._executor = SingleThreadedExecutor(context=self.context)
        self._thread = threading.Thread(target=self._spin)
        self._nodes: list[Any] = []
        self._thread.start()

    def add(self, node: Any) -> Any:
        """Spin ``node`` and return it."""
        self._nodes.append(node)
        self._executor.add_node(node)
        return node

    def node(self, name: str, namespace: str = '/bot') -> Any:
        """Make a plain node and spin it."""
        return self.add(rclpy.create_node(name, namespace=namespace, context=self.context))

    def remove(self, node: Any) -> None:
        """End one node."""
        self._nodes.remove(node)
        self.run(node.destroy_node)

    def run(self, action: Callable[[], Any]) -> None:
        """Run ``action`` on the executor's thread, between two callbacks, and wait for it."""
        done = threading.Event()

        def task() -> None:
            try:
                action()
            finally:
                done.set()

        self._executor.create_task(task)
        assert done.wait(DEADLINE_S), f'{action} did not end within {DEADLINE_S} s'

    def close(self) -> None:
        self._executor.shutdown()
        self._thread.join(DEADLINE_S)
        for node in self._nodes:
            node.destroy_node()
        self.context.try_shutdown()

    def _spin(self) -> None:
        from rclpy.executors import ExternalShutdownException, ShutdownException

        with suppress(ExternalShutdownException, ShutdownException):
            self._executor.spin()


@pytest.fixture(scope='session')
def domain_id() -> int:
    """Keep away from every robot and from other test runs on this machine."""
    return 60 + os.getpid() % 40


@pytest.fixture
def graph(domain_id: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Graph]:
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    graph = Graph(domain_id)
    yield graph
    graph.close()


@pytest.fixture
def serve(graph: Graph) -> Iterator[Callable[..., Any]]:
    """Start Foxglove servers on free ports; keyword arguments are parameters."""
    from devrobot_bringup.foxglove.node import FoxgloveServer
    from rclpy.parameter import Parameter

    servers = []

    def start(**parameters: Any) -> Any:
        values = {'port': 0, 'update_period': 0.1, **parameters}
        overrides = [Parameter(name, value=value) for name, value in values.items()]
        server = FoxgloveServer(context=graph.context, parameter_overrides=overrides)
        server.start()
        servers.append(server)
        return graph.add(server)

    yield start
    for server in servers:
        graph.run(server.stop)


@pytest.fixture
def connect() -> Iterator[Callable[[Any], Viewer]]:
    """Connect viewers to a server or to a port."""
    viewers = []

    def open_viewer(server: Any) -> Viewer:
        viewers.append(Viewer(server if isinstance(server, int) else server.port))
        return viewers[-1]

    yield open_viewer
    for viewer in viewers:
        viewer.close()


@pytest.fixture
def launch(domain_id, tmp_path) -> Iterator:
    """Launch with arguments; whatever still runs at the end is stopped."""
    from ament_index_python.packages import get_package_prefix, PackageNotFoundError

    if shutil.which('ros2') is None:
        pytest.skip('there is no ros2 command here')
    try:
        get_package_prefix('devrobot_bringup')
    except PackageNotFoundError:
        pytest.skip('the workspace is not built or not sourced')
    started = []

    def start(*arguments: str, **more: str) -> Launch:
        log = tmp_path / f'launch{len(started)}.log'
        started.append(Launch(domain_id, log, *arguments, **more))
        return started[-1]

    yield start
    for run in started:
        if run.process.poll() is None:
            run.stop()

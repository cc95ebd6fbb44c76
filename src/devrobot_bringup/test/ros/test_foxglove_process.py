"""The server as a process: address, port in use, signals."""

from collections.abc import Iterator
import os
from pathlib import Path
import re
import signal
import socket
import subprocess
import sys
import threading

import pytest

pytest.importorskip('rclpy')

DEADLINE_S = 30.0
COMMAND = 'import sys; from devrobot_bringup.foxglove.node import main; sys.exit(main())'


class ServerProcess:
    """One server process; its lines are read as they come."""

    def __init__(self, domain_id: int, *parameters: str) -> None:
        environment = {
            **os.environ,
            'ROS_DOMAIN_ID': str(domain_id),
            'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST',
            'PYTHONUNBUFFERED': '1',
        }
        options = [word for parameter in parameters for word in ('-p', parameter)]
        self._process = subprocess.Popen(
            [sys.executable, '-c', COMMAND, '--ros-args', *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
            cwd=Path(__file__).parent,
        )
        self.lines: list[str] = []
        self._ready = threading.Event()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_until_ready(self) -> int:
        """Return the port once the server says where it listens."""
        assert self._ready.wait(DEADLINE_S), self.lines
        return next(
            int(match.group(1))
            for line in self.lines
            if (match := re.search(r'://\S+:(\d+)', line))
        )

    def end(self, signal_number: int | None = None) -> int:
        """Send a signal if given, and return the exit code."""
        if signal_number is not None:
            self._process.send_signal(signal_number)
        try:
            return self._process.wait(DEADLINE_S)
        finally:
            if self._process.poll() is None:
                self._process.kill()
            self._reader.join(DEADLINE_S)

    def _read(self) -> None:
        for line in self._process.stdout:
            self.lines.append(line.rstrip())
            if '://' in line:
                self._ready.set()


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        listener.listen()
        yield listener.getsockname()[1]


def listening_addresses(port: int) -> set[str]:
    """Return the local addresses, as hexadecimal, on which somebody listens to ``port``."""
    listen = '0A'
    found = set()
    for table in ('tcp', 'tcp6'):
        for line in Path(f'/proc/net/{table}').read_text().splitlines()[1:]:
            _, local, _, state, *_ = line.split()
            address, _, hex_port = local.partition(':')
            if state == listen and int(hex_port, 16) == port:
                found.add(address)
    return found


@pytest.mark.parametrize('signal_number', [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_it_cleanly(domain_id, connect, signal_number):
    server = ServerProcess(domain_id, 'port:=0')
    viewer = connect(server.wait_until_ready())
    viewer.wait_for(lambda: viewer.server_info, 'the server')
    assert server.end(signal_number) == 0
    assert not [line for line in server.lines if 'Traceback' in line or 'ERROR' in line]


def test_signals_that_come_twice_end_it_cleanly_too(domain_id):
    server = ServerProcess(domain_id, 'port:=0')
    server.wait_until_ready()
    os.kill(server.pid, signal.SIGINT)
    assert server.end(signal.SIGINT) == 0


def test_only_this_machine_can_connect_by_default(domain_id):
    server = ServerProcess(domain_id, 'port:=0')
    port = server.wait_until_ready()
    try:
        assert listening_addresses(port) == {'0100007F'}
    finally:
        server.end(signal.SIGTERM)


def test_wider_address_is_a_choice_with_a_warning(domain_id):
    server = ServerProcess(domain_id, 'port:=0', 'address:=0.0.0.0')
    port = server.wait_until_ready()
    assert listening_addresses(port) == {'00000000'}
    server.end(signal.SIGTERM)
    assert any('there is no password' in line for line in server.lines)


def test_port_in_use_is_one_line_with_the_way_out(domain_id, taken_port):
    server = ServerProcess(domain_id, f'port:={taken_port}')
    assert server.end() == 1
    assert len(server.lines) == 1, server.lines
    assert f'port {taken_port} on 127.0.0.1 is already in use' in server.lines[0]
    assert f'foxglove_port:={taken_port + 1}' in server.lines[0]


def test_bad_setting_is_one_line(domain_id):
    server = ServerProcess(domain_id, 'port:=99999')
    assert server.end() == 1
    assert len(server.lines) == 1, server.lines
    assert 'port' in server.lines[0]
    assert '99999' in server.lines[0]

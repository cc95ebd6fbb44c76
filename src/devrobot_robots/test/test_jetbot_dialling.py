"""Connecting ends in time, whatever is slow: the look-up of the name, or an address of several."""

from collections.abc import Iterator
from contextlib import ExitStack
import os
import shutil
import socket
import subprocess
import sys
import time

from devrobot_robots.jetbot.dialling import dial
from devrobot_robots.robot import RobotError
import pytest

# A network of its own with a name server that hears all questions and answers none.
OWN_NETWORK = ['unshare', '--user', '--map-root-user', '--net', '--mount', '--', 'sh', '-c']
SILENT_NAMES = 'set -e; ip link set lo up; mount --bind "$1" /etc/resolv.conf; shift; "$@"'
TRY = """
import socket, time
from devrobot_robots.jetbot.peer import Address, connect
from devrobot_robots.robot import RobotError
silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
silent.bind(('127.0.0.1', 53))
begin = time.monotonic()
try:
    connect(
        Address(host='robot.example', port=18861, connect_timeout_s=0.5, call_timeout_s=1.0)
    )
except RobotError as error:
    print(error)
print(time.monotonic() - begin)
silent.settimeout(1.0)
print(silent.recv(1000))
"""


def test_a_name_server_that_does_not_answer_is_given_up_in_time(tmp_path):
    tools = all(shutil.which(name) for name in ('unshare', 'ip', 'mount'))
    if not tools or subprocess.run([*OWN_NETWORK, 'ip link set lo up'], check=False).returncode:
        pytest.skip('no network can be made here')
    servers = tmp_path / 'resolv.conf'
    servers.write_text('nameserver 127.0.0.1\n')
    result = subprocess.run(
        [*OWN_NETWORK, SILENT_NAMES, 'sh', str(servers), sys.executable, '-c', TRY],
        env={**os.environ, 'PYTHONPATH': os.pathsep.join(sys.path)},
        capture_output=True, check=False, text=True, timeout=60.0,
    )  # fmt: skip
    line, seconds, question = result.stdout.splitlines() or [result.stderr, '', '']
    assert line.startswith('cannot connect to robot.example:18861: no address for the name'), line
    # The system itself would ask for 10 s.
    assert float(seconds) < 5.0
    assert 'robot' in question


def test_a_name_that_is_none_is_one_line(jetbots):
    with pytest.raises(RobotError, match='cannot connect to nowhere.invalid:1: .*; is its server'):
        jetbots.robot(1, host='nowhere.invalid')


def test_of_several_addresses_the_one_that_answers_is_taken(monkeypatch):
    with socket.create_server(('127.0.0.1', 0)) as listener:
        port = listener.getsockname()[1]
        found = socket.getaddrinfo('127.0.0.1', port, type=socket.SOCK_STREAM)
        dead = [(*info[:4], ('127.0.0.2', port)) for info in found]
        monkeypatch.setattr(socket, 'getaddrinfo', lambda *_, **__: dead + found)
        with dial('robot.example', port, 5.0) as sock:
            assert sock.getpeername() == ('127.0.0.1', port)
            assert sock.gettimeout() == 5.0


@pytest.fixture
def silent() -> Iterator[tuple[str, int]]:
    """Return an address where who connects hears nothing."""
    with ExitStack() as stack:
        full = stack.enter_context(socket.socket())
        full.bind(('127.0.0.1', 0))
        full.listen(0)
        for _ in range(4):  # no more fit in
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        yield full.getsockname()


def test_all_addresses_together_have_the_time_of_one(monkeypatch, silent):
    found = socket.getaddrinfo(*silent, type=socket.SOCK_STREAM)
    monkeypatch.setattr(socket, 'getaddrinfo', lambda *_, **__: found * 20)
    begin = time.monotonic()
    with pytest.raises(TimeoutError):
        dial('robot.example', silent[1], 0.5)
    assert time.monotonic() - begin < 5.0


def test_a_silent_address_leaves_time_to_the_one_after_it(monkeypatch, silent):
    with socket.create_server(('127.0.0.1', 0)) as listener:
        port = listener.getsockname()[1]
        times = []
        connect = socket.socket.connect

        def noted(sock: socket.socket, address: tuple[str, int]) -> None:
            times.append(sock.gettimeout())
            connect(sock, address)

        (found,) = socket.getaddrinfo('127.0.0.1', port, type=socket.SOCK_STREAM)
        answers = [(*found[:4], silent), found]
        monkeypatch.setattr(socket, 'getaddrinfo', lambda *_, **__: answers)
        monkeypatch.setattr(socket.socket, 'connect', noted)
        with dial('robot.example', port, 2.0) as sock:
            assert sock.getpeername() == ('127.0.0.1', port)
        assert times[0] == pytest.approx(1.0, abs=0.3)
        assert times[1] > 0.1


def test_an_address_of_a_kind_that_this_computer_lacks_is_passed_over(monkeypatch):
    with socket.create_server(('127.0.0.1', 0)) as listener:
        port = listener.getsockname()[1]
        (found,) = socket.getaddrinfo('127.0.0.1', port, type=socket.SOCK_STREAM)
        lacking = (socket.AF_CAN, *found[1:])  # it has no streams, wherever it is known
        monkeypatch.setattr(socket, 'getaddrinfo', lambda *_, **__: [lacking, found])
        with dial('robot.example', port, 5.0) as sock:
            assert sock.getpeername() == ('127.0.0.1', port)

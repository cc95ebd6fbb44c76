"""Connecting ends in time, whatever is slow: the look-up of the name, or an address of several."""

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


def test_all_addresses_together_have_the_time_of_one(monkeypatch):
    with socket.socket() as full:
        full.bind(('127.0.0.1', 0))
        full.listen(0)
        address = full.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for sock in waiting:  # no more fit in: who connects now hears nothing
            sock.setblocking(False)
            sock.connect_ex(address)
        found = socket.getaddrinfo(*address, type=socket.SOCK_STREAM)
        monkeypatch.setattr(socket, 'getaddrinfo', lambda *_, **__: found * 20)
        begin = time.monotonic()
        with pytest.raises(TimeoutError):
            dial('robot.example', address[1], 0.5)
        assert time.monotonic() - begin < 5.0
        for sock in waiting:
            sock.close()

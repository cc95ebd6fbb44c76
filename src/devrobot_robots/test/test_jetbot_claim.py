"""A second server of a robot is refused before it touches motors that turn for the first."""

import os
from pathlib import Path
import signal
import socket
import subprocess
import sys
import time

from jetbot_worlds import Acting, DEADLINE_S, FAR, wait
import pytest

HARDWARE = 'devrobot_robots.jetbot.simulation.hardware'
HINT = 'see systemctl status devrobot_jetbot'


@pytest.fixture
def moving(jetbots):
    """Return a server whose robot moves, and the action that moves it."""
    server = jetbots.server()
    acting = Acting(jetbots.robot(server.port), FAR)
    wait(server.turns, 'motion')
    yield server
    acting.stop.set()
    assert acting.join() is None


def refusal_of_another(state: Path, port: int) -> str:
    """Start a second server, which must end at once with an error; return its last line."""
    result = subprocess.run(
        [
            sys.executable, '-m', 'devrobot_robots.jetbot.server', '--hardware', HARDWARE,
            '--hardware-option', str(state), '--port', str(port),
        ],
        env={**os.environ, 'PYTHONPATH': os.pathsep.join(sys.path)},
        capture_output=True, check=False, text=True, timeout=DEADLINE_S,
    )  # fmt: skip
    assert result.returncode == 1
    return result.stderr.splitlines()[-1]


@pytest.mark.parametrize('is_same_port', [True, False])
def test_a_second_server_leaves_the_motion_of_the_first_alone(moving, is_same_port):
    begin_s = time.monotonic()
    state = moving.folder / 'state'
    error = refusal_of_another(state, moving.port if is_same_port else 0)
    assert error.startswith('jetbot_server: ') and error.endswith(HINT)
    taken = f'port {moving.port} of 127.0.0.1 is taken'
    assert (taken if is_same_port else 'another server drives this robot already') in error
    told = [speeds for moment, *speeds in moving.commands() if moment > begin_s]
    assert [0.0, 0.0] not in told
    assert moving.turns()


def test_a_port_that_something_else_has_leaves_the_motors_alone(tmp_path):
    with socket.create_server(('127.0.0.1', 0)) as listener:
        port = listener.getsockname()[1]
        error = refusal_of_another(tmp_path / 'state', port)
    assert f'port {port} of 127.0.0.1 is taken' in error
    assert not (tmp_path / 'state').exists()


@pytest.mark.parametrize('number', [signal.SIGKILL, signal.SIGTERM])
def test_a_server_that_has_ended_leaves_its_place_to_the_next(jetbots, number):
    server = jetbots.server()
    server.process.send_signal(number)
    server.process.wait()
    server.start()
    assert jetbots.robot(server.port).observe()

"""A second server of a robot is refused before it touches motors that turn for the first."""

import os
from pathlib import Path
import signal
import socket
import subprocess
import sys
import time

from devrobot_robots.jetbot import server
from devrobot_robots.jetbot.server import hardware
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


def another(state: str, *options: str) -> tuple[int, str]:
    """Start a second server, which must end at once; return its exit code and its last line."""
    result = subprocess.run(
        [
            sys.executable, '-m', 'devrobot_robots.jetbot.server', '--hardware', HARDWARE,
            '--hardware-option', state, *options,
        ],
        env={**os.environ, 'PYTHONPATH': os.pathsep.join(sys.path)},
        capture_output=True, check=False, text=True, timeout=DEADLINE_S,
    )  # fmt: skip
    return result.returncode, result.stderr.splitlines()[-1]


def refusal_of_another(state: Path, port: int) -> str:
    code, error = another(str(state), '--port', str(port))
    assert code == 1
    return error


@pytest.mark.parametrize('is_same_port', [True, False])
def test_a_second_server_leaves_the_motion_of_the_first_alone(moving, is_same_port):
    begin_s = time.monotonic()
    state = moving.folder / 'state'
    error = refusal_of_another(state, moving.port if is_same_port else 0)
    assert error.startswith('jetbot_server: ') and error.endswith(HINT)
    taken = f'port {moving.port} of 127.0.0.1 is taken'
    assert (taken if is_same_port else 'another server drives this robot already') in error
    assert goes_on_since(moving, begin_s)


def goes_on_since(moving, begin_s: float) -> bool:
    """Tell whether the motors turned without a break."""
    told = [speeds for moment, *speeds in moving.commands() if moment > begin_s]
    return moving.turns() and [0.0, 0.0] not in told


def test_who_stops_motors_after_a_server_leaves_those_of_another_server_alone(moving):
    """As systemd does for a service that was refused."""
    begin_s = time.monotonic()
    code, text = another(str(moving.folder / 'state'), '--stop-motors')
    assert code == 0
    assert text.startswith('jetbot_server: the motors are left alone: another server drives this')
    assert goes_on_since(moving, begin_s)


def test_the_same_robot_under_another_spelling_is_the_same(moving):
    begin_s = time.monotonic()
    code, error = another(str(moving.folder / '..' / moving.folder.name / 'state'), '--port', '0')
    assert (code, 'another server drives this robot already' in error) == (1, True)
    assert goes_on_since(moving, begin_s)


@pytest.mark.parametrize('option', ['', 'x'])
@pytest.mark.parametrize('module', [hardware.DEFAULT, f'{server.__name__}.jetbot_hardware'])
def test_a_real_jetbot_is_one_robot_however_it_is_called(module, option):
    assert hardware.robot_of(module, option) == 'jetbot_hardware'


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

"""
The server under the Python of a JetBot, 3.6, with rpyc 5.0.1, where that can be had here.

As on a robot: the folder is copied under its own name, and nothing else of devrobot is there.
"""

from collections.abc import Iterator
import os
from pathlib import Path
import shutil
import signal
import subprocess
import time

from devrobot_interfaces_py.images import encode_jpeg
from devrobot_robots.jetbot.server import cli, make_keys
from jetbot_worlds import Acting, FAR, wait
import numpy as np
import pytest

PLACES = (
    os.environ.get('DEVROBOT_PYTHON36', ''),
    '/usr/bin/python3.6',
    *map(str, sorted(Path.home().glob('.pyenv/versions/3.6.*/bin/python'))),
)


@pytest.fixture(scope='module')
def old_python(tmp_path_factory) -> str:
    """Return a Python 3.6 that has rpyc 5.0.1, in an environment made for it."""
    found = [place for place in PLACES if place and Path(place).exists()]
    if not found:
        pytest.skip('there is no Python 3.6 here; DEVROBOT_PYTHON36 may name one')
    folder = tmp_path_factory.mktemp('python36')
    plain = {k: v for k, v in os.environ.items() if not k.startswith(('PYTHON', 'VIRTUAL'))}
    subprocess.run([found[-1], '-m', 'venv', folder / 'venv'], check=True, env=plain)
    python = str(folder / 'venv' / 'bin' / 'python')
    requirements = Path(cli.__file__).with_name('requirements.txt')
    install = [python, '-m', 'pip', 'install', '-q', '--retries', '0', '-r', str(requirements)]
    result = subprocess.run(install, capture_output=True, text=True, check=False, env=plain)
    if result.returncode:
        pytest.skip(f'rpyc 5.0.1 cannot be installed: {result.stderr.strip()[-200:]}')
    return python


@pytest.fixture
def old_server(old_python, tmp_path) -> Iterator:
    processes = []

    def start(*options: str) -> tuple[subprocess.Popen, int]:
        robot = tmp_path / 'robot'
        shutil.copytree(Path(cli.__file__).parent, robot / 'devrobot_jetbot_server')
        shutil.copy(Path(__file__).with_name('jetbot_plain_hardware.py'), robot)
        image = np.arange(24 * 40 * 3, dtype=np.uint8).reshape(24, 40, 3)
        (robot / 'jpeg').write_bytes(encode_jpeg(image))
        process = subprocess.Popen(
            [
                old_python, '-m', 'devrobot_jetbot_server', '--hardware', 'jetbot_plain_hardware',
                '--hardware-option', '.', '--port', '0', '--port-file', 'port', *options,
            ],
            cwd=robot,
            env={'PATH': os.environ['PATH']},
        )  # fmt: skip
        processes.append(process)
        ready = robot / 'port'
        wait(lambda: ready.exists() or process.poll() is not None, 'the server')
        return process, int(ready.read_text())

    yield start
    for process in processes:
        process.kill()
        process.wait()


def speeds(tmp_path: Path) -> list[float]:
    return [float(word) for word in (tmp_path / 'robot' / 'motors').read_text().split()]


def test_it_is_driven_there_by_this_driver(old_server, jetbots, tmp_path):
    process, port = old_server()
    robot = jetbots.robot(port)
    acting = Acting(robot, FAR)
    wait(lambda: speeds(tmp_path) == [0.1, 0.1], 'full speed')
    assert robot.observe()[''].pixels.shape == (24, 40, 3)
    acting.stop.set()
    acting.join()
    assert speeds(tmp_path) == [0.0, 0.0]
    robot.drive(0.05, 0.0)
    now = time.monotonic()
    process.send_signal(signal.SIGKILL)
    wait(lambda: speeds(tmp_path) == [0.0, 0.0], 'the motors to stop')
    assert time.monotonic() - now < 1.5


def test_tls_works_there(old_server, jetbots, tmp_path):
    keys = tmp_path / 'keys'
    assert make_keys.main([str(keys)]) == 0
    _, port = old_server('--tls', str(keys / 'robot'))
    robot = jetbots.robot(port, tls=str(keys / 'owner'))
    robot.execute(1, lambda: False)
    assert robot.observe()

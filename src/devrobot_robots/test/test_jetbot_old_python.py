"""
The server under the Python of a JetBot, 3.6, with rpyc 5.0.1, or under the oldest one at hand.

As on a robot: the folder is copied under its own name, and nothing else of devrobot is there.
"""

from collections.abc import Iterator
import os
from pathlib import Path
import shutil
import signal
import subprocess
import sys
import time

from devrobot_interfaces_py.images import encode_jpeg
from devrobot_robots.jetbot.server import cli, make_keys
from jetbot_worlds import Acting, DEAD_MAN_S, FAR, wait
import numpy as np
import pytest

OLDEST = (3, 6)
NEWEST = sys.version_info[:2]
OLD_TRAITLETS = ('traitlets==4.3.3', 'decorator==4.4.2')
PLAIN = {k: v for k, v in os.environ.items() if not k.startswith(('PYTHON', 'VIRTUAL'))}
REQUIREMENTS = Path(cli.__file__).with_name('requirements.txt')


def pythons() -> Iterator[str]:
    """Find interpreters, the oldest first; the one that runs this test comes last."""
    if 'DEVROBOT_PYTHON36' in os.environ:
        yield os.environ['DEVROBOT_PYTHON36']
    for minor in range(OLDEST[1], NEWEST[1]):
        name = f'python3.{minor}'
        folders = [*Path.home().glob(f'.pyenv/versions/3.{minor}.*/bin'), Path('/usr/bin')]
        yield from (str(folder / name) for folder in folders if (folder / name).exists())
    yield sys.executable


@pytest.fixture(scope='module')
def old_python(tmp_path_factory) -> str:
    """Return the oldest Python that has rpyc 5.0.1, in an environment made for it."""
    problems = []
    for number, python in enumerate(pythons()):
        folder = tmp_path_factory.mktemp(f'python{number}')
        made = run([python, '-m', 'venv', str(folder)])
        own = str(folder / 'bin' / 'python')
        if made.returncode == 0 and install(own, '-r', str(REQUIREMENTS)):
            return own
        problems.append(python)
    pytest.skip(f'rpyc 5.0.1 can be installed for none of {problems}')


def install(python: str, *packages: str) -> bool:
    command = [python, '-m', 'pip', 'install', '-q', '--retries', '0', *packages]
    return run(command).returncode == 0


def run(command: list[str], **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env={**PLAIN, **environment}
    )


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
                '--hardware-option', str(robot), '--port', '0', '--port-file', 'port', *options,
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
    now = time.time()
    process.send_signal(signal.SIGKILL)
    wait(lambda: speeds(tmp_path) == [0.0, 0.0], 'the motors to stop')
    assert (tmp_path / 'robot' / 'motors').stat().st_mtime - now < DEAD_MAN_S


def test_stops_are_forced_onto_the_chip_there(old_python, tmp_path):
    """With traitlets as old as a JetBot has them."""
    if not install(old_python, *OLD_TRAITLETS):
        pytest.skip('traitlets cannot be installed there')
    shutil.copytree(Path(cli.__file__).parent, tmp_path / 'devrobot_jetbot_server')
    for side in ('left', 'right'):
        (tmp_path / side).write_text('0.3')
    package = Path(__file__).parent / 'fake_jetbot'
    done = run(
        [old_python, '-m', 'devrobot_jetbot_server', '--stop-motors'],
        PYTHONPATH=os.pathsep.join([str(tmp_path), str(package)]),
        FAKE_JETBOT=str(tmp_path),
    )
    assert (done.returncode, done.stderr) == (0, '')
    assert [float((tmp_path / side).read_text()) for side in ('left', 'right')] == [0.0, 0.0]


def test_tls_works_there(old_server, jetbots, tmp_path):
    keys = tmp_path / 'keys'
    assert make_keys.main([str(keys)]) == 0
    _, port = old_server('--tls', str(keys / 'robot'))
    robot = jetbots.robot(port, tls=str(keys / 'owner'))
    robot.execute(1, lambda: False)
    assert robot.observe()


DRIVE = """
import sys
from devrobot_robots.clock import SystemClock
from devrobot_robots.jetbot.config import JetBotConfig
from devrobot_robots.jetbot.robot import JetBotRobot
import rpyc
config = JetBotConfig(
    host='127.0.0.1', port=int(sys.argv[1]), max_lateness=2.0, max_motion_error=10.0
)
robot = JetBotRobot.from_config(config, clock=SystemClock(), name='jetbot')
robot.connect()
robot.execute(1, lambda: False)
print(rpyc.__version__, robot.observe()[''].pixels.shape)
robot.close()
"""


def test_the_driver_works_with_the_oldest_rpyc(jetbots, tmp_path):
    packages = tmp_path / 'packages'
    if not install(sys.executable, '--target', str(packages), '-r', str(REQUIREMENTS)):
        pytest.skip('rpyc 5.0.1 cannot be installed for this Python')
    server = jetbots.server()
    path = os.pathsep.join([str(packages), *sys.path])
    done = run([sys.executable, '-c', DRIVE, str(server.port)], PYTHONPATH=path)
    assert (done.stdout, done.stderr) == ('(5, 0, 1) (224, 224, 3)\n', '')
    assert server.state.now().heading > 0.05

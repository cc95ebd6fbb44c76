"""A throw-away ament prefix with tiny executables, and ways to launch them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
import os
from pathlib import Path
import signal
import subprocess
import sys
import time

import pytest
from ros2_standin.shadow import find_real_ros2

SOURCE = Path(__file__).resolve().parents[1]
DEADLINE_S = 30.0


class Workspace:
    """A prefix with packages, and launch files beside it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.prefix = root / 'prefix'
        self.package('tiny')

    def package(self, name: str) -> None:
        """Add an empty package."""
        index = self.prefix / 'share' / 'ament_index' / 'resource_index' / 'packages'
        index.mkdir(parents=True, exist_ok=True)
        (index / name).touch()
        (self.prefix / 'share' / name / 'launch').mkdir(parents=True)
        (self.prefix / 'lib' / name).mkdir(parents=True)

    def executable(self, name: str, text: str = '', *, package: str = 'tiny') -> Path:
        """Add an executable: a Python program without any packages."""
        path = self.prefix / 'lib' / package / name
        path.write_text(f'#!{sys.executable} -IS\n{text}\n')
        path.chmod(0o755)
        return path

    def launch_file(self, body: str, name: str = 'test.launch.xml') -> Path:
        """Write a launch file with ``body`` from line 2 on into the package ``tiny``."""
        path = self.prefix / 'share' / 'tiny' / 'launch' / name
        path.write_text(f'<launch>\n{body}\n</launch>\n')
        return path


class Running:
    """A stand-in in another process, its output in a file."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self._log = log

    @property
    def text(self) -> str:
        """What it printed so far."""
        return self._log.read_text()

    def wait_for(self, condition: Callable[[str], object]) -> str:
        """Return what was printed as soon as ``condition`` is true of it."""
        end = time.monotonic() + DEADLINE_S
        while time.monotonic() < end:
            text = self.text
            if condition(text):
                return text
            time.sleep(0.02)
        pytest.fail(f'not seen in time:\n{self.text}')

    def stop(self, number: int = signal.SIGINT) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(DEADLINE_S)


def environment_without_ros2() -> dict[str, str]:
    """Return the environment with no real ``ros2`` on PATH, as where the stand-in is used."""
    environment = dict(os.environ)
    while (real := find_real_ros2(environment)) is not None:
        folders = environment['PATH'].split(os.pathsep)
        environment['PATH'] = os.pathsep.join(
            folder for folder in folders if folder != str(real.parent)
        )
    environment['PYTHONPATH'] = os.pathsep.join(
        filter(None, (str(SOURCE), environment.get('PYTHONPATH')))
    )
    return environment


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Give an empty workspace, first on AMENT_PREFIX_PATH."""
    made = Workspace(tmp_path)
    rest = os.environ.get('AMENT_PREFIX_PATH')
    path = os.pathsep.join(filter(None, (str(made.prefix), rest)))
    monkeypatch.setenv('AMENT_PREFIX_PATH', path)
    monkeypatch.setenv('ROS_LOG_DIR', str(tmp_path / 'log'))
    monkeypatch.delenv('OVERRIDE_LAUNCH_PROCESS_OUTPUT', raising=False)
    return made


@pytest.fixture
def start(workspace: Workspace) -> Iterator[Callable[..., Running]]:
    """Give a function that starts ``ros2 ARGUMENTS`` and ends it with the test."""
    started: list[Running] = []

    def run(*arguments: str, code: str = '', wrapper: tuple[str, ...] = ()) -> Running:
        program = ['-c', code] if code else ['-m', 'ros2_standin']
        log = workspace.root / f'output_{len(started)}.txt'
        with log.open('wb') as stream:
            process = subprocess.Popen(
                [*wrapper, sys.executable, *program, *map(str, arguments)],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                env=environment_without_ros2(),
            )
        started.append(Running(process, log))
        return started[-1]

    yield run
    for running in started:
        if running.process.poll() is None:
            running.process.kill()
            running.process.wait()


@pytest.fixture
def ros2(workspace: Workspace) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Give a function that runs ``ros2 ARGUMENTS`` to its end."""

    def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, '-m', 'ros2_standin', *arguments],
            capture_output=True,
            text=True,
            timeout=60.0,
            env={**environment_without_ros2(), **more},
        )

    return run

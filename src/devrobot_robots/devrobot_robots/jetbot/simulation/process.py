"""The simulated JetBot as a process of its own, for notebooks, benchmarks and tests."""

from __future__ import annotations

from collections.abc import Sequence
import os
from pathlib import Path
import subprocess
import sys
import time
from typing import IO

from devrobot_robots.jetbot.simulation.state import StateFile

START_TIMEOUT_S = 30.0
END_TIMEOUT_S = 10.0
POLL_S = 0.01


class SimulationProcess:
    """A server with a simulated robot; ``state`` tells where that robot really is."""

    def __init__(self, folder: Path, options: Sequence[str] = ()) -> None:
        """``folder`` takes its state and its log; ``options`` are those of the server."""
        self.folder = folder
        self.state = StateFile(folder / 'state')
        self.port = 0
        self._options = list(options)
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process, once it was started."""
        if self._process is None:
            raise RuntimeError('the simulation was not started')
        return self._process

    @property
    def log_path(self) -> Path:
        """Where its log goes."""
        return self.folder / 'log'

    def start(self) -> None:
        """
        Start, and return when it can be connected to; later starts take the same port.

        :raises RuntimeError: if it does not come up, with what it said.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        ready = self.folder / 'port'
        ready.unlink(missing_ok=True)
        self._log = self.log_path.open('ab')
        self._process = subprocess.Popen(
            [
                sys.executable, '-m', 'devrobot_robots.cli.jetbot_sim',
                '--state', str(self.folder / 'state'),
                '--port', str(self.port), '--port-file', str(ready), *self._options,
            ],
            stderr=self._log,
            env={**os.environ, 'PYTHONPATH': os.pathsep.join(p or os.curdir for p in sys.path)},
        )  # fmt: skip
        end = time.monotonic() + START_TIMEOUT_S
        while not ready.exists():
            if self._process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f'the simulation does not start: {self.log_path.read_text()}')
            time.sleep(POLL_S)
        self.port = int(ready.read_text())

    def close(self) -> None:
        """End it; allowed more than once."""
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.terminate()
            try:
                process.wait(END_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self._log is not None:
            self._log.close()

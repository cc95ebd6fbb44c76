"""Start the launch file as a child, stop it with everything it started, and count its time."""

from collections.abc import Sequence
import contextlib
import os
from pathlib import Path
import re
import resource
import shutil
import signal
import socket
import subprocess
from typing import IO

from devrobot_bringup.demo.config import MAX_PORT

STOP_SECONDS = 15.0

NODE_ERROR = re.compile(r'\[[\w.-]+\] \[(ERROR|FATAL)\] ')
SHOWN_ERRORS = 3


class LaunchError(RuntimeError):
    """The nodes could not be started or did not stay up."""


class Launch:
    """One ``ros2 launch`` with its nodes, in a process group of its own."""

    def __init__(self, arguments: Sequence[str], log_path: Path) -> None:
        """``arguments`` follow ``ros2 launch``; output goes to ``log_path``."""
        self._arguments = list(arguments)
        self.log_path = log_path
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None

    def start(self) -> None:
        """
        Start the nodes.

        :raises LaunchError: if there is no ``ros2`` command.
        """
        if shutil.which('ros2') is None:
            raise LaunchError('there is no ros2 command here: use ./devrobot demo')
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        self._log = self.log_path.open('wb')
        self._process = subprocess.Popen(
            ['ros2', 'launch', *self._arguments],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def check(self) -> None:
        """
        Do nothing while the nodes run.

        :raises LaunchError: if they have ended, with the last lines they printed.
        """
        if self._process is not None and self._process.poll() is not None:
            raise LaunchError(
                f'the nodes ended with code {self._process.returncode}; the last they said:\n'
                f'{self.tail()}\n(whole log: {self.log_path})'
            )

    def tail(self, lines: int = 8) -> str:
        """Return the last lines of the log, after what the nodes themselves call an error."""
        if not self.log_path.exists():
            return ''
        return tail_of(self.log_path.read_text(errors='replace'), lines)

    def stop(self) -> float:
        """Stop the nodes and return the CPU seconds that they used."""
        process, self._process = self._process, None
        if process is None:
            return 0.0
        before = _children_cpu_seconds()
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGINT)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if self._log is not None:
            self._log.close()
        return _children_cpu_seconds() - before


def tail_of(text: str, lines: int) -> str:
    """
    Return the last lines of a log; errors of nodes that came before them go first.

    The node that fails first has the reason; the others, which are stopped then, speak last.
    """
    every = text.splitlines()
    last = every[-lines:]
    errors = [line for line in every[:-lines] if NODE_ERROR.match(line)]
    return '\n'.join([*errors[-SHOWN_ERRORS:], *last])


def free_port(port: int, tries: int = 20, way_out: str = 'use --foxglove-port') -> int:
    """
    Return ``port``, or the next one on loopback that nobody listens on.

    :raises LaunchError: if all of ``tries`` ports are taken.
    """
    for candidate in range(port, min(port + tries, MAX_PORT + 1)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(('127.0.0.1', candidate))
                return candidate
    raise LaunchError(f'ports {port} to {candidate} are taken: {way_out}')


def _children_cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime

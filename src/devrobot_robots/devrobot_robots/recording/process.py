"""The process that records: started under a guard, stopped so that the bag is closed."""

from __future__ import annotations

from collections.abc import Sequence
import signal
import subprocess
import sys

from devrobot_robots.recording import guard

# A message takes up to 0.3 s to a recorder on a busy machine, which drops what comes after SIGINT.
LAST_MESSAGES_S = 1.0
SIGTERM_PATIENCE_S = 5.0
GUARD_PATIENCE_S = 10.0


class RecordingProcess:
    """
    A command that ends with its owner: see ``guard.py``.

    It has a session of its own, so that Ctrl-C in a terminal reaches only the owner, who then
    stops it in order.
    """

    def __init__(self, command: Sequence[str], *, output: int, stop_timeout_s: float) -> None:
        """``output`` is the file descriptor for everything that the command prints."""
        self._command = tuple(command)
        self._output = output
        self._patience_s = (LAST_MESSAGES_S, stop_timeout_s, SIGTERM_PATIENCE_S)
        self._guard: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """
        Start the command.

        :raises OSError: if it cannot be started.
        """
        patience = map(str, self._patience_s)
        self._guard = subprocess.Popen(
            # Without site packages: quick, small, and nothing of the environment is loaded.
            [sys.executable, '-I', '-S', guard.__file__, *patience, *self._command],
            stdin=subprocess.PIPE,
            stdout=self._output,
            stderr=self._output,
            start_new_session=True,
        )

    @property
    def exit_code(self) -> int | None:
        """The exit code once the command has ended; 128 + n after signal n."""
        return None if self._guard is None else self._guard.poll()

    def stop(self) -> int:
        """
        Stop the command if it runs, wait until it has ended, and return its exit code.

        What was sent to it before this is called still reaches it.
        """
        assert self._guard is not None and self._guard.stdin is not None
        self._guard.stdin.close()
        try:
            return self._guard.wait(sum(self._patience_s) + GUARD_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._guard.kill()
            return self._guard.wait()


def describe_exit(code: int) -> str:
    """Return ``exit code 1``, or ``SIGKILL`` for 128 + 9."""
    try:
        return signal.Signals(code - 128).name
    except ValueError:
        return f'exit code {code}'

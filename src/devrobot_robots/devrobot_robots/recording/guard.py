"""
Run a command until the guard's standard input ends, then stop the command properly.

Started as ``python guard.py LAST_SECONDS SIGINT_SECONDS SIGTERM_SECONDS COMMAND…``. Whoever
started it holds the other end of that pipe, so that the command ends properly even if its owner is
killed: after a last while for what is still on its way to it comes SIGINT, SIGTERM if that does
not help in time, then SIGKILL. The exit code is the command's, or 128 plus the number of the
signal that ended it. Plain Python, because it starts without packages.
"""

from __future__ import annotations

from collections.abc import Sequence
import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys

PR_SET_PDEATHSIG = 1
OWN_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(command: Sequence[str], last_s: float, sigint_s: float, sigterm_s: float) -> int:
    """Run the command as described above and return the exit code."""
    wake_up, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    for number in (*OWN_SIGNALS, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    libc, guard_pid = ctypes.CDLL(None), os.getpid()
    child = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, preexec_fn=lambda: _prepare(libc, guard_pid)
    )
    _wait_for_order_or_end(child, wake_up)
    _wait(child, last_s)
    for number, patience_s in (
        (signal.SIGINT, sigint_s),
        (signal.SIGTERM, sigterm_s),
        (signal.SIGKILL, None),
    ):
        if child.poll() is None:
            child.send_signal(number)
            _wait(child, patience_s)
    code: int = child.returncode
    return 128 - code if code < 0 else code


def _prepare(libc: ctypes.CDLL, guard_pid: int) -> None:
    """In the child: have it stopped if the guard itself is killed, and let it take signals."""
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGINT)
    for number in (*OWN_SIGNALS, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    if os.getppid() != guard_pid:
        os._exit(1)


def _wait_for_order_or_end(child: subprocess.Popen[bytes], wake_up: int) -> None:
    """Wait until standard input ends, a signal asks for the end, or the child has ended."""
    while child.poll() is None:
        readable, _, _ = select.select([sys.stdin.fileno(), wake_up], [], [])
        if wake_up in readable:
            numbers = os.read(wake_up, 64)
            if any(number in numbers for number in OWN_SIGNALS):
                return
        if sys.stdin.fileno() in readable and not os.read(sys.stdin.fileno(), 64):
            return


def _wait(child: subprocess.Popen[bytes], patience_s: float | None) -> None:
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(patience_s)


if __name__ == '__main__':
    sys.exit(run(sys.argv[4:], *map(float, sys.argv[1:4])))

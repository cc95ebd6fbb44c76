"""
A small helper process that stops the children of a launch that was killed.

It knows the process groups through a pipe. When the pipe closes, launch is gone. The kernel has
told its children (see ``child.py``), once, so that they can end in order; the watcher gives them
time and then kills what is left of their groups.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
import os
import signal
import time

GRACE_S = 5.0
POLL_S = 0.05


class Watcher:
    """The end of the pipe that launch holds."""

    def __init__(self) -> None:
        self._pipe = -1
        self._pid = 0

    def start(self) -> None:
        """Fork the helper process; call it while there is only one thread."""
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                os.close(writer)
                _watch(reader)
            finally:
                os._exit(0)
        os.close(reader)
        self._pipe, self._pid = writer, pid

    def add(self, group: int) -> None:
        """Tell the watcher about a process group that runs."""
        self._send(f'+{group}\n')

    def remove(self, group: int) -> None:
        """Tell the watcher that a process group is gone."""
        self._send(f'-{group}\n')

    def close(self) -> None:
        """Let the watcher end; whatever it still knows is stopped first."""
        if self._pipe >= 0:
            os.close(self._pipe)
            self._pipe = -1
            os.waitpid(self._pid, 0)

    def _send(self, line: str) -> None:
        with suppress(BrokenPipeError):  # the watcher was killed: the kernel still tells them
            os.write(self._pipe, line.encode())


def _watch(pipe: int) -> None:
    """Read the groups until the pipe closes, then stop those that are left."""
    os.setsid()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    groups: set[int] = set()
    with os.fdopen(pipe) as lines:
        for line in lines:
            change = groups.add if line[0] == '+' else groups.discard
            change(int(line[1:]))
    stop_groups(groups)


def stop_groups(groups: Iterable[int]) -> None:
    """Kill the process groups that are still there after the grace time."""
    left = set(groups)
    deadline = time.monotonic() + GRACE_S
    while left and time.monotonic() < deadline:
        left = {group for group in left if send(group, 0)}
        time.sleep(POLL_S if left else 0.0)
    for group in left:
        send(group, signal.SIGKILL)


def send(group: int, number: int) -> bool:
    """Send a signal to a process group; return whether it has a member."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True

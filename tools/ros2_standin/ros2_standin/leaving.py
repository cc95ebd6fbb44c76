"""
Leave ROS in bounded time, whatever its middleware does.

Fast DDS 2.14 sometimes hangs for ever in the destruction of a participant while another one goes
away, and when a launch is interrupted all go at once. So it comes last: by then the bag of a
recorder is closed, and everything is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
import contextlib
from contextvars import ContextVar
import ctypes
import sys
import time

SIGEV_THREAD = 2
_NS = 1_000_000_000
#: A launch waits for 5 s before it sends the next signal.
LEAVE_S = 3.0

_LAST: ContextVar[contextlib.ExitStack] = ContextVar('_LAST')


class _Event(ctypes.Structure):
    """``struct sigevent`` of Linux: call a function in a thread of its own."""

    _fields_ = (
        ('value', ctypes.c_long),
        ('signal', ctypes.c_int),
        ('notify', ctypes.c_int),
        ('function', ctypes.c_void_p),
        ('attributes', ctypes.c_void_p),
        ('padding', ctypes.c_char * 32),
    )


@contextlib.contextmanager
def ended_within(seconds: float, code: int) -> Iterator[None]:
    """
    End this process with an exit code if what is done meanwhile takes longer.

    What hangs holds the lock of the interpreter, so that no thread and no signal handler of
    Python would ever run: a timer of the C library calls ``_exit``.
    """
    with contextlib.suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    libc = ctypes.CDLL(None)
    function = ctypes.cast(libc._exit, ctypes.c_void_p)
    event = _Event(value=code, notify=SIGEV_THREAD, function=function)
    timer = ctypes.c_void_p()
    with contextlib.ExitStack() as stack:
        if libc.timer_create(time.CLOCK_MONOTONIC, ctypes.byref(event), ctypes.byref(timer)) == 0:
            stack.callback(libc.timer_delete, timer)
            due = (ctypes.c_long * 4)(0, 0, *divmod(round(seconds * _NS), _NS))
            libc.timer_settime(timer, 0, ctypes.byref(due), None)
        yield


def run_then_leave(command: Callable[[], int]) -> int:
    """
    Run a command, then do what it left for the end; return the exit code of the command.

    If that takes longer than ``LEAVE_S``, the process ends with this exit code.
    """
    last = contextlib.ExitStack()
    token = _LAST.set(last)
    code = 1
    try:
        code = command()
    finally:
        _LAST.reset(token)
        with ended_within(LEAVE_S, code):
            last.close()
    return code


def leave_last(leaving: contextlib.ExitStack) -> None:
    """Leave this for the end of the command; without one, do it now."""
    last = _LAST.get(None)
    if last is None:
        leaving.close()
    else:
        last.push(leaving)

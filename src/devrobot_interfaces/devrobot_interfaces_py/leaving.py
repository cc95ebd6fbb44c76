"""
Leave ROS in bounded time, whatever its middleware does.

Fast DDS 2.14 sometimes spins for ever in the destruction of a participant while another one goes
away (eProsima/Fast-DDS issue 6513), and when a launch is interrupted all go at once.
"""

from collections.abc import Iterator
import contextlib
import ctypes
import sys
import time

#: A launch waits for 5 s before it sends the next signal.
LEAVE_S = 3.0
SIGEV_THREAD = 2


class _Event(ctypes.Structure):
    """``struct sigevent`` of Linux: call a function in a thread of its own."""

    _fields_ = (
        ('exit_code', ctypes.c_long),
        ('signal', ctypes.c_int),
        ('notify', ctypes.c_int),
        ('function', ctypes.c_void_p),
        ('unused', ctypes.c_char * 40),
    )


@contextlib.contextmanager
def leaving_ros(exit_code: int) -> Iterator[None]:
    """
    Destroy the last node and shut down its context meanwhile, when all is saved and said.

    If that takes longer than ``LEAVE_S``, the process ends with this exit code. A thread or a
    signal handler of Python could not see to that: what hangs holds the interpreter's lock.
    """
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.flush()
    c = ctypes.CDLL(None)
    timer = ctypes.c_void_p()
    end = ctypes.cast(c._exit, ctypes.c_void_p)
    event = _Event(exit_code=exit_code, notify=SIGEV_THREAD, function=end)
    if c.timer_create(time.CLOCK_MONOTONIC, ctypes.byref(event), ctypes.byref(timer)) != 0:
        yield
        return
    due = (ctypes.c_long * 4)(0, 0, *divmod(round(LEAVE_S * 1e9), 1_000_000_000))
    c.timer_settime(timer, 0, ctypes.byref(due), None)
    try:
        yield
    finally:
        c.timer_delete(timer)

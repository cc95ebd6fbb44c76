"""Clocks as arguments: durations and waiting, and stamps that never stand still."""

from __future__ import annotations

from collections.abc import Callable
import time
from typing import Protocol

LARGEST_STEP_BACK_NS = 1_000_000_000
POLL_INTERVAL_S = 0.01


class Clock(Protocol):
    """Measures durations and waits; apart from ROS time, which may be paused."""

    def now(self) -> float:
        """Return seconds since some fixed moment."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class SystemClock:
    """The monotonic clock of this computer."""

    def now(self) -> float:
        """Return seconds since some fixed moment."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


def wait_unless_stopped(clock: Clock, duration_s: float, should_stop: Callable[[], bool]) -> bool:
    """Wait ``duration_s`` in short naps; return False as soon as ``should_stop()`` says so."""
    end = clock.now() + duration_s
    while not should_stop():
        remaining = end - clock.now()
        if remaining <= 0.0:
            return True
        clock.sleep(min(remaining, POLL_INTERVAL_S))
    return False


class StrictStamps:
    """
    Turns a clock in nanoseconds into stamps of which no two are equal.

    Frames and events are paired by comparing stamps, so a clock that stands still (paused
    simulation time) or steps back a little must not make them ambiguous. A large step back
    (a simulation that starts again) is followed.
    """

    def __init__(self, clock_ns: Callable[[], int]) -> None:
        self._clock_ns = clock_ns
        self._last: int | None = None

    def __call__(self) -> int:
        """Return the next stamp; the caller holds a lock when several threads ask."""
        now = self._clock_ns()
        if self._last is not None and self._last - LARGEST_STEP_BACK_NS < now <= self._last:
            now = self._last + 1
        self._last = now
        return now

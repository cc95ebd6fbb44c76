"""
The guard: the process that owns the motors, and stops them when nobody speaks to it.

It is a process of its own so that the motors stop also when the server is killed (its pipe ends)
or hangs (no command comes). It ends when its pipe ends, and for no signal. Commands are lines
``LEFT RIGHT``, or ``?`` to ask only; each is answered by ``ok STOPS LEFT RIGHT``, where STOPS is
how often the dead-man timer has stopped the motors, or by ``error STOPS TEXT``.
"""

import argparse
from contextlib import suppress
import os
import select
import signal
import sys
import time
from typing import Any, Callable, Optional, Sequence

from .hardware import open_motors

# The stop itself takes time on a slow bus: it begins so much before the dead-man time is over.
MARGIN_S = 0.03
RETRY_S = 0.05
TELL_AGAIN_S = 10.0
READ_BYTES = 4096
REALTIME_PRIORITY = 1
ERRORS = 2
#: They are for the server. When it ends, so does the pipe; before, there are motors to watch.
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


class Guard:
    """Sets the motors; remembers until when the last command holds."""

    def __init__(
        self,
        motors: Any,
        dead_man_s: float,
        clock: Callable[[], float],
        tell: Callable[[str], None],
    ) -> None:
        """
        Take the motors over.

        :param motors: has ``set(left, right)``, which raises where it failed.
        :param dead_man_s: the motors rest again so long after a command at the latest [s].
        :param tell: takes a line about a stop that failed, and about its success; must not block.
        """
        self._motors = motors
        self._holds_s = dead_man_s - MARGIN_S
        self._clock = clock
        self._tell = tell
        self._due_s: Optional[float] = None
        self._speeds = (0.0, 0.0)
        self._failures = 0
        self._told_s = 0.0
        self.stops = 0

    def wait_s(self) -> Optional[float]:
        """Return how long a command may be waited for; None = for ever, the motors rest."""
        return None if self._due_s is None else max(0.0, self._due_s - self._clock())

    def check(self) -> None:
        """Stop the motors if that is due."""
        if self.wait_s() == 0.0:
            # What is due after a failure is the same stop again.
            self.stops += not self._failures
            self.stop()

    def command(self, line: bytes) -> str:
        """Carry out one line and return the answer."""
        if line.strip() == b'?':
            return self._state()
        try:
            left, right = (float(word) for word in line.split())
            if left or right:
                self._move(left, right)
            else:
                self._rest()
        except Exception as error:  # the bus of the motors may raise anything
            self.stop()
            text = ' '.join(str(error).split())
            return f'error {self.stops} {type(error).__name__}: {text}'
        return self._state()

    def stop(self) -> bool:
        """Stop the motors and return whether that succeeded; if not, it is due again very soon."""
        try:
            self._rest()
        except Exception as error:  # the bus of the motors may raise anything
            self._due_s = self._clock() + RETRY_S
            self._tell_failure(error)
            return False
        return True

    def _move(self, left: float, right: float) -> None:
        # Counted from before the write: a slow bus does not prolong a command.
        self._due_s = self._clock() + self._holds_s
        self._speeds = (left, right)
        self._motors.set(left, right)

    def _rest(self) -> None:
        self._motors.set(0.0, 0.0)
        self._due_s = None
        self._speeds = (0.0, 0.0)
        if self._failures:
            self._tell(f'the motors are stopped, after {self._failures} failures')
            self._failures = 0

    def _tell_failure(self, error: Exception) -> None:
        self._failures += 1
        now = self._clock()
        if self._failures == 1 or now - self._told_s >= TELL_AGAIN_S:
            self._told_s = now
            self._tell(f'cannot stop the motors, trying on: {type(error).__name__}: {error}')

    def _state(self) -> str:
        return 'ok {} {!r} {!r}'.format(self.stops, *self._speeds)


def serve(guard: Guard, commands: int, answers: int) -> None:
    """
    Carry out the lines from one file descriptor until it ends; answer on the other.

    :raises OSError: if an answer cannot be written; who does not read it does not live.
    """
    pending = b''
    while True:
        # In every round, not only in quiet ones: questions do not prolong a command.
        guard.check()
        if not select.select([commands], [], [], guard.wait_s())[0]:
            continue
        data = os.read(commands, READ_BYTES)
        if not data:
            return
        *lines, pending = (pending + data).split(b'\n')
        for line in lines:
            os.write(answers, guard.command(line).encode() + b'\n')


def stop_for_good(guard: Guard) -> None:
    """Stop the motors; where that fails, try again until it succeeds."""
    while not guard.stop():
        time.sleep(RETRY_S)


def tell(text: str) -> None:
    """Write a line where errors go, unless nobody reads there: that must not hold up a stop."""
    line = 'jetbot_guard: {}\n'.format(' '.join(text.split())[:500])
    with suppress(OSError, ValueError):
        if select.select([], [ERRORS], [], 0.0)[1]:
            os.write(ERRORS, line.encode('utf-8', 'replace'))


def hurry() -> None:
    """Run before all that is not urgent, where the system allows it."""
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(REALTIME_PRIORITY))


def main(args: Optional[Sequence[str]] = None) -> int:
    """Own the motors until the pipe ends; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--hardware', required=True)
    parser.add_argument('--hardware-option', default='')
    parser.add_argument('--dead-man', type=float, required=True)
    options = parser.parse_args(args)
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    hurry()
    try:
        motors = open_motors(options.hardware, options.hardware_option)
    except Exception as error:  # the package of the motors may raise anything
        tell(f'cannot open the motors: {type(error).__name__}: {error}')
        return 1
    guard = Guard(motors, options.dead_man, time.monotonic, tell)
    try:
        stop_for_good(guard)
        os.set_blocking(1, False)
        os.write(1, b'ready\n')
        serve(guard, 0, 1)
    except OSError:  # the server is gone, or does not read
        pass
    finally:
        stop_for_good(guard)
    return 0


if __name__ == '__main__':
    sys.exit(main())

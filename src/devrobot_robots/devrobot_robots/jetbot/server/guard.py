"""
The process that owns the motors, and stops them when nobody speaks to it.

It is a process of its own so that the motors stop also when the server is killed (its pipe ends)
or hangs (no command comes). Commands are lines ``LEFT RIGHT``, or ``?`` to ask only; each is
answered by ``ok STOPS LEFT RIGHT``, where STOPS is how often the dead-man timer has stopped the
motors, or by ``error STOPS TEXT``.
"""

import argparse
import os
import select
import signal
import sys
import time
from typing import Any, Callable, Optional, Sequence

from .hardware import open_motors

RETRY_S = 0.05
READ_BYTES = 4096


class Guard:
    """Sets the motors; remembers until when the last command holds."""

    def __init__(self, motors: Any, dead_man_s: float, clock: Callable[[], float]) -> None:
        """``motors`` has ``set(left, right)``; a command holds for ``dead_man_s`` seconds."""
        self._motors = motors
        self._dead_man_s = dead_man_s
        self._clock = clock
        self._deadline: Optional[float] = None
        self._speeds = (0.0, 0.0)
        self.stops = 0

    def wait_s(self) -> Optional[float]:
        """Return how long a command may be waited for; None = for ever, the motors rest."""
        return None if self._deadline is None else max(0.0, self._deadline - self._clock())

    def command(self, line: bytes) -> str:
        """Carry out one line and return the answer."""
        if line.strip() == b'?':
            return self._state()
        try:
            left, right = (float(word) for word in line.split())
            self._motors.set(left, right)
        except Exception as error:  # the bus of the motors may raise anything
            self.rest()
            text = ' '.join(str(error).split())
            return f'error {self.stops} {type(error).__name__}: {text}'
        self._speeds = (left, right)
        moves = self._speeds != (0.0, 0.0)
        self._deadline = self._clock() + self._dead_man_s if moves else None
        return self._state()

    def expire(self) -> None:
        """Stop because no command came in time."""
        self.stops += 1
        self.rest()

    def rest(self) -> bool:
        """Stop the motors; where that fails, it is due again very soon."""
        try:
            self._motors.set(0.0, 0.0)
        except Exception as error:  # the bus of the motors may raise anything
            sys.stderr.write(f'cannot stop the motors: {error}\n')
            self._deadline = self._clock() + RETRY_S
            return False
        self._deadline = None
        self._speeds = (0.0, 0.0)
        return True

    def _state(self) -> str:
        return 'ok {} {!r} {!r}'.format(self.stops, *self._speeds)


def serve(guard: Guard, commands: int, answers: int) -> None:
    """Carry out the lines from one file descriptor until it ends; answer on the other."""
    pending = b''
    while True:
        ready, _, _ = select.select([commands], [], [], guard.wait_s())
        if not ready:
            guard.expire()
            continue
        data = os.read(commands, READ_BYTES)
        if not data:
            return
        *lines, pending = (pending + data).split(b'\n')
        for line in lines:
            os.write(answers, guard.command(line).encode() + b'\n')


def rest_for_good(guard: Guard, tries: int = 100) -> None:
    """Stop the motors, and try again for some seconds where that fails."""
    for _ in range(tries):
        if guard.rest():
            return
        time.sleep(RETRY_S)


def _end(number: int, frame: Any) -> None:
    raise SystemExit(0)


def main(args: Optional[Sequence[str]] = None) -> None:
    """Own the motors until the pipe ends or SIGTERM comes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--hardware', required=True)
    parser.add_argument('--hardware-option', default='')
    parser.add_argument('--dead-man', type=float, required=True)
    options = parser.parse_args(args)
    # Ctrl-C goes to the server, too, whose end is the end of the pipe.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _end)
    motors = open_motors(options.hardware, options.hardware_option)
    guard = Guard(motors, options.dead_man, time.monotonic)
    rest_for_good(guard)
    try:
        os.write(1, b'ready\n')
        serve(guard, 0, 1)
    except BrokenPipeError:  # the server is gone
        pass
    finally:
        rest_for_good(guard)


if __name__ == '__main__':
    main()

"""
The motors as the server sees them: a pipe to the guard, and a way to stop them without it.

The guard stops the motors when the server is silent, and the server stops them when the guard is.
"""

from contextlib import suppress
import logging
import os
import select
import signal
import subprocess
import sys
import threading
import time
from typing import Any, List, Optional, Tuple

from .guard import SIGNALS
from .hardware import open_motors

# Shares of the dead-man time. Together, and with the stop itself, they are less than the whole.
ASK_EVERY = 0.2
ANSWER_WITHIN = 0.5
START_TIMEOUT_S = 60.0
END_TIMEOUT_S = 2.0
STOP_TRIES = 20
RETRY_S = 0.05


class MotorError(RuntimeError):
    """The motors did not do what was asked; they are being stopped."""


class GuardedMotors:
    """
    Motors that rest when anything is wrong with the guard.

    It is asked several times within the dead-man time whether it lives. If there is no answer it
    is killed, the motors are stopped from here, through an object that was made beforehand, and
    another guard is started.
    """

    def __init__(self, hardware: str, option: str, dead_man_s: float, log: logging.Logger) -> None:
        self._hardware = (hardware, option)
        self._command = [
            sys.executable, '-m', f'{__package__}.guard',
            '--hardware', hardware, '--hardware-option', option, '--dead-man', repr(dead_man_s),
        ]  # fmt: skip
        self._ask_every_s = ASK_EVERY * dead_man_s
        self._answer_s = ANSWER_WITHIN * dead_man_s
        self._log = log
        self._lock = threading.Lock()
        self._spare: Any = None
        self._guard: Optional[subprocess.Popen[bytes]] = None
        self._dead: Optional[subprocess.Popen[bytes]] = None
        self._moves = False
        self._was_lost = False
        self._lost = threading.Event()
        self._closing = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name='guard_watcher', daemon=True)

    def open(self) -> None:
        """
        Take the motors and start the guard; return when both rest.

        :raises MotorError: if that fails.
        """
        try:
            self._spare = open_motors(*self._hardware)
        except Exception as error:  # the package of the motors may raise anything
            text = f'cannot open the motors: {type(error).__name__}: {error}'
            raise MotorError(text) from error
        self._guard = self._start()
        self._watcher.start()

    def set(self, left: float, right: float) -> None:
        """
        Set both speeds, and return when they are set.

        :raises MotorError: if the guard does not answer in time, or refuses.
        """
        moves = bool(left or right)
        with self._lock:
            if moves and self._was_lost:
                # The motion that was asked for is over; whoever asked must hear of it.
                self._was_lost = False
                raise MotorError('the process that owns the motors had to be started again')
            self._moves = False  # if this fails, the caller hears of it now
            self._ask(f'{left!r} {right!r}')
            self._moves = moves

    def state(self) -> Tuple[float, float, int]:
        """
        Return both speeds, and how often the dead-man timer has stopped the motors.

        :raises MotorError: if the guard does not answer in time.
        """
        with self._lock:
            stops, left, right = self._ask('?').split()
        return float(left), float(right), int(stops)

    def close(self) -> None:
        """Stop the motors and end the guard."""
        self._closing.set()
        with self._lock:
            guard, self._guard = self._guard, None
        if guard is not None:
            guard.stdin.close()  # type: ignore[union-attr]
            try:
                if guard.wait(END_TIMEOUT_S) == 0:
                    return  # with 0 it ends only when it has stopped the motors
            except subprocess.TimeoutExpired:  # it goes on trying
                self._log.error('the process that owns the motors does not end')
        if self._spare is not None:
            self._stop_from_here()

    def _ask(self, line: str) -> str:
        """Hold the lock; send a line and return the answer."""
        guard = self._guard
        if self._closing.is_set():
            raise MotorError('the server is ending: the motors are stopped')
        if guard is None:
            raise MotorError('the process that owns the motors is being started again')
        try:
            os.write(_descriptor(guard.stdin), line.encode() + b'\n')
            verdict, _, rest = _line(guard, self._answer_s).partition(' ')
        except OSError:
            verdict = ''
        if not verdict:
            # Killed before anything else: when it wakes up it must not move the motors any more.
            guard.kill()
            self._guard, self._dead, self._was_lost = None, guard, self._moves
            self._lost.set()
            raise MotorError('the process that owns the motors does not answer')
        if verdict != 'ok':
            raise MotorError('the motors refuse: {}'.format(rest.partition(' ')[2]))
        return rest

    # --- the thread --------------------------------------------------------------------------

    def _watch(self) -> None:
        while not self._closing.is_set():
            self._lost.wait(self._ask_every_s)
            try:
                if not self._lost.is_set():
                    self._look()
                if self._lost.is_set():
                    self._replace()
            except Exception as error:  # no fault may end this thread
                self._log.error('the motors: %s: %s', type(error).__name__, error)
                time.sleep(RETRY_S)

    def _look(self) -> None:
        with suppress(MotorError):  # where the guard gave no answer, that is known now
            self.state()

    def _replace(self) -> None:
        """Stop the motors and start another guard, which begins with a stop, too."""
        self._stop_from_here()
        if self._dead is not None:
            code = self._dead.wait(END_TIMEOUT_S)
            # Once more: what it was just writing may have come after the first stop.
            self._stop_from_here()
            self._log.error('the process that owned the motors ended (%s): another starts', code)
            self._dead = None
        guard = self._start()
        with self._lock:
            self._guard = guard
            self._lost.clear()

    def _stop_from_here(self) -> None:
        problem = ''
        for _ in range(STOP_TRIES):
            try:
                self._spare.set(0.0, 0.0)
                return
            except Exception as error:  # the bus of the motors may raise anything
                problem = f'{type(error).__name__}: {error}'
                time.sleep(RETRY_S)
        # Not before: whoever reads the log may be slow.
        self._log.error('cannot stop the motors, trying on: %s', problem)

    def _start(self) -> 'subprocess.Popen[bytes]':
        path = os.pathsep.join(entry or os.curdir for entry in sys.path)
        # It inherits that: until it is in a session of its own, and takes no signals any more, one
        # that ends the server's group would end it before it has stopped the motors.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            guard = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=dict(os.environ, PYTHONPATH=path),
                # What ends or freezes all of the server's group or terminal leaves it alone.
                start_new_session=True,
            )
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        if _line(guard, START_TIMEOUT_S) != 'ready':
            guard.kill()
            raise MotorError('the motors cannot be opened or stopped; the line above says why')
        return guard


def _descriptor(stream: object) -> int:
    return stream.fileno()  # type: ignore[attr-defined]


def _line(process: 'subprocess.Popen[bytes]', timeout_s: float) -> str:
    """Return the next line of the process, '' when none comes in time."""
    source = _descriptor(process.stdout)
    end = time.monotonic() + timeout_s
    parts: List[bytes] = []
    while not (parts and parts[-1].endswith(b'\n')):
        remaining = end - time.monotonic()
        if remaining <= 0.0 or not select.select([source], [], [], remaining)[0]:
            return ''
        parts.append(os.read(source, 1024))
        if not parts[-1]:
            return ''
    return b''.join(parts).decode('utf-8', 'replace').strip()

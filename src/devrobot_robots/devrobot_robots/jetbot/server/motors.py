"""Speak to the guard process; start another one when it is gone."""

import logging
import os
import select
import subprocess
import sys
import threading
import time
from typing import List, Optional, Tuple

ANSWER_TIMEOUT_S = 1.0
START_TIMEOUT_S = 60.0
RESTART_PAUSE_S = 0.5


class MotorError(RuntimeError):
    """The motors did not do what was asked; they are being stopped."""


class GuardedMotors:
    """
    The motors as the server sees them: a pipe to the process that owns them.

    A guard that ends is replaced at once, and a new one first stops the motors.
    """

    def __init__(self, hardware: str, option: str, dead_man_s: float, log: logging.Logger) -> None:
        self._command = [
            sys.executable, '-m', f'{__package__}.guard',
            '--hardware', hardware, '--hardware-option', option, '--dead-man', repr(dead_man_s),
        ]  # fmt: skip
        self._log = log
        self._lock = threading.Lock()
        self._process: Optional[subprocess.Popen[bytes]] = None
        self._was_replaced = False
        self._closing = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name='guard_keeper', daemon=True)

    def open(self) -> None:
        """
        Start the guard and wait until it has the motors.

        :raises MotorError: if it does not come up.
        """
        with self._lock:
            self._start()
        self._keeper.start()

    def set(self, left: float, right: float) -> None:
        """
        Set both speeds, and return when they are set.

        :raises MotorError: if the guard does not answer in time, or refuses.
        """
        if self._was_replaced and (left or right):
            # The motion that was asked for is over; whoever asked must hear of it.
            self._was_replaced = False
            raise MotorError('the process that owns the motors had to be started again')
        self._ask(f'{left!r} {right!r}')

    def state(self) -> Tuple[float, float, int]:
        """Return both speeds, and how often the dead-man timer has stopped the motors."""
        stops, left, right = self._ask('?').split()
        return float(left), float(right), int(stops)

    def _ask(self, line: str) -> str:
        with self._lock:
            process = self._process
            if self._closing.is_set():
                raise MotorError('the server is ending: the motors are stopped')
            if process is None or process.poll() is not None:
                raise MotorError('the process that owns the motors is being started again')
            try:
                os.write(_descriptor(process.stdin), line.encode() + b'\n')
                verdict, _, rest = _line(process, ANSWER_TIMEOUT_S).partition(' ')
            except OSError:
                verdict = ''
        if not verdict:
            process.kill()
            raise MotorError('the process that owns the motors does not answer')
        if verdict != 'ok':
            raise MotorError('the motors refuse: {}'.format(rest.partition(' ')[2]))
        return rest

    def close(self) -> None:
        """Stop the motors and end the guard."""
        self._closing.set()
        with self._lock:
            process = self._process
            if process is None:
                return
            process.stdin.close()  # type: ignore[union-attr]
            try:
                process.wait(2.0)
            except subprocess.TimeoutExpired:
                process.terminate()

    def _start(self) -> None:
        path = os.pathsep.join(entry or os.curdir for entry in sys.path)
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=dict(os.environ, PYTHONPATH=path),
        )
        if _line(self._process, START_TIMEOUT_S) != 'ready':
            self._process.kill()
            raise MotorError('the motors cannot be opened; the line above says why')

    def _keep(self) -> None:
        """Replace a guard that ended, which nobody but a fault can bring about."""
        while True:
            process = self._process
            code = process.wait() if process is not None else None
            if self._closing.is_set():
                return
            self._log.error('the process that owns the motors ended (%s): starting another', code)
            with self._lock:
                self._was_replaced = True
                try:
                    self._start()
                    continue
                except MotorError as error:
                    self._log.error('%s', error)
            time.sleep(RESTART_PAUSE_S)


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

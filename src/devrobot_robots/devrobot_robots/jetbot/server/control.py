"""One client at a time moves the robot."""

import threading
from typing import Any, Callable, Optional


class ControlError(RuntimeError):
    """Somebody else moves the robot."""


class Control:
    """
    Who moves the robot: the first client that asks, until it leaves or falls silent.

    A client that vanished without closing its connection loses control after ``silence_s``.
    """

    def __init__(self, silence_s: float, clock: Callable[[], float]) -> None:
        self._silence_s = silence_s
        self._clock = clock
        self._lock = threading.Lock()
        self._holder: Optional[Any] = None
        self._name = ''
        self._until = 0.0

    def take(self, client: Any, name: str) -> None:
        """
        Give control to a client, or go on giving it.

        :raises ControlError: naming who has it.
        """
        with self._lock:
            now = self._clock()
            if self._holder is not None and self._holder is not client and now < self._until:
                raise ControlError(f'the robot is controlled by {self._name}')
            self._holder, self._name, self._until = client, name, now + self._silence_s

    def release(self, client: Any) -> bool:
        """Take control away from a client that left; return whether it had it."""
        with self._lock:
            had = self._holder is client
            if had:
                self._holder, self._name = None, ''
            return had

    def holder(self) -> str:
        """Return the name of who has control, '' = nobody."""
        with self._lock:
            return self._name if self._clock() < self._until else ''

"""One client at a time moves the robot."""

import threading
from typing import Any, Callable, Optional


class ControlError(RuntimeError):
    """Somebody else moves the robot, or has stopped it."""


class Control:
    """
    Who moves the robot: the first client that asks, until it leaves or falls silent.

    A client that vanished without closing its connection loses control after ``silence_s``. A
    stop by another client takes control away for as long, also when that one leaves at once.
    """

    def __init__(self, silence_s: float, clock: Callable[[], float]) -> None:
        self._silence_s = silence_s
        self._clock = clock
        self._lock = threading.Lock()
        self._holder: Optional[Any] = None
        self._name = ''
        self._has_stopped = False
        self._until = 0.0

    def take(self, client: Any, name: str) -> None:
        """
        Give control to a client, or go on giving it.

        :raises ControlError: naming who has it.
        """
        with self._lock:
            now = self._clock()
            if self._holder is not client and now < self._until:
                how = 'was stopped by' if self._has_stopped else 'is controlled by'
                raise ControlError(f'the robot {how} {self._name}')
            self._give(client, name, has_stopped=False)

    def note_stop(self, client: Any, name: str) -> None:
        """Take control from another client that has it: it shall not just go on."""
        with self._lock:
            is_driven = self._clock() < self._until and not self._has_stopped
            if is_driven and self._holder is not client:
                self._give(client, name, has_stopped=True)

    def release(self, client: Any) -> bool:
        """Take control away from a client that left; return whether it had it."""
        with self._lock:
            had = self._holder is client and not self._has_stopped
            if had:
                self._holder, self._name, self._until = None, '', 0.0
            return had

    def has(self, client: Any) -> bool:
        """Tell whether a client has control."""
        with self._lock:
            return self._holder is client and self._clock() < self._until

    def holder(self) -> str:
        """Return the name of who has control, '' = nobody."""
        with self._lock:
            return self._name if self._clock() < self._until else ''

    def _give(self, client: Any, name: str, *, has_stopped: bool) -> None:
        self._holder, self._name, self._has_stopped = client, name, has_stopped
        self._until = self._clock() + self._silence_s

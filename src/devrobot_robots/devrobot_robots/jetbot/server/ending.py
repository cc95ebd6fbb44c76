"""How a signal ends the server, however many come at once."""

import os
import select
import signal
from typing import Any, Dict, Sequence


class Ending:
    """
    Whether the server was told to end.

    A second signal may interrupt what the first one does, which must not wait for a lock then, as
    ``threading.Event`` would for ever: the handler sets a flag, and the system wakes who waits.
    """

    def __init__(self) -> None:
        self._told = False
        self._wakes, self._woken = os.pipe()
        os.set_blocking(self._woken, False)
        self._before: Dict[int, Any] = {}
        self._descriptor_before = -1

    def take_signals(self, numbers: Sequence[int]) -> None:
        """Let signals end the server; to be called by the main thread, as ``close()``."""
        self._descriptor_before = signal.set_wakeup_fd(self._woken)
        for number in numbers:
            self._before[number] = signal.signal(number, self._tell)

    def wait(self, timeout_s: float) -> bool:
        """Return whether it was told so within the time."""
        if not self._told:
            select.select([self._wakes], [], [], timeout_s)
        return self._told

    def close(self) -> None:
        """Leave the signals to who had them before."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self._before:
            signal.set_wakeup_fd(self._descriptor_before)
        os.close(self._wakes)
        os.close(self._woken)

    def _tell(self, *_: Any) -> None:
        self._told = True
        signal.set_wakeup_fd(-1)  # one is enough, and a pipe that nobody reads gets full

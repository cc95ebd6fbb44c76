"""Number and stamp the events of one driver."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from devrobot_interfaces_py.actions import ActionEvent, Phase, STAY
from devrobot_robots.clock import StrictStamps


@dataclass
class AcceptedAction:
    """An action between its acceptance and its end."""

    sequence: int
    index: int = STAY
    source: str = ''
    started_s: float = 0.0
    deadline_s: float | None = None  # set when it starts


class EventStream:
    """Gives out sequence numbers and stamps; the caller holds a lock."""

    def __init__(self, emit: Callable[[ActionEvent], None], stamp_ns: Callable[[], int]) -> None:
        self._emit = emit
        self._sequence = 0
        self.stamp = StrictStamps(stamp_ns)

    def next_sequence(self) -> int:
        """Return the next sequence number; the first is 1."""
        self._sequence += 1
        return self._sequence

    def tell(self, phase: Phase, action: AcceptedAction, message: str = '') -> None:
        """Emit one phase of an action, stamped now."""
        self._emit(
            ActionEvent(
                stamp_ns=self.stamp(),
                sequence=action.sequence,
                phase=phase,
                action=action.index,
                source=action.source,
                message=message,
            )
        )

    def tell_reset(self, message: str = '') -> None:
        """Emit that the robot was put into a new state, under a number of its own."""
        self.tell(Phase.RESET, AcceptedAction(self.next_sequence()), message)

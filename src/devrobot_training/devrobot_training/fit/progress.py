"""What a training has reached, and the clocks that it is measured with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
import math
import time
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Clock:
    """Where the time comes from; tests bring their own."""

    wall: Callable[[], float] = time.monotonic
    cpu: Callable[[], float] = time.process_time


@dataclass
class Progress:
    """What a run has reached; everything in it survives a resume."""

    train_loss: float = math.nan
    best: float = math.inf
    best_step: int = 0
    cpu_seconds: float = 0.0
    wall_seconds: float = 0.0
    cpu_seconds_to_95: float | None = None
    within_2px: float = math.nan
    validations: int = 0

    def state(self) -> dict[str, Any]:
        """Return plain data; what is not finite is None."""
        return {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in vars(self).items()
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on after ``state``; None is what a fresh run has."""
        fresh = Progress()
        for name, value in state.items():
            setattr(self, name, getattr(fresh, name) if value is None else value)

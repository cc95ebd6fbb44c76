"""What happens during a training, as data: logs, progress bars and nodes listen to it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

CHECKPOINT = 'checkpoint'


@dataclass(frozen=True, kw_only=True)
class StepDone:
    """One training step; ``rows`` are the canvases of its batch, losses are per canvas."""

    step: int
    samples: int
    rows: np.ndarray
    plain: np.ndarray
    focal: np.ndarray
    hybrid: np.ndarray
    loss: float
    learning_rate: float
    gradient_norm: float
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Validating:
    """A batch of the validation set is being looked at: a long look is no silence."""

    step: int
    samples: int


@dataclass(frozen=True, kw_only=True)
class Validated:
    """
    The validation set was looked at.

    ``train_loss`` is the moving average of the training loss. ``within_2px`` is the share of
    predictions that put the dot where it came, NaN where there is no dot.
    """

    step: int
    samples: int
    cpu_seconds: float
    wall_seconds: float
    train_loss: float
    plain: float
    focal: float
    hybrid: float
    within_2px: float
    best: float
    improved: bool
    learning_rate: float
    gradient_norms: Mapping[str, float] = field(default_factory=dict)
    samples_per_second: float = float('nan')
    draw_counts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Happened:
    """Anything else worth a line: started, resumed, saved, stopped."""

    step: int
    samples: int
    event: str
    message: str


Event: TypeAlias = StepDone | Validating | Validated | Happened
Listener: TypeAlias = Callable[[Event], None]

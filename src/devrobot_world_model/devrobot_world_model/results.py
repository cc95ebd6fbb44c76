"""
What the online loop hands out.

Shapes: A actions, K frames per canvas; images are (H, W, 3) uint8 RGB of the canvas's frame size.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from torch import Tensor


class NotReadyError(RuntimeError):
    """There is not enough history for a prediction yet."""


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """What the model expects after an action, made before that action's frame was seen."""

    sequence: int
    action: int
    stamp_ns: int
    frame_stamp_ns: int
    history: tuple[np.ndarray, ...]
    actions: tuple[int, ...]
    frames: np.ndarray
    patches: Tensor
    seconds: float

    @property
    def image(self) -> np.ndarray:
        """The frame that is expected after the action taken."""
        return self.frames[self.action]


@dataclass(frozen=True, kw_only=True)
class Score:
    """A prediction beside the frame that came, and beside the trivial predictions."""

    sequence: int
    action: int
    stamp_ns: int
    prediction: Prediction
    truth: np.ndarray
    mse: float
    focal: float
    hybrid: float
    mse_copy_last: float
    hybrid_copy_last: float
    mse_black: float
    hybrid_black: float


@dataclass(frozen=True, kw_only=True)
class Update:
    """Consequences of one frame or event."""

    predictions: tuple[Prediction, ...] = ()
    scores: tuple[Score, ...] = ()
    learn: bool = False


@dataclass(frozen=True, kw_only=True)
class OnlineStats:
    """Counters since the loop was made."""

    frames: int
    transitions: int
    unpaired: dict[str, int] = field(default_factory=dict)
    predictions: int
    predictions_missed: int
    samples_seen: int
    optimizer_step: int
    steps_skipped: int
    steps_gated: int
    learning: bool


@dataclass(frozen=True, kw_only=True)
class LoopState:
    """Everything that a checkpoint holds; tensors have the prefixes model., optimizer., rng."""

    tensors: dict[str, Tensor]
    config: dict[str, Any]
    metrics: dict[str, float]
    counters: dict[str, int]
    state: dict[str, Any]

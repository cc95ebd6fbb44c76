"""Settings of an evaluation."""

from collections.abc import Callable
from dataclasses import dataclass

from devrobot_interfaces_py.configs import check_ranges, param
from devrobot_world_model.config import LossConfig
import numpy as np


@dataclass(frozen=True, kw_only=True)
class EvaluationConfig:
    """What is measured, and on how much."""

    stride: int = param(1, 'measure every stride-th canvas', minimum=1, maximum=1_000_000)
    batch_size: int = param(32, 'canvases that are predicted at once', minimum=1, maximum=65536)
    changed_threshold: float = param(
        0.05,
        'a pixel counts as changed between two actions when it differs by this share of white',
        minimum=0.0,
        maximum=1.0,
    )
    rollout_steps: int = param(
        10, 'length of an open-loop rollout, 0 = none', minimum=0, maximum=1000
    )
    rollouts: int = param(
        100, 'most rollouts, from evenly spread starts', minimum=1, maximum=1_000_000
    )

    def __post_init__(self) -> None:
        check_ranges(self)


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """
    What single predictions and rollouts are measured with.

    ``tick`` is called with 0 before a batch, when it may end everything by an exception, and
    with the number of things done after it. ``measured`` is called with the (B,) hybrid losses of
    each batch of single predictions.
    """

    batch_size: int
    loss: LossConfig
    precision: str
    tick: Callable[[int], None]
    measured: Callable[[np.ndarray], None] = lambda losses: None

"""Events with a value of their own in every field, and something that keeps rows."""

from collections.abc import Mapping
from typing import Any

from devrobot_training.fit.events import Happened, StepDone, Validated
import numpy as np

STEP = StepDone(
    step=7,
    samples=14,
    rows=np.array([31, 4]),
    plain=np.array([0.1, 0.3]),
    focal=np.array([0.2, 0.6]),
    hybrid=np.array([0.5, 0.7]),
    loss=0.55,
    learning_rate=3e-4,
    gradient_norm=1.25,
    seconds=0.05,
)
VALIDATED = Validated(
    step=7,
    samples=14,
    cpu_seconds=3.5,
    wall_seconds=4.5,
    train_loss=0.51,
    plain=0.11,
    focal=0.21,
    hybrid=0.31,
    within_2px=0.75,
    best=0.29,
    improved=False,
    learning_rate=3e-4,
    gradient_norms={'encoder': 0.1, 'decoder': 0.2, 'decoder_embed': 0.3, 'codes': 0.4},
    samples_per_second=20.5,
    draw_counts={
        'minimum': 1.0,
        'median': 2.0,
        'maximum': 3.0,
        'unseen': 0.0,
        'draws': 14.0,
        'least_owed': 1.5,
        'most_owed': 2.5,
        'chance': 0.9,
    },
)
HAPPENED = Happened(step=7, samples=14, event='stopped', message='time: used up')
EVENTS = (STEP, VALIDATED, HAPPENED)


class Kept:
    """Takes rows, in place of a log or of a writer."""

    def __init__(self) -> None:
        self.rows: list[Mapping[str, Any]] = []
        self.closed = 0

    def write(self, row: Mapping[str, Any]) -> None:
        self.rows.append(row)

    def close(self) -> None:
        self.closed += 1

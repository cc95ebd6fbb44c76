"""How learning goes: the latest losses, and whether they fall."""

from collections import deque
from dataclasses import dataclass
import math
from statistics import fmean

WINDOW = 100


@dataclass(frozen=True, kw_only=True)
class StepReport:
    """One training step in plain numbers, read from the device once."""

    loss: float
    gradient_norm: float
    learning_rate: float
    optimizer_step: int
    samples: int
    seconds: float


class Progress:
    """Numbers for people; touched by one thread only."""

    def __init__(self, history: int) -> None:
        """Remember the last ``history`` training losses."""
        self.losses: deque[float] = deque(maxlen=history)
        self.last: StepReport | None = None
        self.non_finite = 0
        self.best_prediction_loss = math.nan
        self._scores: deque[float] = deque(maxlen=WINDOW)

    def add_step(self, report: StepReport) -> None:
        """Take a training step."""
        self.last = report
        self.losses.append(report.loss)

    def add_score(self, hybrid: float) -> None:
        """Take the loss of a prediction, made before the model had seen the outcome."""
        self._scores.append(hybrid)
        if len(self._scores) == WINDOW:
            # A single prediction says little: a robot that stays is easy to predict.
            self.best_prediction_loss = min(
                self.prediction_loss, _or_infinity(self.best_prediction_loss)
            )

    @property
    def prediction_loss(self) -> float:
        """Mean loss of the last predictions; NaN before the first."""
        return fmean(self._scores) if self._scores else math.nan

    @property
    def trend(self) -> float:
        """Newer half of the losses relative to the older half: below 1 means that they fall."""
        half = len(self.losses) // 2
        if half < 10:
            return math.nan
        losses = list(self.losses)
        older = fmean(losses[:half])
        return fmean(losses[half:]) / older if older > 0 else math.nan


def _or_infinity(value: float) -> float:
    return math.inf if math.isnan(value) else value

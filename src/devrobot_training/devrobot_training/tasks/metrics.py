"""What a training measures while it goes on, newest values only."""

from collections.abc import Callable
from dataclasses import dataclass, replace
import math

from devrobot_training.fit.events import Event, StepDone, Validated

MAIN, SWEEP, BASELINE = 'main', 'sweep', 'baseline'


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """
    Newest values; NaN where nothing was measured yet. ``stamp_ns`` is when.

    ``stage`` and ``repeat`` (which training of the stage) count from 1; 0 without stages, and a
    ``repeat`` of 0 in a stage are several at a time.
    """

    run_id: str
    mode: str = MAIN
    stage: int = 0
    repeat: int = 0
    stamp_ns: int = 0
    step: int = 0
    samples: int = 0
    train_loss: float = math.nan
    validation_loss: float = math.nan
    best_validation_loss: float = math.nan
    learning_rate: float = math.nan
    gradient_norm: float = math.nan
    samples_per_second: float = math.nan


class MetricsKeeper:
    """Listens to a training and keeps its newest values."""

    def __init__(self, run_id: str, loss_kind: str, now_ns: Callable[[], int]) -> None:
        """``loss_kind`` is the loss that is trained on, and so reported."""
        self.newest = Metrics(run_id=run_id)
        self._kind = loss_kind
        self._now_ns = now_ns
        self._own_mode = MAIN

    def begin(self, stage: int, repeat: int, *, baseline: bool) -> None:
        """Take which training begins: nothing was measured in it yet."""
        self._own_mode = BASELINE if baseline else MAIN
        self.newest = Metrics(
            run_id=self.newest.run_id,
            stamp_ns=self._now_ns(),
            mode=self._own_mode,
            stage=stage,
            repeat=repeat,
        )

    def search(self) -> None:
        """Take that a rate is searched for; the values stay those from before."""
        self.newest = replace(self.newest, stamp_ns=self._now_ns(), mode=SWEEP)

    def __call__(self, event: Event) -> None:
        """Take an event."""
        if isinstance(event, StepDone):
            self.newest = replace(
                self.newest,
                stamp_ns=self._now_ns(),
                mode=self._own_mode,
                step=event.step,
                samples=event.samples,
                train_loss=event.loss,
                learning_rate=event.learning_rate,
                gradient_norm=event.gradient_norm,
            )
        elif isinstance(event, Validated):
            self.newest = replace(
                self.newest,
                stamp_ns=self._now_ns(),
                validation_loss=getattr(event, self._kind),
                best_validation_loss=event.best,
                samples_per_second=event.samples_per_second,
            )

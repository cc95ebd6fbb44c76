"""Order learning rates by what their trials reached; failures rank last."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
import math
import statistics
from types import MappingProxyType

from devrobot_training.sweeps.config import MEAN, MEDIAN, MIN

Statistic = Callable[[Sequence[float]], float]
STATISTICS: Mapping[str, Statistic] = MappingProxyType(
    {MEDIAN: statistics.median, MEAN: statistics.fmean, MIN: min}
)


@dataclass(frozen=True, kw_only=True)
class TrialOutcome:
    """What came of one trial: its best validation loss, None if it failed, and then why."""

    number: int
    learning_rate: float
    seed: int
    best: float | None
    reason: str = ''
    samples: int | None = None
    seconds: float | None = None

    @property
    def failed(self) -> bool:
        """Whether there is nothing to rank it by."""
        return self.best is None


@dataclass(frozen=True, kw_only=True)
class Ranked:
    """A learning rate after a phase; ``score`` is None where too many of its trials failed."""

    learning_rate: float
    score: float | None
    best_trial: int | None
    failures: tuple[str, ...] = ()


def rank(outcomes: Sequence[TrialOutcome], how: str) -> tuple[Ranked, ...]:
    """
    Return the rates, best first.

    A failed trial counts as infinitely bad in median, mean and minimum. Rates of an infinite
    score come last: first those with fewer failures, then the best single trial, then the lower
    rate.
    """
    groups: dict[float, list[TrialOutcome]] = {}
    for outcome in outcomes:
        groups.setdefault(outcome.learning_rate, []).append(outcome)
    keys = {rate: _key(group, how) for rate, group in groups.items()}
    return tuple(
        _ranked(rate, groups[rate], keys) for rate in sorted(groups, key=lambda r: (*keys[r], r))
    )


def _key(group: list[TrialOutcome], how: str) -> tuple[float, int, float]:
    values = [_value(outcome) for outcome in group]
    return STATISTICS[how](values), sum(o.failed for o in group), min(values)


def _ranked(
    rate: float, group: list[TrialOutcome], keys: Mapping[float, tuple[float, int, float]]
) -> Ranked:
    score = keys[rate][0]
    best = min(group, key=lambda outcome: (_value(outcome), outcome.number))
    return Ranked(
        learning_rate=rate,
        score=score if math.isfinite(score) else None,
        best_trial=None if best.failed else best.number,
        failures=tuple(outcome.reason for outcome in group if outcome.failed),
    )


def _value(outcome: TrialOutcome) -> float:
    best = outcome.best
    return best if best is not None and math.isfinite(best) else math.inf

"""Which stage is how good: questions that several parts of the report ask."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
import math
from statistics import median
from typing import Any, TypeVar

from devrobot_interfaces_py.configs import is_among
from devrobot_training.report.differences import leaves
from devrobot_training.report.stage_records import Example, Stage, StageRun, Sweep, TrivialLosses
from devrobot_training.report.summary import RunSummary

#: Settings, or groups of them, that decide how a loss is measured.
MEASURE = ('canvas', 'loss.alpha', 'loss.beta', 'evaluation.stride')
AmountT = TypeVar('AmountT', int, float)


@dataclass(frozen=True, kw_only=True)
class Best:
    """The best weights so far; ``final`` if the run chose them."""

    stage: Stage
    loss: float
    baseline: bool
    final: bool
    on_original: bool
    evaluation: Mapping[str, Any] | None
    examples: tuple[Example, ...]
    worst: tuple[Example, ...]

    @property
    def handed_on(self) -> float | None:
        """The loss of the weights handed on to the same stage, which are these or others."""
        return self.stage.original_loss if self.baseline else self.loss

    @property
    def name(self) -> str:
        """What they are called."""
        return f'{"baseline of " if self.baseline else ""}stage {self.stage.number}'


def best_of(summary: RunSummary) -> Best | None:
    """Return what the run chose, or would choose now; None if nothing was measured."""
    choice = summary.choice or summary.leader
    if choice is not None:
        stage = find_stage(summary, choice.stage)
        if stage is not None and choice.original_loss is not None:
            source = choice if choice.baseline else stage
            return Best(
                stage=stage,
                loss=choice.original_loss,
                baseline=choice.baseline,
                final=summary.choice is not None,
                on_original=True,
                evaluation=source.evaluation,
                examples=source.examples,
                worst=source.worst,
            )
    for attribute in ('original_loss', 'best_validation'):
        measured = [s for s in summary.stages if is_number(getattr(s, attribute))]
        if measured:
            stage = min(measured, key=lambda s: getattr(s, attribute))
            return Best(
                stage=stage,
                loss=getattr(stage, attribute),
                baseline=False,
                final=False,
                on_original=attribute == 'original_loss',
                evaluation=stage.evaluation,
                examples=stage.examples,
                worst=stage.worst,
            )
    return None


def find_stage(summary: RunSummary, number: int) -> Stage | None:
    """Return a stage by its number."""
    return next((stage for stage in summary.stages if stage.number == number), None)


def trivial_of(stage: Stage, *, on_original: bool) -> TrivialLosses:
    """Return what trivial predictions score on the same data."""
    found = stage.original_trivial if on_original else stage.validation_trivial
    return found or TrivialLosses()


def chosen_run(stage: Stage) -> StageRun | None:
    """Return the training whose weights go on: the chosen, the best, or the only one."""
    for run in stage.runs:
        if run.number == stage.chosen_run:
            return run
    measured = [run for run in stage.runs if is_number(run.best_validation)]
    if measured:
        return min(measured, key=lambda run: run.best_validation or math.inf)
    return stage.runs[0] if stage.runs else None


def best_baseline(stage: Stage) -> StageRun | None:
    """Return the training with fresh weights that is best on the original session."""
    measured = [run for run in stage.baseline_runs if is_number(run.original_loss)]
    return min(measured, key=lambda run: run.original_loss or 0.0, default=None)


def baseline_loss(stage: Stage) -> float | None:
    """Return the best loss of the trainings with fresh weights on the original session."""
    best = best_baseline(stage)
    return best.original_loss if best else None


def samples_handed_on(summary: RunSummary, stage: Stage) -> int | None:
    """Return what the weights of a stage have seen: its chosen run and those before it."""
    runs = [chosen_run(s) for s in summary.stages if s.number <= stage.number]
    return training_samples(run for run in runs if run is not None)


def has_baseline(summary: RunSummary) -> bool:
    """Return whether any stage was trained with fresh weights as well."""
    return any(stage.baseline_runs for stage in summary.stages)


def measure_of(summary: RunSummary) -> Mapping[str, Any]:
    """Return the settings that losses on the original session depend on, beside the weights."""
    settings = leaves(dict(summary.reproduction.config or {}))
    return {name: value for name, value in settings.items() if is_among(name, MEASURE)}


def place_of(summary: RunSummary, number: int) -> str:
    """Return a stage with how many there are to be, or were; alone if it was picked out."""
    count = max(summary.header.planned_stages or 0, len(summary.stages))
    return f'stage {number} of {count}' if number <= count else f'stage {number}'


def samples_of(summary: RunSummary) -> int | None:
    """Return the training samples of all stages; None if none tells."""
    return _total(stage.samples for stage in summary.stages)


def training_samples(trainings: Iterable[StageRun]) -> int | None:
    """Return the samples of trainings, sweeps included; None if none tells."""
    return _total(run.samples for run in trainings)


def training_seconds(trainings: Iterable[StageRun]) -> float | None:
    """Return the time that trainings took, one after the other; None if none tells."""
    return _total(run.seconds for run in trainings)


def _total(values: Iterable[AmountT | None]) -> AmountT | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def changed_rate(sweep: Sweep) -> bool:
    """Return whether training went on with another rate after a sweep."""
    if sweep.fallback or sweep.adopted is False or None in (sweep.rate_before, sweep.rate_after):
        return False
    known = sweep.loss_before is not None and sweep.loss_after is not None
    worse = known and not improved(sweep)
    return sweep.rate_before != sweep.rate_after and (sweep.adopted is True or not worse)


def improved(sweep: Sweep) -> bool:
    """Return whether the winner of a sweep was better than what was there before."""
    before, after = sweep.loss_before, sweep.loss_after
    return before is not None and after is not None and after < before


def spread(runs: tuple[StageRun, ...]) -> tuple[float, float, float] | None:
    """Return lowest, median and highest best validation loss; None without any."""
    losses = [run.best_validation for run in runs]
    found = [loss for loss in losses if loss is not None and math.isfinite(loss)]
    return (min(found), median(found), max(found)) if found else None


def is_number(value: float | None) -> bool:
    """Return whether a loss was measured."""
    return value is not None and math.isfinite(value)

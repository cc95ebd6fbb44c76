"""The charts of the report: which curves stand together."""

from collections.abc import Mapping, Sequence
import math
from typing import Any

from devrobot_training.pages.charts import (
    Band,
    Bars,
    BOTH,
    Chart,
    DASHED,
    DOTS,
    FAINT,
    Line,
    Mark,
    smooth,
)
from devrobot_training.pages.numbers import count, number, rate
from devrobot_training.report.glossary import SESSION, TIMELINE
from devrobot_training.report.ranking import (
    baseline_loss,
    chosen_run,
    is_number,
    spread,
    trivial_of,
)
from devrobot_training.report.stage_records import Curve, Stage, StageRun, Sweep
from devrobot_training.report.summary import RunSummary

SAMPLES, LOSS = 'training samples', 'hybrid loss'
BATCHES, SMOOTHED = 'training, each batch', 'training, smoothed'
EDGE = 0.25  # stages


def by_stage(summary: RunSummary) -> Chart:
    """Return how the loss on the original session fell from stage to stage."""
    stages = [stage for stage in summary.stages if is_number(stage.original_loss)]
    x = [stage.number for stage in stages]
    losses = [stage.original_loss for stage in stages]
    fresh = [baseline_loss(stage) for stage in stages]
    copied = [trivial_of(stage, on_original=True).copy_last for stage in stages]
    lines = [Line(x=x, y=losses, name='staged', kind=BOTH)]
    if any(loss is not None for loss in fresh):
        lines.append(Line(x=x, y=fresh, name='fresh weights', tone='orange', kind=BOTH))
    if any(loss is not None for loss in copied):
        # From edge to edge, so that it shows with one stage too.
        ends = [x[0] - EDGE, *x, x[-1] + EDGE]
        level = [copied[0], *copied, copied[-1]]
        lines.append(Line(x=ends, y=level, name='copy last frame', tone='grey', kind=DASHED))
    told = ', '.join(
        f'stage {stage.number}: {number(loss)}' for stage, loss in zip(stages, losses, strict=True)
    )
    return Chart(
        title='Loss on the original session, by stage',
        alt=f'Hybrid loss on the original session by stage. {told}',
        x_name='stage',
        y_name=f'{LOSS} (log)',
        lines=lines,
        x_names=[(value, str(value)) for value in x],
        log=True,
        note='' if stages else 'No stage was measured on the original session yet.',
    )


def timeline(summary: RunSummary) -> Chart:
    """Return the losses of the whole run, stage after stage."""
    train, smoothed, validation, copied = Track(), Track(), Track(), Track()
    bands, marks = [], []
    start = 0
    for stage in summary.stages:
        run = chosen_run(stage)
        if run is None:
            continue
        length = length_of(run)
        train.add(run.train, start)
        smoothed.add(_smoothed(run), start)
        validation.add(run.validation, start)
        level = trivial_of(stage, on_original=False).copy_last
        copied.add(Curve(samples=(0, length), values=(level, level)), start)
        bands.append(Band(start=start, end=start + length, name=f'stage {stage.number}'))
        marks += _marks(stage, run, start)
        start += length
    lines = [
        Line(x=train.x, y=train.y, name=BATCHES, kind=FAINT),
        Line(x=smoothed.x, y=smoothed.y, name=SMOOTHED),
        Line(x=validation.x, y=validation.y, name='validation', tone='orange', kind=BOTH),
        Line(x=copied.x, y=copied.y, name='copy last frame', tone='grey', kind=DASHED),
    ]
    sweeps = sum(mark.name == 'sweep' for mark in marks)
    return Chart(
        title='Loss over all stages',
        alt=f'Training and validation loss over {count(start)} samples in {len(bands)} stages '
        f'with {sweeps} sweeps.',
        x_name=f'{SAMPLES}, stage after stage',
        y_name=f'{LOSS} (log)',
        lines=[line for line in lines if any(value is not None for value in line.y)],
        bands=bands if start else (),
        marks=marks if start else (),
        log=True,
        note=TIMELINE if train.x or validation.x else 'No timeline: no curve was recorded yet.',
    )


def loss_chart(stage: Stage, run: StageRun, title: str) -> Chart:
    """Return the losses of one training."""
    train, validation = run.train or Curve(), run.validation or Curve()
    copied = trivial_of(stage, on_original=False).copy_last
    lines = []
    if train.samples:
        smoothed = _smoothed(run)
        lines += [
            Line(x=train.samples, y=train.values, name=BATCHES, kind=FAINT),
            Line(x=smoothed.samples, y=smoothed.values, name=SMOOTHED),
        ]
    if validation.samples:
        lines.append(
            Line(
                x=validation.samples,
                y=validation.values,
                name='validation',
                tone='orange',
                kind=BOTH,
            )
        )
    if copied is not None and lines:
        ends = (0, length_of(run))
        lines.append(
            Line(x=ends, y=(copied, copied), name='copy last frame', tone='grey', kind=DASHED)
        )
    marks = _marks(stage, run, 0)
    return Chart(
        title=title,
        alt=f'{title} over {count(length_of(run))} samples; best validation '
        f'{number(run.best_validation)}.',
        x_name=SAMPLES,
        y_name=f'{LOSS} (log)',
        lines=lines,
        marks=marks if lines else (),
        log=True,
        note='' if lines else f'No curve: {run.why("validation", "not recorded")}.',
    )


def rate_chart(run: StageRun, title: str = 'Learning rate') -> Chart:
    """Return the learning rate over one training."""
    curve = run.rate or Curve()
    return Chart(
        title=title,
        alt=f'{title} over {count(length_of(run))} samples, last {rate(run.learning_rate)}.',
        x_name=SAMPLES,
        y_name='rate',
        lines=[Line(x=curve.samples, y=curve.values, tone='purple')],
        note='' if curve.samples else f'No rates: {run.why("rate", "not recorded")}.',
    )


def session_chart(stage: Stage) -> Chart:
    """Return the loss of every transition of the original session."""
    found = _part(stage.evaluation, 'over_time')
    x, y = found.get('transition') or [], found.get('hybrid') or []
    whole = len(x) == len(y)
    return Chart(
        title='Loss over the original session',
        alt=f'Hybrid loss of {len(x)} transitions of the original session.',
        x_name='transition',
        y_name=f'{LOSS} (log)',
        lines=[Line(x=x, y=y, kind=DOTS)] if whole else [],
        log=True,
        note=SESSION if x and whole else _not_evaluated(stage),
    )


def histogram_chart(stage: Stage) -> Chart:
    """Return how many transitions have which loss."""
    found = _part(stage.evaluation, 'histogram')
    edges, counts = found.get('edges') or [], found.get('counts') or []
    whole = bool(counts) and len(edges) == len(counts) + 1
    return Chart(
        title='Histogram of that loss',
        alt=f'Histogram of the hybrid loss of {sum(counts)} transitions.',
        x_name=LOSS,
        y_name='transitions',
        bars=Bars(edges=edges, counts=counts) if whole else None,
        note='' if whole else _not_evaluated(stage),
    )


def sweep_chart(sweep: Sweep) -> Chart:
    """Return the best validation loss of every trial by its learning rate."""
    lines, rates = [], set()
    for phase, tone, kind in zip(sweep.phases, ('grey', 'blue'), (DOTS, DOTS), strict=False):
        trials = [trial for trial in phase.trials if is_number(trial.best_validation)]
        lines.append(
            Line(
                x=[math.log10(trial.learning_rate) for trial in trials],
                y=[trial.best_validation for trial in trials],
                name=f'phase {phase.name}, one dot per trial',
                tone=tone,
                kind=kind,
            )
        )
        rates |= {trial.learning_rate for trial in trials}
    ordered = sorted(rates)
    every = math.ceil(len(ordered) / 6) or 1
    return Chart(
        title='Loss by learning rate',
        alt=f'Best validation loss of the trials of {len(ordered)} learning rates.',
        x_name='learning rate (log)',
        y_name=f'{LOSS} (log)',
        lines=[line for line in lines if line.x],
        x_names=[(math.log10(value), rate(value)) for value in ordered[::every]],
        log=True,
        note='' if ordered else 'No trial has a loss.',
    )


def spread_chart(summary: RunSummary) -> Chart:
    """Return every run's best validation loss, and the median of each stage."""
    stages = [stage for stage in summary.stages if spread(stage.runs) is not None]
    runs = [(stage.number, run.best_validation) for stage in stages for run in stage.runs]
    middles = [found[1] for stage in stages if (found := spread(stage.runs)) is not None]
    numbers = [stage.number for stage in stages]
    return Chart(
        title='Best validation loss of every run',
        alt='Best validation loss of every run by stage, with the median.',
        x_name='stage',
        y_name=f'{LOSS} (log)',
        lines=[
            Line(x=[x for x, _ in runs], y=[y for _, y in runs], name='one run', kind=DOTS),
            Line(x=numbers, y=middles, name='median', tone='orange'),
        ],
        x_names=[(value, str(value)) for value in numbers],
        log=True,
    )


class Track:
    """Curves one behind the other, with a gap between."""

    def __init__(self) -> None:
        self.x: list[float] = []
        self.y: list[float | None] = []

    def add(self, curve: Curve | None, start: int) -> None:
        """Append a curve that begins at ``start`` samples."""
        if curve is None or not curve.samples:
            return
        if self.x:
            self.x.append(start)
            self.y.append(None)
        self.x += [start + at for at in curve.samples]
        self.y += curve.values


def _marks(stage: Stage, run: StageRun, start: int) -> list[Mark]:
    """
    Return where the sweeps of a run were, and where it went on.

    A sweep that names no run belongs to the chosen one.
    """
    fresh = any(run is other for other in stage.baseline_runs)
    owner = stage.baseline_runs[0] if fresh else chosen_run(stage)
    found = [
        Mark(x=start + (sweep.samples or 0), name='sweep')
        for sweep in (stage.baseline_sweeps if fresh else stage.sweeps)
        if sweep.run in (run.number, None if run is owner else run.number)
    ]
    found += [Mark(x=start + at, name='training goes on', sign='▲') for at in run.restarts]
    found += [Mark(x=start + at, name='resumed', tone='grey', sign='↻') for at in run.resumed]
    return found


def _smoothed(run: StageRun) -> Curve:
    """Return the moving average of the training loss; one that was not recorded is made."""
    if run.smoothed is not None and run.smoothed.samples:
        return run.smoothed
    train = run.train or Curve()
    return Curve(samples=train.samples, values=tuple(smooth(train.values)))


def length_of(run: StageRun) -> int:
    """Return the samples of a training, its sweeps included."""
    curves = (run.train, run.validation)
    ends = [curve.samples[-1] for curve in curves if curve and curve.samples]
    return max(*ends, run.samples or 0, 0)


def _part(evaluation: Mapping[str, Any] | None, name: str) -> Mapping[str, Sequence[Any]]:
    found = (evaluation or {}).get(name)
    return found if isinstance(found, Mapping) else {}


def _not_evaluated(stage: Stage) -> str:
    return f'Not measured: {stage.why("evaluation", "the stage was not evaluated")}.'

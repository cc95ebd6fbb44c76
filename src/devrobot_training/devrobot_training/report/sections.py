"""What is told about one stage, and about the best model: parts for the templates."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from devrobot_training.evaluation.page import (
    by_action_section,
    divergence_section,
    dots_section,
    losses_section,
    rollouts_section,
)
from devrobot_training.pages.charts import Chart
from devrobot_training.pages.numbers import count, duration, number, rate
from devrobot_training.pages.parts import Section, Table
from devrobot_training.report.alerts import anchor_of, sweep_anchor, sweep_title
from devrobot_training.report.pictures import Album, Row, stage_rows
from devrobot_training.report.plots import (
    histogram_chart,
    loss_chart,
    rate_chart,
    session_chart,
    sweep_chart,
)
from devrobot_training.report.ranking import chosen_run
from devrobot_training.report.stage_records import COMPLETE, Stage, StageRun, Sweep
from devrobot_training.report.tables import event_table, run_table, sweep_table, sweep_words

MEASURES: tuple[Callable[[Mapping[str, Any]], Section], ...] = (
    losses_section,
    dots_section,
    by_action_section,
    divergence_section,
    rollouts_section,
)


@dataclass(frozen=True, kw_only=True)
class SweepView:
    """A sweep: sentence, chart, and a table per phase."""

    anchor: str
    title: str
    words: str
    chart: Chart
    phases: tuple[tuple[str, Table], ...]


@dataclass(frozen=True, kw_only=True)
class StageView:
    """All that is told about a stage."""

    number: int
    anchor: str
    detail: str
    title: str
    state: str
    facts: str
    reason: str
    is_open: bool
    charts: tuple[Chart, ...]
    runs: Table
    sweeps: tuple[SweepView, ...]
    no_sweep: str
    examples: tuple[Row, ...]
    worst: tuple[Row, ...]
    no_worst: str
    events: Table


def stage_view(
    stage: Stage,
    album: Album,
    *,
    is_open: bool,
    worst_elsewhere: bool = False,
    everything: bool = False,
) -> StageView:
    """
    Return what is told about a stage.

    :param worst_elsewhere: its worst predictions stand elsewhere on the page.
    :param everything: on its own page, with the six canvases and a chart per run.
    """
    run = chosen_run(stage)
    no_sweep = '' if stage.sweeps else f'No sweep: {stage.why("sweeps", "none was needed")}.'
    no_worst = '' if stage.worst else f'No pictures: {stage.why("worst")}.'
    if worst_elsewhere and stage.worst:
        no_worst = 'They stand above, under “What it sees”, since this stage is the best.'
    return StageView(
        number=stage.number,
        anchor=f'stage-{stage.number}',
        detail=anchor_of(stage),
        title=f'Stage {stage.number}',
        state=stage.state,
        facts=stage_facts(stage),
        reason=stage.reason or stage.stop_message,
        is_open=is_open,
        charts=tuple(_charts(stage, run, everything)),
        runs=run_table(stage.runs, stage.chosen_run),
        sweeps=tuple(sweep_view(stage, sweep) for sweep in stage.sweeps),
        no_sweep=no_sweep,
        examples=tuple(stage_rows(album, stage.examples)) if everything else (),
        worst=() if worst_elsewhere else tuple(stage_rows(album, stage.worst)),
        no_worst=no_worst,
        events=event_table(stage.events) if stage.events else Table(rows=()),
    )


def stage_facts(stage: Stage) -> str:
    """Return the key figures in one line."""
    parts = []
    if stage.train_size is not None:
        parts.append(f'{count(stage.train_size)} + {count(stage.validation_size)} transitions')
    if stage.best_validation is not None:
        parts.append(f'validation {number(stage.best_validation)}')
    if stage.original_loss is not None:
        parts.append(f'original {number(stage.original_loss)}')
    if stage.learning_rate is not None:
        parts.append(f'rate {rate(stage.learning_rate)}')
    if stage.seconds is not None:
        parts.append(duration(stage.seconds))
    if stage.state == COMPLETE and stage.stop_reason:
        parts.append(f'ended by {stage.stop_reason.replace("_", " ")}')
    return ' · '.join(parts)


def _charts(stage: Stage, run: StageRun | None, everything: bool) -> list[Chart]:
    if run is None:
        return []
    found = [loss_chart(stage, run, 'Loss'), rate_chart(run)]
    if everything:
        others = [other for other in stage.runs if other is not run]
        found += [loss_chart(stage, other, f'Loss of run {other.number}') for other in others]
    return [*found, session_chart(stage), histogram_chart(stage)]


def sweep_view(stage: Stage, sweep: Sweep) -> SweepView:
    """Return what is told about a sweep."""
    return SweepView(
        anchor=sweep_anchor(stage, sweep),
        title=sweep_title(stage, sweep),
        words=sweep_words(stage, sweep),
        chart=sweep_chart(sweep),
        phases=tuple(
            (f'Phase {phase.name}', sweep_table(phase, with_words=phase is sweep.phases[-1]))
            for phase in sweep.phases
        ),
    )


def measures(evaluation: Mapping[str, Any] | None, why: str) -> Sequence[Section]:
    """Return the measures of the best model; those that the evaluation lacks say so."""
    if evaluation is None:
        return [_absent('divergence', 'Counterfactual divergence', why)]
    found = []
    for make in MEASURES:
        try:
            found.append(make(evaluation))
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            name = make.__name__.removesuffix('_section')
            lack = f'the evaluation of this run does not tell it ({error})'
            found.append(_absent(name, name.replace('_', ' ').capitalize(), lack))
    return found


def _absent(anchor: str, title: str, why: str) -> Section:
    return Section(anchor=anchor, title=title, table=Table(rows=(), empty=f'Not measured: {why}.'))

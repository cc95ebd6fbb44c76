"""The tables of the report: which numbers stand where."""

from collections.abc import Sequence

from devrobot_training.pages.curves import draw_sparkline
from devrobot_training.pages.numbers import cell, count, duration, MISSING, rate
from devrobot_training.pages.parts import Cell, Table
from devrobot_training.report.alerts import anchor_of, run_of
from devrobot_training.report.glossary import BASELINE, RUNS, SPREAD, STAGES, SWEEP
from devrobot_training.report.ranking import (
    baseline_loss,
    best_baseline,
    best_of,
    changed_rate,
    chosen_run,
    has_baseline,
    improved,
    samples_handed_on,
    spread,
    trivial_of,
)
from devrobot_training.report.stage_records import (
    COMPLETE,
    RunEvent,
    Stage,
    StageRun,
    Sweep,
    SweepCandidate,
    SweepPhase,
    SweepTrial,
)
from devrobot_training.report.summary import Difference, RunSummary

Row = list[str | Cell]
BASELINE_PAGE = 'baseline.html'


def stage_table(summary: RunSummary) -> Table:
    """Return one row per stage."""
    best = best_of(summary)
    rows, strong = [], None
    for number, stage in enumerate(summary.stages):
        if best is not None and stage is best.stage and not best.baseline:
            strong = number
        rows.append(_stage_row(stage, is_best=strong == number))
    heads = ['stage', *STAGES, 'validation loss']
    return Table(
        heads=heads,
        rows=rows,
        words=STAGES,
        strong=strong,
        empty=f'No stages: {summary.why("stages", "none was begun")}.',
    )


def _stage_row(stage: Stage, *, is_best: bool) -> Row:
    run = chosen_run(stage)
    ended = stage.stop_reason if stage.state == COMPLETE else stage.state
    copied = trivial_of(stage, on_original=True).copy_last
    curve = run.validation.values if run is not None and run.validation is not None else ()
    return [
        Cell(text=str(stage.number), href=f'#{anchor_of(stage)}', mark='best' if is_best else ''),
        count(stage.train_size),
        ended.replace('_', ' ') or MISSING,
        cell(stage.best_validation),
        cell(stage.original_loss),
        change(stage.original_loss, copied),
        cell(baseline_loss(stage)),
        rate(stage.learning_rate),
        count(stage.samples),
        duration(stage.seconds),
        Cell(text=MISSING, picture=draw_sparkline(curve) or None),
    ]


def change(value: float | None, other: float | None) -> str:
    """Return by how many percent a loss is above (+) or below (−) another, or a dash."""
    if value is None or not other:
        return MISSING
    percents = 100 * (value / other - 1)
    sign = '−' if percents < 0 else '+'
    return f'{sign}{abs(percents):.1f} %'


def run_table(runs: Sequence[StageRun], chosen: int | None = None) -> Table:
    """Return one row per training of a stage."""
    rows: list[Row] = [
        [
            Cell(text=str(run.number), mark='chosen' if run.number == chosen else ''),
            str(run.seed),
            (run.stop_reason if run.state == COMPLETE else run.state).replace('_', ' ') or MISSING,
            cell(run.best_validation),
            cell(run.original_loss),
            rate(run.learning_rate),
            count(run.samples),
            duration(run.seconds),
        ]
        for run in runs
    ]
    heads = ['run', 'seed', 'stopped', *RUNS, 'samples', 'time']
    return Table(heads=heads, rows=rows, words=RUNS)


def sweep_table(phase: SweepPhase, *, with_words: bool = True) -> Table:
    """Return one row per learning rate of a phase, with every seed's result."""
    seeds = phase.seeds or tuple(sorted({trial.seed for trial in phase.trials}))
    trials = {(trial.learning_rate, trial.seed): trial for trial in phase.trials}
    candidates = phase.candidates
    rates = [candidate.learning_rate for candidate in candidates]
    rates += sorted({trial.learning_rate for trial in phase.trials} - set(rates))
    by_rate = {candidate.learning_rate: candidate for candidate in candidates}
    rows = [
        _candidate_row(value, by_rate.get(value), [trials.get((value, seed)) for seed in seeds])
        for value in rates
    ]
    places = [f'seed {place}' for place in range(1, len(seeds) + 1)]
    heads = ['rate', phase.ranking if len(seeds) > 1 else 'score', *places, 'outcome']
    return Table(
        heads=heads,
        rows=rows,
        words=SWEEP if with_words else {},
        note=_budget(phase, seeds),
        empty=f'No trials: {phase.why("trials", "none was begun")}.',
        kind='text-last',
    )


def _candidate_row(
    value: float, candidate: SweepCandidate | None, trials: Sequence[SweepTrial | None]
) -> Row:
    """Return a learning rate with the result of each seed, and what became of it."""
    reasons = [trial.reason for trial in trials if trial is not None and trial.reason]
    outcome = '; '.join(dict.fromkeys(reasons)) or MISSING
    kept = candidate is not None and candidate.kept
    if candidate is not None and not kept:
        outcome = candidate.reason or outcome
    results = (
        MISSING
        if trial is None
        else trial.state
        if trial.best_validation is None
        else cell(trial.best_validation)
        for trial in trials
    )
    return [
        Cell(text=rate(value), mark='kept' if kept else ''),
        cell(candidate.score if candidate else None),
        *results,
        outcome,
    ]


def _budget(phase: SweepPhase, seeds: Sequence[int]) -> str:
    parts = []
    if phase.budget_samples:
        parts.append(f'{count(phase.budget_samples)} samples')
    if phase.budget_seconds:
        parts.append(duration(phase.budget_seconds))
    told = f'Each trial may use {" and ".join(parts)}. ' if parts else ''
    word = 'Seed' if len(seeds) == 1 else 'Seeds'
    return f'{told}{word}: {", ".join(map(str, seeds))}.' if seeds else told.rstrip()


def sweep_words(stage: Stage, sweep: Sweep) -> str:
    """Return in one sentence why a sweep was made, and what came of it."""
    begun = {
        'initial': f'Before the training of stage {stage.number}',
        'plateau': f'On a plateau after {count(sweep.samples)} samples',
    }.get(sweep.trigger, sweep.trigger)
    run = f' of {whose}' if (whose := run_of(stage, sweep)) else ''
    changed = changed_rate(sweep)
    told = f'{begun}{run}: rate {rate(sweep.rate_before)} → {rate(sweep.rate_after)}'
    if not changed and not sweep.fallback and sweep.rate_before is not None:
        told = f'{begun}{run}: the rate stays {rate(sweep.rate_before)}'
        if sweep.rate_after not in (None, sweep.rate_before):
            told += f', the best other one was {rate(sweep.rate_after)}'
            told += ', whose weights were kept' * improved(sweep)
    if sweep.loss_before is not None and sweep.loss_after is not None:
        told += f', validation loss {cell(sweep.loss_before)} → {cell(sweep.loss_after)}'
    told += f', {duration(sweep.seconds)}' if sweep.seconds is not None else ''
    if sweep.fallback:
        told += '; every trial failed, so it went on at the configured rate'
    if sweep.state != COMPLETE:
        told += f'; {sweep.state}'
    return f'{told}{f": {sweep.reason}" if sweep.reason else ""}.'


def baseline_table(summary: RunSummary, *, with_links: bool = False) -> Table:
    """
    Return staged and fresh weights side by side.

    :param with_links: on the page of the run, from where the pages of the baselines are reached.
    """
    rows: list[Row] = []
    for stage in summary.stages:
        if not stage.baseline_runs:
            continue
        best = best_baseline(stage)
        loss = best.original_loss if best else None
        link = f'{stage.folder}/{BASELINE_PAGE}' if with_links and stage.folder else ''
        rows.append(
            [
                f'stage {stage.number}',
                cell(stage.original_loss),
                count(samples_handed_on(summary, stage)),
                Cell(text=cell(loss), href=link),
                count(best.samples if best else None),
                change(stage.original_loss, loss),
            ]
        )
    return Table(heads=['', *BASELINE], rows=rows, words=BASELINE, empty=no_baseline(summary))


def baseline_sweep_table(stages: Sequence[Stage]) -> Table:
    """Return what came of the sweeps of baselines; nothing if there were none."""
    rows = [
        [f'stage {stage.number}', sweep_words(stage, sweep)]
        for stage in stages
        for sweep in stage.baseline_sweeps
    ]
    return Table(rows=rows, kind='text')


def no_baseline(summary: RunSummary) -> str:
    """Return why there is no baseline; nothing if there is."""
    if has_baseline(summary):
        return ''
    reasons = dict.fromkeys(stage.why('baseline_runs', '') for stage in summary.stages)
    return f'No baseline: {"; ".join(filter(None, reasons)) or "none was trained"}.'


def spread_table(summary: RunSummary) -> Table:
    """Return how far the runs of a stage lie apart."""
    rows: list[Row] = []
    for stage in summary.stages:
        found = spread(stage.runs)
        if found is not None and len(stage.runs) > 1:
            rows.append([f'stage {stage.number}', str(len(stage.runs)), *map(cell, found)])
    heads = ['', 'runs', 'lowest', 'median', 'highest']
    return Table(
        heads=heads,
        rows=rows,
        words=SPREAD,
        empty='No spread: every stage had one run (runs per stage 1).',
    )


def difference_table(found: Sequence[Difference] | None, where: str, why: str) -> Table:
    """Return the settings that are not ``where``: the default, or as committed."""
    rows = [[item.name, item.value, item.other] for item in found or ()]
    told = f'Nothing differs: every setting is {where}.'
    return Table(
        heads=['setting', 'this run', where.split()[-1]],
        rows=rows,
        empty=f'No comparison: {why}.' if found is None else told,
        kind='text',
    )


def event_table(events: Sequence[RunEvent]) -> Table:
    """Return what happened, in order."""
    rows = [
        [event.time[:19].replace('T', ' '), event.kind, count(event.samples), event.message]
        for event in events
    ]
    heads = ['time (UTC)', 'event', 'samples', '']
    return Table(heads=heads, rows=rows, empty='No events were recorded.', kind='text')

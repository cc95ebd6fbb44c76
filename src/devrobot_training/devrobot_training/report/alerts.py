"""What a reader must know: what the engine said, and what follows from the figures."""

from collections.abc import Iterator, Sequence

from devrobot_training.fit.stopping import DIVERGENCE, NON_FINITE
from devrobot_training.pages.numbers import count, number, rate
from devrobot_training.report.ranking import (
    baseline_loss,
    best_baseline,
    best_of,
    is_number,
    samples_handed_on,
    spread,
    trivial_of,
)
from devrobot_training.report.stage_records import FAILED, INTERRUPTED, SKIPPED, Stage, Sweep
from devrobot_training.report.summary import (
    Alert,
    ERROR,
    NOTE,
    RunSummary,
    SEVERITIES,
    WARNING,
)

WIDE_SPREAD = 1.5
WORSE = 1.1


def all_alerts(summary: RunSummary) -> tuple[Alert, ...]:
    """Return every alert once, worst first, else in the order of the run."""
    found = [*summary.alerts, *_of_run(summary), *_of_original(summary)]
    for stage in summary.stages:
        found += _of_stage(stage)
    found += _of_baselines(summary)
    found += _worthless(summary)
    found += _later_stages(summary)
    once: dict[str, Alert] = {}
    for alert in found:
        once.setdefault(alert.message, alert)
    return tuple(sorted(once.values(), key=lambda alert: SEVERITIES.index(alert.severity)))


def anchor_of(stage: Stage) -> str:
    """Return the anchor of what is told about a stage."""
    return f'stage-{stage.number}-detail'


def run_of(stage: Stage, sweep: Sweep) -> str:
    """Return the training that a sweep belongs to, where that is not the only one."""
    runs = stage.baseline_runs if of_baseline(stage, sweep) else stage.runs
    return f'run {sweep.run}' if len(runs) > 1 and sweep.run is not None else ''


def of_baseline(stage: Stage, sweep: Sweep) -> bool:
    """Return whether a sweep was made in a baseline."""
    return any(own is sweep for own in stage.baseline_sweeps)


def sweep_anchor(stage: Stage, sweep: Sweep) -> str:
    """Return the anchor of what is told about a sweep."""
    return f'sweep-{stage.number}-{sweep.run or 1}-{sweep.number}'


def sweep_title(stage: Stage, sweep: Sweep) -> str:
    """Return what a sweep is called."""
    owner = f'run {sweep.run} of ' if run_of(stage, sweep) else ''
    baseline = 'the baseline of ' if of_baseline(stage, sweep) else ''
    return f'Sweep {sweep.number} of {owner}{baseline}stage {stage.number}'


def _of_run(summary: RunSummary) -> Iterator[Alert]:
    header = summary.header
    reason = header.status_message.rstrip('.')
    if header.status == FAILED:
        told = f'The run failed: {reason}.' if reason else 'The run failed.'
        yield Alert(severity=ERROR, message=told, section='events')
    if header.status == INTERRUPTED:
        told = f'The run was interrupted{f": {reason}" if reason else ""}; '
        told += 'staged --resume goes on with it.'
        yield Alert(severity=WARNING, message=told, section='events')
    if header.later_commits:
        told = f'It was begun with {header.commit or "no commit"} and went on with '
        told += f'{", then ".join(header.later_commits)}: no commit alone repeats it.'
        yield Alert(severity=WARNING, message=told, section='reproduce')
    if header.dirty:
        told = f'There were uncommitted changes: commit {header.commit} alone does not repeat it.'
        yield Alert(severity=NOTE, message=told, section='reproduce')


def _of_original(summary: RunSummary) -> Iterator[Alert]:
    """Tell that stages are compared on what they have trained on."""
    sessions = {used.role: used for used in summary.reproduction.sessions}
    sizes = [(stage.train_size, stage.number) for stage in summary.stages if stage.train_size]
    if 'root' in sessions and 'original' not in sessions and sizes:
        size, number = max(sizes)
        told = f'Stages are compared on a session of {count(sessions["root"].transitions)} '
        told += f'transitions, of which stage {number} trained on {count(size)}: its loss there '
        told += 'tells less of unseen frames than that of validation. --original-session names '
        told += 'another session to compare on.'
        yield Alert(severity=NOTE, message=told, section='stages')


def _of_stage(stage: Stage) -> Iterator[Alert]:
    name, section = f'Stage {stage.number}', anchor_of(stage)
    why = stage.reason or stage.stop_message
    # One without a reason of its own ended with the run, of which it is told.
    if stage.state == FAILED and why:
        yield Alert(severity=ERROR, message=f'{name} failed: {why}.', section=section)
    if stage.state == SKIPPED:
        yield Alert(severity=WARNING, message=f'{name} was skipped: {why}.', section=section)
    yield from _stops(stage)
    if stage.overlap:
        told = f'{name}: {stage.overlap} validation transitions occur in training as well.'
        yield Alert(severity=WARNING, message=told, section=section)
    found = spread(stage.runs)
    if found and found[0] > 0 and found[2] / found[0] > WIDE_SPREAD:
        told = f'{name}: its runs differ widely, {number(found[0])} to {number(found[2])}.'
        yield Alert(severity=NOTE, message=told, section='spread')
    for sweep in stage.sweeps:
        yield from _of_sweep(stage, sweep, sweep_anchor(stage, sweep))
    for sweep in stage.baseline_sweeps:
        yield from _of_sweep(stage, sweep, 'baseline')


def _stops(stage: Stage) -> Iterator[Alert]:
    """Tell why trainings ended that should not have."""
    section = anchor_of(stage)
    kinds = ((stage.runs, 'run'), (stage.baseline_runs, 'baseline run'))
    for runs, word in kinds:
        for run in runs:
            name = f'Stage {stage.number}' + (
                f', {word} {run.number}' if len(runs) > 1 or word != 'run' else ''
            )
            if run.stop_reason == DIVERGENCE:
                told = f'{name} stopped on divergence: {run.stop_message or "no details"}.'
                yield Alert(severity=WARNING, message=told, section=section)
            elif run.stop_reason == NON_FINITE:
                told = f'{name} stopped on numbers that are not finite: '
                told += f'{run.stop_message or "no details"}.'
                yield Alert(severity=ERROR, message=told, section=section)
            elif run.state == FAILED and (len(runs) > 1 or word != 'run'):
                told = f'{name} failed: {run.stop_message or "no details"}.'
                yield Alert(severity=WARNING, message=told, section=section)


def _of_baselines(summary: RunSummary) -> Iterator[Alert]:
    """Tell where fresh weights were better than those handed on."""
    best = best_of(summary)
    if best is not None and best.baseline:
        now = '' if best.final else ' so far'
        told = f'The best weights{now} are those of the {best.name}: handing on weights from '
        told += 'stage to stage did not help.'
        yield Alert(severity=WARNING, message=told, section='baseline')
    if best is not None:
        yield from _seen(summary, best.stage)
    worse = [
        (stage.number, own, other)
        for stage in summary.stages
        if (own := stage.original_loss) is not None
        and (other := baseline_loss(stage)) is not None
        and other < own
    ]
    if len(worse) == 1:
        ((stage, own, other),) = worse
        told = f'Stage {stage} is worse than its baseline with fresh weights: '
        told += f'{number(own)} against {number(other)}.'
        yield Alert(severity=WARNING, message=told, section='baseline')
    elif worse:
        told = f'{_listed([stage for stage, *_ in worse])} are worse than their baselines with '
        yield Alert(severity=WARNING, message=f'{told}fresh weights.', section='baseline')


def _seen(summary: RunSummary, stage: Stage) -> Iterator[Alert]:
    """Tell what each side of the comparison with a baseline was trained on."""
    run, seen = best_baseline(stage), samples_handed_on(summary, stage)
    if run is not None and run.samples is not None and seen is not None:
        told = f'The weights handed on to stage {stage.number} have seen {count(seen)} samples, '
        told += f'those of its baseline {count(run.samples)}.'
        yield Alert(severity=NOTE, message=told, section='baseline')


def _worthless(summary: RunSummary) -> Iterator[Alert]:
    """Tell which predictions without a model are as good; early stages may be so bad."""
    best = best_of(summary)
    others: dict[str, list[int]] = {}
    for stage in summary.stages:
        found = _as_good(stage)
        if found is None:
            continue
        loss, other, name = found
        if best is not None and best.stage is stage and not best.baseline:
            told = f'Stage {stage.number} is no better than {name}: '
            told += f'{number(loss)} against {number(other)}.'
            yield Alert(severity=ERROR, message=told, section='stages')
        else:
            others.setdefault(name, []).append(stage.number)
    for name, stages in others.items():
        told = f'{_listed(stages)} {"is" if len(stages) == 1 else "are"} no better than {name}.'
        yield Alert(severity=NOTE, message=told, section='stages')


def _as_good(stage: Stage) -> tuple[float, float, str] | None:
    """Return loss, loss and name of a prediction without a model that is as good as a stage."""
    on_original = is_number(stage.original_loss)
    loss = stage.original_loss if on_original else stage.best_validation
    if loss is None or not is_number(loss):
        return None
    where = 'the original session' if on_original else 'its validation part'
    trivial = trivial_of(stage, on_original=on_original)
    for other, name in (
        (trivial.copy_last, 'copying the last frame'),
        (trivial.grey, 'the best constant grey'),
    ):
        if other is not None and loss >= other:
            return loss, other, f'{name} on {where}'
    return None


def _listed(stages: Sequence[int]) -> str:
    """Return stages in words."""
    if len(stages) == 1:
        return f'Stage {stages[0]}'
    return f'Stages {", ".join(map(str, stages[:-1]))} and {stages[-1]}'


def _of_sweep(stage: Stage, sweep: Sweep, section: str) -> Iterator[Alert]:
    trials = [trial for phase in sweep.phases for trial in phase.trials]
    failed = [trial for trial in trials if trial.state == FAILED]
    name = sweep_title(stage, sweep)
    name = name[0].lower() + name[1:]
    if sweep.fallback:
        told = (
            f'Every trial of {name} failed: on at the configured rate, {rate(sweep.rate_after)}.'
        )
        yield Alert(severity=ERROR, message=told, section=section)
    elif sweep.state == FAILED:
        told = f'The {name} failed: {sweep.reason or "no details"}.'
        yield Alert(severity=WARNING, message=told, section=section)
    elif failed:
        told = f'{len(failed)} of {len(trials)} trials of {name} failed.'
        yield Alert(severity=NOTE, message=told, section=section)


def _later_stages(summary: RunSummary) -> Iterator[Alert]:
    """Tell that more data made it worse."""
    measured = [stage for stage in summary.stages if is_number(stage.original_loss)]
    for before, after in zip(measured, measured[1:], strict=False):
        first, second = before.original_loss, after.original_loss
        if first is not None and second is not None and second > WORSE * first:
            yield Alert(
                severity=NOTE,
                message=f'Stage {after.number} is worse than stage {before.number} on the '
                f'original session: {number(second)} against {number(first)}.',
                section='stages',
            )

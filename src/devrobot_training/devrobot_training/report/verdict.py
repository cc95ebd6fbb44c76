"""What the report says first: the verdict in two or three sentences, and four numbers."""

from devrobot_training.pages.numbers import below, count, duration, number, rate
from devrobot_training.pages.parts import Tile
from devrobot_training.report.previous import Previous
from devrobot_training.report.ranking import (
    baseline_loss,
    Best,
    best_of,
    changed_rate,
    has_baseline,
    place_of,
    samples_of,
    trivial_of,
)
from devrobot_training.report.stage_records import COMPLETE, FAILED, INTERRUPTED, RUNNING, Sweep
from devrobot_training.report.summary import RunSummary


def verdict(summary: RunSummary) -> str:
    """Return in words what came out."""
    best = best_of(summary)
    told = [
        _state(summary),
        _best(summary, best) if best else _nothing(summary),
        _against_baseline(best),
        _sweeps(summary),
    ]
    return ' '.join(filter(None, told))


def tiles(summary: RunSummary, previous: Previous) -> list[Tile]:
    """Return best loss, against baseline, against the previous run, samples."""
    best = best_of(summary)
    samples = samples_of(summary)
    return [
        _loss_tile(best),
        _baseline_tile(summary, best),
        _previous_tile(best, previous),
        Tile(
            value=count(samples),
            label='training samples',
            detail=_in_time(summary),
        ),
    ]


def _in_time(summary: RunSummary) -> str:
    others = (
        ('sweeps', any(stage.sweeps for stage in summary.stages)),
        ('baselines', has_baseline(summary)),
    )
    told = ' and '.join(name for name, there in others if there)
    seconds = f'in {duration(summary.header.seconds)}'
    return f'{seconds}, {told} included' if told else seconds


def _state(summary: RunSummary) -> str:
    header = summary.header
    if header.status == RUNNING:
        if not summary.stages:
            return ''
        return f'Still running: {place_of(summary, summary.stages[-1].number)}.'
    if header.status in (INTERRUPTED, FAILED):
        word = 'Interrupted' if header.status == INTERRUPTED else 'Failed'
        where = f' in stage {summary.stages[-1].number}' if summary.stages else ''
        reason = f': {header.status_message.rstrip(".")}' if header.status_message else ''
        return f'{word}{where}{reason}.'
    return ''


def _nothing(summary: RunSummary) -> str:
    if summary.header.status == RUNNING:
        return 'Nothing has been measured yet.'
    return f'Nothing was measured: {summary.why("choice", "no stage gave weights that could be")}.'


def _best(summary: RunSummary, best: Best) -> str:
    place = place_of(summary, best.stage.number)
    name = f'the baseline of {place}' if best.baseline else place
    opening = f'{name[0].upper()}{name[1:]} is best' if best.final else f'So far {name} is best'
    told = f'{opening}: hybrid loss {number(best.loss)}'
    told += '' if best.on_original else ' on its own validation part'
    trivial = trivial_of(best.stage, on_original=best.on_original)
    if trivial.copy_last is None:
        return f'{told}.'
    told += f', {below(best.loss, trivial.copy_last)} copying the last frame'
    if trivial.grey is not None and best.loss >= trivial.grey:
        told += f' and no better than the best constant grey ({number(trivial.grey)})'
    return f'{told}.'


def _sweeps(summary: RunSummary) -> str:
    found = [(stage.number, sweep) for stage in summary.stages for sweep in stage.sweeps]
    ended = [sweep for _, sweep in found if sweep.state == COMPLETE]
    fallen = [(stage, sweep) for stage, sweep in found if sweep.fallback]
    changed = [(stage, sweep) for stage, sweep in found if changed_rate(sweep)]
    told = []
    if changed:
        stage, last = changed[-1]
        told.append(
            f'The sweep {_when(last)} stage {stage} changed the rate from '
            f'{rate(last.rate_before)} to {rate(last.rate_after)}'
            + (f', the last of {len(changed)} that did' if len(changed) > 1 else '')
            + '.'
        )
    if fallen:
        stages = sorted({stage for stage, _ in fallen})
        where = f'sweeps in stages {" and ".join(map(str, stages))}'
        where = where if len(stages) > 1 else f'sweep in stage {stages[0]}'
        told.append(
            f'Every trial of the {where} failed: on at the configured rate, '
            f'{rate(fallen[-1][1].rate_after)}.'
        )
    if ended and not told:
        word = 'sweep found' if len(ended) == 1 else 'sweeps found'
        told.append(f'{len(ended)} {word} no better rate.')
    return ' '.join(told)


def _when(sweep: Sweep) -> str:
    return 'before' if sweep.trigger == 'initial' else 'in'


def _against_baseline(best: Best | None) -> str:
    if best is None or not best.on_original:
        return ''
    if best.baseline:
        own = best.stage.original_loss
        return '' if own is None else f'The weights handed on to that stage reach {number(own)}.'
    other = baseline_loss(best.stage)
    if other is None:
        return ''
    return f'That is {below(best.loss, other)} training the same stage from fresh weights.'


def _loss_tile(best: Best | None) -> Tile:
    if best is None:
        return Tile(value='–', label='best hybrid loss', detail='nothing measured yet')
    trivial = trivial_of(best.stage, on_original=best.on_original)
    where = 'original session' if best.on_original else 'validation part'
    copied = trivial.copy_last
    detail = f'{where}; copying: {number(copied)}' if copied is not None else where
    known = [loss for loss in (copied, trivial.grey) if loss is not None]
    tone = '' if not known else 'good' if best.loss < min(known) else 'bad'
    return Tile(value=number(best.loss), label='best hybrid loss', detail=detail, tone=tone)


def _baseline_tile(summary: RunSummary, best: Best | None) -> Tile:
    label = 'against the baseline'
    if not has_baseline(summary):
        why = summary.why('baseline_runs', '')
        why = why or next((s.why('baseline_runs', '') for s in summary.stages), '')
        return Tile(value='–', label=label, detail=why or 'no baseline was trained')
    other = baseline_loss(best.stage) if best and best.on_original else None
    own = best.handed_on if best else None
    if best is None or own is None or other is None:
        return Tile(value='–', label=label, detail='not measured')
    detail = f'fresh weights: {number(other)}'
    if best.baseline:
        detail += f', staged: {number(own)}'
    return _change(own, other, label, detail)


def _previous_tile(best: Best | None, previous: Previous) -> Tile:
    label = 'against the previous run'
    if best is None or previous.loss is None:
        return Tile(value='–', label=label, detail=previous.why or 'nothing measured yet')
    return _change(best.loss, previous.loss, label, f'{previous.run_id}: {number(previous.loss)}')


def _change(loss: float, other: float, label: str, detail: str) -> Tile:
    if not other:
        return Tile(value='–', label=label, detail=detail)
    change = 100 * (loss / other - 1)
    sign = '−' if change < 0 else '+'
    value = f'{sign}{abs(change):.3g} %' if abs(change) >= 0.05 else 'equal'
    tone = 'good' if change <= -0.05 else 'bad' if change >= 0.05 else ''
    return Tile(value=value, label=label, detail=detail, tone=tone)

"""Several runs on one page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devrobot_training.fit.problems import RunError
from devrobot_training.pages.charts import BOTH, Chart, DASHED, Line, SOLID
from devrobot_training.pages.numbers import below, cell, count, duration, MISSING, number, rate
from devrobot_training.pages.parts import Cell, Table
from devrobot_training.report.differences import leaves, shown_value
from devrobot_training.report.glossary import SAMPLES as ALL_SAMPLES
from devrobot_training.report.pictures import Album, progress_of, Row
from devrobot_training.report.plots import length_of, LOSS, SAMPLES, Track
from devrobot_training.report.ranking import (
    baseline_loss,
    Best,
    best_baseline,
    best_of,
    chosen_run,
    is_number,
    measure_of,
    samples_of,
    trivial_of,
)
from devrobot_training.report.stage_records import COMPLETE
from devrobot_training.report.summary import Alert, NOTE, RunSummary, WARNING
from devrobot_training.report.tables import change

TONES = ('blue', 'orange', 'green', 'purple', 'sky', 'grey')
FEWEST, MOST = 2, 12
WORDS: Mapping[str, str] = {
    'best weights': 'where they come from',
    'best loss': 'mean hybrid loss of the best weights on the original session; lower is better',
    'against copying': 'how far that is below (−) or above (+) taking the last frame for the next',
    'against baseline': 'how far the weights handed on to that stage are below (−) or above (+) '
    'training it from fresh ones',
    'rate': 'learning rate with which the best weights were trained',
    'samples': ALL_SAMPLES,
}


@dataclass(frozen=True, kw_only=True)
class Compared:
    """A run, with the name that it has among the others."""

    name: str
    folder: Path
    summary: RunSummary
    best: Best | None


def gather(runs: Sequence[tuple[Path, RunSummary]]) -> list[Compared]:
    """
    Return the runs with names that tell them apart.

    :raises RunError: if there are too few or too many, or one is there twice.
    """
    if not FEWEST <= len(runs) <= MOST:
        raise RunError(f'{FEWEST} to {MOST} runs can be compared, got {len(runs)}')
    places = [folder.resolve() for folder, _ in runs]
    for place in places:
        if places.count(place) > 1:
            raise RunError(f'{place} is named twice: a run cannot be compared with itself')
    short = [summary.header.run_id for _, summary in runs]
    whole = [f'{summary.header.session}/{summary.header.run_id}' for _, summary in runs]
    plain = [place.name for place in places]
    names = next(
        (names for names in (short, whole, plain) if len(set(names)) == len(names)),
        [str(folder) for folder, _ in runs],
    )
    return [
        Compared(name=name, folder=folder, summary=summary, best=best_of(summary))
        for name, (folder, summary) in zip(names, runs, strict=True)
    ]


def verdict(runs: Sequence[Compared]) -> str:
    """Return in words which run is best, and by how much."""
    if not comparable(runs):
        return 'The runs measure losses in different ways: none of them is better than another.'
    ranked = sorted(_measured(runs), key=lambda pair: pair[1])
    if not ranked:
        return 'No run was measured on its original session.'
    (first, loss), *others = ranked
    told = f'{first.name} is best: hybrid loss {number(loss)}'
    if others:
        second, other = others[0]
        told += f', {below(loss, other)} {second.name} ({number(other)})'
    return f'{told}.'


def comparable(runs: Sequence[Compared]) -> bool:
    """Return whether all runs measure losses in one way."""
    first, *others = (measure_of(run.summary) for run in runs)
    return all(other == first for other in others)


def warnings(runs: Sequence[Compared]) -> list[Alert]:
    """Return why the figures may not be comparable."""
    found = []
    data = {
        frozenset((used.role, used.digest) for used in run.summary.reproduction.sessions)
        for run in runs
    }
    if len(data) > 1:
        told = 'The runs read different sessions: their losses are not of the same frames.'
        found.append(Alert(severity=WARNING, message=told, section='runs'))
    if not comparable(runs):
        told = 'Canvas, loss or evaluation differ, and with them what a loss means.'
        found.append(Alert(severity=WARNING, message=told, section='settings'))
    for run in runs:
        status = run.summary.header.status
        if status != COMPLETE:
            told = f'{run.name} is {status}: its figures are those of the stages it finished.'
            found.append(Alert(severity=WARNING, message=told, section='runs'))
    commits = {run.summary.header.commit for run in runs}
    if len(commits) > 1:
        told = 'The runs were made by different commits of the software.'
        found.append(Alert(severity=NOTE, message=told, section='runs'))
    return found


def run_table(runs: Sequence[Compared], links: Mapping[str, str]) -> Table:
    """Return one row per run, best first."""
    losses = {run.name: loss for run, loss in _measured(runs)}
    ordered = sorted(runs, key=lambda run: losses.get(run.name, float('inf')))
    heads = ['run', 'status', 'stages', *list(WORDS), 'time', 'commit']
    rows = [_row(run, losses.get(run.name), links.get(run.name, '')) for run in ordered]
    return Table(heads=heads, rows=rows, words=WORDS, strong=0 if losses else None)


def _row(run: Compared, loss: float | None, link: str) -> list[str | Cell]:
    header, best = run.summary.header, run.best
    stage = best.stage if best else None
    copied = trivial_of(stage, on_original=True).copy_last if stage else None
    return [
        Cell(text=run.name, href=link),
        header.status,
        str(len(run.summary.stages)),
        best.name if best else MISSING,
        cell(loss),
        change(loss, copied),
        change(best.handed_on if best else None, baseline_loss(stage) if stage else None),
        rate(_rate_of(best) if best else None),
        count(samples_of(run.summary)),
        duration(header.seconds),
        (header.commit or MISSING) + (' +' if header.dirty else ''),
    ]


def _rate_of(best: Best) -> float | None:
    run = best_baseline(best.stage) if best.baseline else chosen_run(best.stage)
    if run is None:
        return None
    return run.learning_rate if run.best_rate is None else run.best_rate


def loss_by_stage(runs: Sequence[Compared]) -> Chart:
    """Return how the loss on the original session fell in every run."""
    lines = []
    for place, run in enumerate(runs):
        stages = [stage for stage in run.summary.stages if is_number(stage.original_loss)]
        x = [stage.number for stage in stages]
        y = [stage.original_loss for stage in stages]
        lines.append(Line(x=x, y=y, name=run.name, tone=_tone(place), kind=_kind(place, BOTH)))
    numbers = sorted({int(x) for line in lines for x in line.x})
    return Chart(
        title='Loss on the original session, by stage',
        alt=f'Hybrid loss on the original session by stage. {verdict(runs)}',
        x_name='stage',
        y_name=f'{LOSS} (log)',
        lines=[line for line in lines if line.x],
        x_names=[(value, str(value)) for value in numbers],
        log=True,
        note='' if numbers else 'No run was measured on its original session.',
    )


def validation_by_samples(runs: Sequence[Compared]) -> Chart:
    """Return the validation losses of every run, stage after stage."""
    lines = []
    for place, run in enumerate(runs):
        track, start = Track(), 0
        for stage in run.summary.stages:
            chosen = chosen_run(stage)
            if chosen is not None and chosen.validation and chosen.validation.samples:
                track.add(chosen.validation, start)
                start += length_of(chosen)
        lines.append(
            Line(
                x=track.x,
                y=track.y,
                name=run.name,
                tone=_tone(place),
                kind=_kind(place, SOLID),
            )
        )
    return Chart(
        title='Validation loss, stage after stage',
        alt=f'Validation loss of {len(runs)} runs over their training samples.',
        x_name=SAMPLES,
        y_name=f'{LOSS} (log)',
        lines=[line for line in lines if line.x],
        log=True,
        note='Each stage has a validation part of its own, so the curves may jump between stages.',
    )


def settings_table(runs: Sequence[Compared]) -> Table:
    """Return the settings in which the runs differ."""
    told = [run for run in runs if run.summary.reproduction.config is not None]
    values: list[dict[str, Any]] = [
        leaves(dict(run.summary.reproduction.config or {})) for run in told
    ]
    names = dict.fromkeys(name for own in values for name in own)
    rows = [
        [name, *(shown_value(own, name) for own in values)]
        for name in names
        if any(own.get(name) != values[0].get(name) for own in values)
    ]
    silent = [run.name for run in runs if run not in told]
    return Table(
        heads=['setting', *(run.name for run in told)],
        rows=rows,
        note=f'No settings were recorded by {", ".join(silent)}.' if silent and rows else '',
        empty='The runs have the same settings.'
        if len(told) > 1
        else 'Nothing to compare: settings were recorded by one run at most.',
        kind='text',
    )


def picture_rows(runs: Sequence[Compared]) -> list[Row]:
    """Return the canvases of the first run, each with the best prediction of every run."""
    shown = [
        (run.name, Album(run.folder), run.best.examples)
        for run in runs
        if run.best is not None and run.best.examples
    ]
    if not shown:
        return []
    _, album, examples = shown[0]
    return [progress_of(album, example, shown, error=False) for example in examples]


def _measured(runs: Sequence[Compared]) -> list[tuple[Compared, float]]:
    return [(run, run.best.loss) for run in runs if run.best is not None and run.best.on_original]


def _tone(place: int) -> str:
    return TONES[place % len(TONES)]


def _kind(place: int, usual: str) -> str:
    """Return how to draw a line: colours come again after six runs, dashed then."""
    return usual if place < len(TONES) else DASHED

"""The run before this one on the same session, to compare with."""

from dataclasses import dataclass
from pathlib import Path

from devrobot_training.fit.problems import RunError
from devrobot_training.fit.run_folder import SUMMARY
from devrobot_training.report.ranking import best_of
from devrobot_training.report.summary import load_summary, RunSummary


@dataclass(frozen=True, kw_only=True)
class Previous:
    """Its name and best loss on the original session; without a loss ``why`` says why."""

    run_id: str = ''
    loss: float | None = None
    why: str = 'no other run of this session'


def find_previous(summary: RunSummary, folder: Path) -> Previous:
    """Return the latest run beside ``folder`` that began earlier and read the same data."""
    own = _digests(summary)
    found: list[RunSummary] = []
    others = 0
    for path in folder.absolute().parent.glob(f'*/{SUMMARY}'):
        if path.parent.name == folder.name:
            continue
        try:
            other = load_summary(path.parent)
        except RunError:
            continue  # a training of another kind, or a damaged one
        others += 1
        best = best_of(other)
        earlier = other.header.started < summary.header.started
        if earlier and _digests(other) == own and best is not None and best.on_original:
            found.append(other)
    if not found:
        why = 'the runs beside it are later, unfinished, or of other data' if others else ''
        return Previous(why=why or Previous.why)
    latest = max(found, key=lambda other: other.header.started)
    best = best_of(latest)
    assert best is not None
    return Previous(run_id=latest.header.run_id, loss=best.loss, why='')


def _digests(summary: RunSummary) -> frozenset[tuple[str, str]]:
    return frozenset((used.role, used.digest) for used in summary.reproduction.sessions)

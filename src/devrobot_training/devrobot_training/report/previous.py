"""The run before this one on the same session, to compare with."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devrobot_training.fit.problems import RunError
from devrobot_training.fit.run_folder import SUMMARY
from devrobot_training.report.ranking import best_of, measure_of
from devrobot_training.report.summary import load_summary, RunSummary

NONE_ALIKE = 'the runs beside it are later, unfinished, of other data, or measure losses otherwise'


@dataclass(frozen=True, kw_only=True)
class Previous:
    """Its name and best loss on the original session; without a loss ``why`` says why."""

    run_id: str = ''
    loss: float | None = None
    why: str = 'no other run of this session'


def find_previous(summary: RunSummary, folder: Path) -> Previous:
    """Return the latest run beside ``folder`` that began earlier and measured the same."""
    own = _measured(summary)
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
        if earlier and _measured(other) == own and best is not None and best.on_original:
            found.append(other)
    if not found:
        return Previous(why=NONE_ALIKE if others else Previous.why)
    latest = max(found, key=lambda other: other.header.started)
    best = best_of(latest)
    assert best is not None
    return Previous(run_id=latest.header.run_id, loss=best.loss, why='')


def _measured(summary: RunSummary) -> tuple[frozenset[tuple[str, str]], Mapping[str, Any]]:
    """Return on what the losses are measured, and how."""
    used = frozenset((used.role, used.digest) for used in summary.reproduction.sessions)
    return used, measure_of(summary)

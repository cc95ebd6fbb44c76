"""Which weights go on, and which are the best in the end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
import math
from pathlib import Path
import shutil

from devrobot_training.staged.run_files import CHECKPOINTS, RunResult


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A training that ended: where it stands, and what came of it."""

    stage: int
    number: int
    baseline: bool
    result: RunResult


def best_of(results: Sequence[RunResult]) -> int | None:
    """
    Return which training of a stage goes on: the lowest loss on the original session.

    Of equal ones the first; None if there are no weights at all.
    """
    usable = [number for number, result in enumerate(results) if result.checkpoint]
    return min(usable, key=lambda number: _key(results[number]), default=None)


def final_choice(candidates: Sequence[Candidate]) -> Candidate | None:
    """Return the training with the lowest mean hybrid loss on the original session."""
    usable = [candidate for candidate in candidates if candidate.result.checkpoint]
    return min(usable, key=lambda candidate: _key(candidate.result), default=None)


def keep_best(
    run_folder: Path, results: Mapping[str, RunResult], keep: int, protect: Sequence[str]
) -> None:
    """
    Delete the checkpoints of all but the best trainings.

    :param results: by the name of their checkpoint.
    :param protect: names that always stay.
    """
    ranked = sorted(results, key=lambda name: _key(results[name]))
    kept = {*ranked[:keep], *protect}
    for name in ranked:
        if name not in kept:
            shutil.rmtree(run_folder / CHECKPOINTS / name, ignore_errors=True)


def _key(result: RunResult) -> tuple[float, float]:
    return _value(result.original_loss), _value(result.best_validation)


def _value(loss: float | None) -> float:
    return loss if loss is not None and math.isfinite(loss) else math.inf

"""The curves of one training of a stage: its parts, and where sweeps lie between them."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from devrobot_interfaces_py.atomic import write_json
from devrobot_training.fit.once import read_trained
from devrobot_training.fit.problems import RunError
from devrobot_training.records import read_record, to_plain
from devrobot_training.report.training_curves import joined, read_training_curves, TrainingCurves
from devrobot_training.staged.config import StagedConfig
from devrobot_training.sweeps.config import INITIAL
from devrobot_training.sweeps.phases import read_sweep

CURVES = 'curves.json'


def curves_of_parts(
    parts: Sequence[Path], folder: Path, config: StagedConfig
) -> tuple[TrainingCurves, tuple[int, ...]]:
    """Return the curves of all parts as one, and at which samples sweeps lie between them."""
    found: list[TrainingCurves] = []
    restarts: list[int] = []
    offset = 0
    for number, part in enumerate(parts, 1):
        before = number if config.sweep.when == INITIAL else number - 1
        sweep = read_sweep(folder / f'sweep_{before}')
        offset += sweep.samples if sweep else 0
        if number > 1:
            restarts.append(offset)
        curves = _of_part(part)
        found.append(curves.after(offset))
        trained = read_trained(part)
        offset += trained.samples if trained else curves.samples or 0
    return joined(found), tuple(restarts)


def _of_part(part: Path) -> TrainingCurves:
    """Return the curves of a part; the log of one that has ended is read once, it may be long."""
    with suppress(RunError):
        kept = read_record(TrainingCurves, part / CURVES)
        if kept is not None:
            return kept
    try:
        curves = read_training_curves(part)
    except RunError:
        return TrainingCurves()  # nothing was logged yet
    if read_trained(part) is not None:
        with suppress(OSError):  # a full disk: it is read again the next time
            write_json(part / CURVES, to_plain(curves))
    return curves

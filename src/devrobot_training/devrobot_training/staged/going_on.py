"""
Whether a training of a stage can go on with what is there of it, or has to begin anew.

The checkpoints of its parts are deleted when it has ended, and its own may be one that is not
kept: if its result is deleted then, what is left of it says what it decided, and has no weights.
"""

from pathlib import Path
import shutil

from devrobot_training.fit.once import best_weights, read_trained
from devrobot_training.fit.once import RESULT as TRAINED
from devrobot_training.fit.problems import RunError
from devrobot_training.fit.run_folder import STAGES
from devrobot_training.staged.assessment import FILE as ASSESSMENT
from devrobot_training.staged.assessment import PICTURES
from devrobot_training.staged.run_files import CHECKPOINTS, RESULT, RunTask
from devrobot_training.sweeps.phases import read_sweep

PARTS, SWEEPS = 'part_*', 'sweep_*'


def weights_are_gone(task: RunTask, run_folder: Path) -> bool:
    """
    Return whether something of a training has ended without the weights that the rest needs.

    :raises RunError: if the record of a part or sweep is damaged.
    """
    folder = run_folder / task.key
    parts = {path: read_trained(path) for path in folder.glob(PARTS)}
    sweeps = {path: read_sweep(path) for path in folder.glob(SWEEPS)}
    lost = any(t is not None and t.usable and not best_weights(p) for p, t in parts.items())
    lost = lost or any(
        sweep is not None and not sweep.failed and not _is_checkpoint(sweep.checkpoint)
        for sweep in sweeps.values()
    )
    ended = None not in parts.values() and None not in sweeps.values()
    # With its own checkpoint all that is left is to write the result down again.
    return lost and not (ended and _is_checkpoint(str(run_folder / CHECKPOINTS / task.name)))


def check_beginning(task: RunTask, run_folder: Path, *, anew: bool) -> None:
    """
    Refuse a training whose first weights are gone, if it needs them.

    :param anew: whether nothing of it is used again.
    :raises RunError: with the way out.
    """
    folder = run_folder / task.key
    begun = [*folder.glob(f'{PARTS}/{TRAINED}'), *folder.glob(f'{PARTS}/{CHECKPOINTS}/*')]
    if not task.start or (begun and not anew) or _is_checkpoint(task.start):
        return
    start = Path(task.start)
    way_out = 'put them back, or start a new run'
    source = _result_of(start.name)
    if start.parent.name == CHECKPOINTS and (run_folder / source).exists():
        way_out = f'delete {run_folder / source}, too, to have them made anew'
    raise RunError(
        f'{folder} has to be trained, but the weights that it begins with, '
        f'{start}, are not there any more: {way_out}'
    )


def check_there(run_folder: Path, name: str) -> None:
    """
    Refuse to end with weights that somebody has deleted.

    :raises RunError: with the way out.
    """
    path = run_folder / CHECKPOINTS / name
    if not _is_checkpoint(str(path)):
        raise RunError(
            f'{path}, the best weights, is gone: put it back, or delete '
            f'{run_folder / _result_of(name)} to have them made anew'
        )


def _result_of(name: str) -> str:
    """Return where the result of the training is that made a checkpoint."""
    stage, _, rest = name.partition('_')[2].partition('_')
    return f'{STAGES}/stage_{stage}/{rest}/{RESULT}'


def take_away(task: RunTask, run_folder: Path) -> None:
    """Delete what there is of a training."""
    folder = run_folder / task.key
    for path in (*folder.glob(PARTS), *folder.glob(SWEEPS), folder / PICTURES):
        shutil.rmtree(path, ignore_errors=True)
    (folder / ASSESSMENT).unlink(missing_ok=True)
    shutil.rmtree(run_folder / CHECKPOINTS / task.name, ignore_errors=True)


def _is_checkpoint(path: str) -> bool:
    return bool(path) and Path(path).is_dir()

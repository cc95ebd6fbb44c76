"""The files of one training of a stage, and of the run folder's checkpoints."""

from collections.abc import Mapping
from dataclasses import dataclass
import os
from pathlib import Path
import shutil
from typing import Any

from devrobot_interfaces_py.atomic import atomic_path
from devrobot_interfaces_py.configs import config_from_dict, config_to_dict
from devrobot_training.fit.problems import RunError
from devrobot_training.fit.training import Inputs
from devrobot_training.records import from_plain, read_record, to_plain
from devrobot_training.staged.config import StagedConfig

RESULT, TASK, CHECKPOINTS = 'result.json', 'task.json', 'checkpoints'
DO_ANEW = 'delete it to do this part anew'


@dataclass(frozen=True, kw_only=True)
class RunTask:
    """
    A training that is wanted.

    ``key`` is its folder in the run folder, as ``stages/stage_02/run_1``; ``name`` that of its
    checkpoint. ``start`` are the weights to begin with, '' = those of the seed.
    """

    key: str
    name: str
    stage: int
    number: int
    seed: int
    rate: float
    start: str
    train: str
    validation: str
    baseline: bool = False


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """
    How a training of a stage ended.

    ``checkpoint`` is in the run folder; '' if there are no weights, and then ``reason`` says why.
    """

    stop_reason: str
    stop_message: str
    learning_rate: float
    samples: int
    seconds: float
    best_validation: float | None = None
    best_samples: int | None = None
    best_rate: float | None = None
    original_loss: float | None = None
    checkpoint: str = ''
    reason: str = ''


def copy_linked(source: Path, target: Path) -> None:
    """
    Copy a checkpoint without its bytes, where the file system has hard links.

    :raises RunError: if there is none; an empty path would be the folder of the process.
    :raises OSError: if the disk refuses.
    """
    if not source.name or not source.is_dir():
        raise RunError(f'there is no checkpoint {str(source)!r} to be kept as {target}')

    def link(one: str, other: str) -> None:
        try:
            os.link(one, other)
        except OSError:
            shutil.copyfile(one, other)

    with atomic_path(target) as temporary:
        shutil.copytree(source, temporary, copy_function=link)


def read_result(folder: Path) -> RunResult | None:
    """
    Return the result of a finished training of a stage; None if it is not finished.

    :raises RunError: if the file is damaged.
    """
    return read_record(RunResult, folder / RESULT, DO_ANEW)


def read_task(folder: Path) -> RunTask | None:
    """Return what a training of a stage was begun with; None if it was not."""
    return read_record(RunTask, folder / TASK, DO_ANEW)


def call_of(task: RunTask, run_folder: Path, config: StagedConfig, inputs: Inputs) -> dict:
    """Return a task as plain data for another process."""
    return {
        'task': to_plain(task),
        'run_folder': str(run_folder.resolve()),
        'config': config_to_dict(config),
        'inputs': inputs.to_dict(),
    }


def from_call(call: Mapping[str, Any]) -> tuple[RunTask, Path, StagedConfig, Inputs]:
    """Return what ``call_of`` was given."""
    return (
        from_plain(RunTask, call['task']),
        Path(call['run_folder']),
        config_from_dict(StagedConfig, call['config']),
        Inputs.from_dict(call['inputs']),
    )

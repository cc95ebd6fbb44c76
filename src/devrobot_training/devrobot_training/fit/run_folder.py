"""
The files of one training run.

::

    runs/<session>/<run id>/
      config.yaml       resolved settings, before the first step
      inputs.json       sessions, their digests, and the command
      metrics.jsonl     one row per step and per validation (rotated)
      events.log        what happened, for people
      checkpoints/      step_000000123, …; last and best are links to two of them
      summary.json      what came out

A checkpoint gets a name of its own and the link moves afterwards, in one rename: whenever the
process is killed, ``last`` names a whole checkpoint.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, UTC
import json
import os
from pathlib import Path
import re
import shutil
from typing import Any

from devrobot_interfaces_py.atomic import write_json, write_text
from devrobot_interfaces_py.configs import config_to_dict
from devrobot_training.fit.problems import RunError
from devrobot_world_model.checkpoints import CheckpointError, save_checkpoint
from torch import Tensor
import yaml

#: Where runs go unless somebody says otherwise.
RUNS = Path('runs')
LAST, BEST = 'last', 'best'
CONFIG, INPUTS, SUMMARY = 'config.yaml', 'inputs.json', 'summary.json'
METRICS, EVENTS = 'metrics.jsonl', 'events.log'
#: Folder of the trainings in a staged run.
STAGES = 'stages'
#: Of a run; file systems take 255 bytes, and names are made of it.
LONGEST_NAME = 100
_STEP = re.compile(r'step_\d{9}')
_NAME = re.compile(r'[A-Za-z0-9][A-Za-z0-9._@+-]*')


def check_run_id(name: str) -> str:
    """
    Return ``name`` if it is a plain one.

    :raises RunError: if it could lead out of its folder, or is too long.
    """
    if len(name) > LONGEST_NAME:
        raise RunError(
            f'run id {name[:20]}… has {len(name)} characters: take at most {LONGEST_NAME}'
        )
    if not _NAME.fullmatch(name) or '..' in name:
        raise RunError(
            f'run id {name!r} must be a plain name: letters, digits and . _ - @ + after the first'
        )
    return name


def new_run_id(now: datetime | None = None) -> str:
    """Return a name made of the time."""
    return f'{now or datetime.now(UTC):%Y%m%d_%H%M%S}'


def point_to(folder: Path, link: str, name: str) -> None:
    """Let a link in a folder of checkpoints name one of them, in one rename."""
    temporary = folder / f'.{link}-{os.getpid()}'
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(name)
    temporary.replace(folder / link)


@contextmanager
def taken_away_on_failure(folder: 'RunFolder', *, new: bool) -> Iterator[None]:
    """Leave nothing of a new run that could not begin; one that goes on stays as it was."""
    try:
        yield
    except BaseException:
        if new:
            shutil.rmtree(folder.path, ignore_errors=True)
            with suppress(OSError):
                folder.path.parent.rmdir()  # of a session that has no other run
        raise


class RunFolder:
    """Knows where the files of a run are, and writes them."""

    def __init__(self, path: Path) -> None:
        """Refer to a folder; nothing is made or read."""
        self.path = path

    @classmethod
    def create(cls, root: Path, session: str, run_id: str = '') -> 'RunFolder':
        """
        Make the folder of a new run; a taken name made of the time gets a number.

        :raises RunError: if a ``run_id`` that was asked for exists.
        """
        wanted = check_run_id(run_id or new_run_id())
        number = 1
        while True:
            name = wanted if number == 1 else f'{wanted}_{number}'
            path = root / session / name
            try:
                path.mkdir(parents=True)
            except FileExistsError:
                if run_id:
                    raise RunError(
                        f'{path} exists already: choose another run id, or go on with that run '
                        f'(--resume {path})'
                    ) from None
                number += 1
                continue
            return cls(path)

    @property
    def checkpoints(self) -> Path:
        """The folder of the checkpoints."""
        return self.path / 'checkpoints'

    def write_config(self, config: Any) -> None:
        """Write the resolved settings."""
        text = yaml.safe_dump(config_to_dict(config), sort_keys=False)
        write_text(self.path / CONFIG, text)

    def write_inputs(self, inputs: Mapping[str, Any]) -> None:
        """Write what is trained on."""
        write_json(self.path / INPUTS, dict(inputs))

    def read_inputs(self) -> dict[str, Any]:
        """
        Return what ``write_inputs`` wrote.

        :raises RunError: if this is no run folder.
        """
        path = self.path / INPUTS
        try:
            value = json.loads(path.read_text(encoding='utf-8'))
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise RunError(
                f'{self.path} is no run that can be resumed: {path.name}: {reason}; name the '
                'folder of a run, like runs/<session>/<run id>'
            ) from error
        if not isinstance(value, dict):
            raise RunError(f'{path} is damaged: it holds no names and values')
        return value

    def read_part(self, name: str) -> dict[str, Any]:
        """
        Return one of the mappings that ``write_inputs`` wrote.

        :raises RunError: if this is no run folder, or a damaged one.
        """
        part = self.read_inputs().get(name, {})
        if not isinstance(part, dict):
            raise RunError(f'{self.path / INPUTS} is damaged: {name} is {part!r}, no mapping')
        return part

    def write_summary(self, summary: Mapping[str, Any]) -> Path:
        """Write what came out; return where."""
        path = self.path / SUMMARY
        write_json(path, dict(summary))
        return path

    def save(
        self,
        *,
        tensors: Mapping[str, Tensor],
        config: Mapping[str, Any],
        metrics: Mapping[str, float],
        counters: Mapping[str, int],
        state: Mapping[str, Any],
        best: bool,
    ) -> None:
        """
        Write a checkpoint that becomes ``last``, and ``best`` if it is.

        :raises CheckpointError: if the disk refuses; the earlier ones are still there.
        """
        name = f'step_{counters["optimizer_step"]:09d}'
        save_checkpoint(
            self.checkpoints,
            name,
            tensors=tensors,
            config=config,
            metrics=metrics,
            counters=counters,
            state=state,
            run_id=self.path.name,
            overwrite=True,
        )
        try:
            point_to(self.checkpoints, LAST, name)
            if best:
                point_to(self.checkpoints, BEST, name)
        except OSError as error:
            raise CheckpointError(
                f'cannot name checkpoint {name} in {self.path}: {error}'
            ) from error
        self._sweep()

    def target(self, link: str) -> str:
        """Return the checkpoint that ``last`` or ``best`` names; '' if there is none."""
        path = self.checkpoints / link
        with suppress(OSError):
            name = str(path.readlink())
            if _STEP.fullmatch(name) and (self.checkpoints / name).is_dir():
                return name
        return ''

    def newest(self) -> str:
        """
        Return the checkpoint to go on from; '' if there is none.

        It is the one that ``last`` names. Without that link, which copies may lose and a crash may
        leave out, it is that of the latest step: each is whole as soon as it has its name.

        :raises RunError: if ``last`` is no link, and what comes next could not replace it.
        """
        last = self.checkpoints / LAST
        if last.exists() and not last.is_symlink():
            raise RunError(
                f'{last} must be a link to a checkpoint beside it: delete it, the latest '
                'step is taken then'
            )
        steps = [path.name for path in self.checkpoints.glob('step_*')]
        return self.target(LAST) or max(filter(_STEP.fullmatch, steps), default='')

    def _sweep(self) -> None:
        """Delete the checkpoints that no link names any more."""
        kept = {self.target(LAST), self.target(BEST)}
        for path in self.checkpoints.glob('step_*'):
            if path.name not in kept and _STEP.fullmatch(path.name):
                shutil.rmtree(path, ignore_errors=True)

"""
Further places for metrics: TensorBoard and Weights & Biases, both optional.

This is the only module that imports the two. Both show numbers over the samples that were
trained on. A row takes 0.12 ms (TensorBoard) or 0.25 ms (Weights & Biases) of the loop.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
import hashlib
import importlib.util
import math
from pathlib import Path
import re
from types import MappingProxyType
from typing import Any, Protocol

from devrobot_interfaces_py.configs import ConfigError, param
from devrobot_training.fit.problems import RunError
from devrobot_training.fit.run_folder import CONFIG, STAGES
import yaml

PROJECT = 'devrobot'
GROUPS: Mapping[str, str] = MappingProxyType({'batch': 'train', 'interval': 'interval'})
NO_MEASURES = ('kind', 'step', 'samples', 'rows')
LONGEST_ID = 64


class MetricsWriter(Protocol):
    """Takes the rows that the metrics log gets."""

    def write(self, row: Mapping[str, Any]) -> None:
        """Take a row."""

    def close(self) -> None:
        """Write what is left."""


class TensorBoardWriter:
    """Writes scalars for ``tensorboard --logdir runs``."""

    def __init__(self, folder: Path) -> None:
        """
        Look for the package; the event file is begun by the first row.

        :raises RunError: if the package ``tensorboard`` is not there.
        """
        try:
            # torch has the writer, but the format of the files comes from the package.
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise RunError(_missing('tensorboard')) from error
        self._open = SummaryWriter
        self._folder = folder / 'tensorboard'
        self._writer: Any = None

    def write(self, row: Mapping[str, Any]) -> None:
        """Add the numbers of a row under their names."""
        values = scalars(row)
        if values and self._writer is None:
            # What a run wrote after the checkpoint that it goes on from is made anew: hide it.
            self._writer = self._open(str(self._folder), purge_step=int(row['samples']))
        for name, value in values.items():
            self._writer.add_scalar(name, value, int(row['samples']))

    def close(self) -> None:
        """Close the event file."""
        if self._writer is not None:
            self._writer.close()


class WandbWriter:
    """Logs to Weights & Biases; WANDB_MODE=offline keeps everything in the run's folder."""

    def __init__(self, folder: Path) -> None:
        """
        Begin a run of the project devrobot, or go on with the one of this folder.

        :raises RunError: if the package ``wandb`` is not there, or it refuses.
        """
        try:
            import wandb
        except ImportError as error:
            raise RunError(_missing('wandb')) from error
        group, name = run_name(folder)
        try:
            self._run = wandb.init(
                project=PROJECT,
                group=group,
                name=name,
                id=run_key(folder),
                dir=str(folder),
                config=_settings(folder / CONFIG),
                resume='allow',
                save_code=False,
                # What the terminal shows stays here, and so does the shape of this checkout.
                settings=wandb.Settings(console='off', disable_git=True, silent=True),
            )
        except wandb.errors.Error as error:
            reason = ' '.join(str(error).split()).rstrip('.')
            raise RunError(
                f'wandb refuses: {reason}; set WANDB_MODE=offline to log to {folder} only'
            ) from error
        # Its own step counter would refuse what a resumed run makes anew.
        self._run.define_metric('*', step_metric='samples')

    def write(self, row: Mapping[str, Any]) -> None:
        """Log the numbers of a row."""
        values = scalars(row)
        if values:
            self._run.log({**values, 'samples': row['samples']})

    def close(self) -> None:
        """End the run."""
        self._run.finish()


def scalars(row: Mapping[str, Any]) -> dict[str, float]:
    """Return the finite numbers of a row by names such as ``validation/hybrid``."""
    group = GROUPS.get(row.get('kind', ''))
    if group is None:
        return {}
    found: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, Mapping):
            found |= {f'{name}/{inner}': item for inner, item in value.items()}
        elif name not in NO_MEASURES:
            found[f'{group}/{name}'] = value
    return {name: float(value) for name, value in found.items() if _is_number(value)}


def run_key(folder: Path) -> str:
    """
    Return a name of a run that is its own also beside runs of other sessions.

    A run that is resumed gets the same one, wherever it is called from.
    """
    parts = _own_parts(folder)
    plain = '-'.join(parts)
    key = re.sub(r'[^A-Za-z0-9._-]', '_', plain)
    if key == plain and len(key) <= LONGEST_ID:
        return key
    digest = hashlib.sha256('/'.join(parts).encode()).hexdigest()[:8]
    return f'{key[: LONGEST_ID - 9]}-{digest}'


def run_name(folder: Path) -> tuple[str, str]:
    """Return group and name: session and run, or the staged run and which part of it."""
    parts = _own_parts(folder)
    if len(parts) == 2:
        return parts[0], parts[1]
    return '-'.join(parts[:2]), '-'.join(parts[3:])


def _own_parts(folder: Path) -> tuple[str, ...]:
    """Return session and run, and the way from there to a training of a staged run."""
    parts = folder.resolve().parts
    own = 2
    if STAGES in parts:
        own += 1 + parts[::-1].index(STAGES)
    return parts[-own:]


def check_names(names: Sequence[str]) -> None:
    """
    Look whether there are writers of these names.

    :raises ConfigError: if there is none of one.
    """
    unknown = [name for name in names if name not in WRITERS]
    if unknown:
        raise ConfigError(f'log_to has {unknown[0]!r}, must be of {", ".join(WRITERS)}')


def check_writers(names: Sequence[str]) -> None:
    """
    Look whether the packages of writers are there, without beginning anything.

    :raises ConfigError: if there is no writer of a name.
    :raises RunError: if a package is not there.
    """
    check_names(names)
    for name in names:
        if importlib.util.find_spec(name) is None:
            raise RunError(_missing(name))


def make_writers(names: Sequence[str], folder: Path) -> list[MetricsWriter]:
    """
    Return the writers of these names, each once.

    :raises RunError: if the package of one is not there.
    """
    return [WRITERS[name](folder) for name in dict.fromkeys(names)]


WRITERS: Mapping[str, Callable[[Path], MetricsWriter]] = MappingProxyType(
    {'tensorboard': TensorBoardWriter, 'wandb': WandbWriter}
)


@dataclass(frozen=True, kw_only=True)
class LogSettings:
    """Where the numbers of a training go beside its own log; ``check_names`` checks it."""

    log_to: tuple[str, ...] = param(
        (), f'further logs of each training, any of {", ".join(WRITERS)}, separated by commas'
    )


def _missing(package: str) -> str:
    return (
        f'--log-to {package} needs the package {package}: '
        f'.venv/bin/pip install -r requirements/extras/{package}.txt'
    )


def _settings(path: Path) -> dict[str, Any]:
    content = yaml.safe_load(path.read_text(encoding='utf-8')) if path.exists() else None
    return content if isinstance(content, dict) else {}


def _is_number(value: Any) -> bool:
    good = isinstance(value, (int, float)) and not isinstance(value, bool)
    return good and math.isfinite(value)

"""
The log of a run as columns, read line by line.

Shapes: T training steps. A row of a batch takes 40 bytes here, and 2 KB as a dictionary.
"""

from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
import math
from pathlib import Path
from typing import Any

from devrobot_training.fit.problems import RunError
from devrobot_training.fit.run_folder import CONFIG, METRICS
from devrobot_training.logs.metrics_log import log_files, read_rows
import numpy as np
import yaml

COLUMNS = ('step', 'samples', 'loss', 'learning_rate', 'gradient_norm')
Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class RunLog:
    """
    What a run wrote down.

    ``batches`` has a (T,) float64 array per column, NaN where the log has null or nothing;
    ``settings`` are those of config.yaml.
    """

    batches: Mapping[str, np.ndarray]
    intervals: tuple[Row, ...]
    events: tuple[Row, ...]
    settings: Mapping[str, Any]

    def setting(self, part: str, name: str) -> Any:
        """Return a setting, None if the run does not tell it."""
        values = self.settings.get(part)
        return values.get(name) if isinstance(values, Mapping) else None

    @property
    def steps(self) -> int:
        """Return T."""
        return len(self.batches['step'])

    @property
    def kind(self) -> str:
        """The loss that was trained on."""
        return str(self.setting('loss', 'kind') or 'hybrid')

    def column(self, name: str) -> np.ndarray:
        """Return a number of every validation, NaN where it is not there."""
        return np.array([number(row.get(name)) for row in self.intervals])

    @property
    def validation(self) -> np.ndarray:
        """The validation losses of the kind that was trained on."""
        losses = [row.get('validation') or {} for row in self.intervals]
        return np.array([number(loss.get(self.kind)) for loss in losses])


def make_log(rows: Iterable[Row], settings: Mapping[str, Any]) -> RunLog:
    """Sort rows by their kind."""
    columns = {name: array('d') for name in COLUMNS}
    others: dict[str, list[Row]] = {'interval': [], 'event': []}
    for row in rows:
        kind = row.get('kind')
        if kind == 'batch':
            for name, values in columns.items():
                values.append(number(row.get(name)))
        elif kind in others:
            others[kind].append(row)
    return RunLog(
        batches={name: np.array(values) for name, values in columns.items()},
        intervals=tuple(others['interval']),
        events=tuple(others['event']),
        settings=settings,
    )


def read_log(folder: Path) -> RunLog:
    """
    Read the log of a run, also of one that goes on.

    :raises RunError: if the folder has none, or it is damaged.
    """
    path = folder / METRICS
    if not log_files(path):
        raise RunError(f'{folder} has no {METRICS}: name a run folder, runs/<session>/<run id>')
    return make_log(read_rows(path), _settings(folder / CONFIG))


def number(value: Any) -> float:
    """Return a number of a row as float, NaN for null or anything else."""
    good = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if good else math.nan


def _settings(path: Path) -> Mapping[str, Any]:
    if not path.exists():
        return {}
    try:
        content = yaml.safe_load(path.read_text(encoding='utf-8'))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = ' '.join(str(error).split())
        raise RunError(f'{path} is not valid YAML: {reason}') from error
    return content if isinstance(content, Mapping) else {}

"""
One training in a folder, done once: what was finished is read, what was begun goes on.

The result is a file that appears when all is done. Until then the folder holds an ordinary run,
which goes on from its last checkpoint with the losses that it would have had.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
import math
from pathlib import Path

from devrobot_interfaces_py.atomic import write_json
from devrobot_training.fit.config import TrainConfig
from devrobot_training.fit.events import Listener
from devrobot_training.fit.run_folder import BEST, EVENTS, METRICS, RunFolder
from devrobot_training.fit.stopping import INTERRUPTED, Stop
from devrobot_training.fit.training import Data, Training
from devrobot_training.logs.metrics_log import log_files, MetricsLog, read_rows
from devrobot_training.logs.recording import MetricsRecorder
from devrobot_training.logs.writers import make_writers
from devrobot_training.records import read_record, to_plain

RESULT = 'trained.json'


class InterruptedTrainingError(RuntimeError):
    """Somebody asked a training to end; its folder can be gone on with."""


@dataclass(frozen=True, kw_only=True)
class Curves:
    """
    What was measured at each validation, (V,) values each.

    ``train`` is the moving average of the loss, None where it is not a number.
    """

    samples: tuple[int, ...] = ()
    train: tuple[float | None, ...] = ()
    validation: tuple[float | None, ...] = ()
    rate: tuple[float | None, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Trained:
    """How a training ended; losses are None where nothing was measured, times in seconds."""

    stop_reason: str
    stop_message: str
    learning_rate: float
    samples: int
    seconds: float
    cpu_seconds: float
    best_validation: float | None = None
    best_samples: int | None = None

    @property
    def usable(self) -> bool:
        """Whether there are weights that a validation has seen."""
        return self.best_validation is not None


def train_once(
    folder: Path,
    config: TrainConfig,
    data: Callable[[], Data],
    *,
    start: str = '',
    log_to: Sequence[str] = (),
    listeners: Sequence[Listener] = (),
    should_stop: Callable[[], bool] = lambda: False,
) -> Trained:
    """
    Train in ``folder`` unless that is done; return the result.

    :param data: gives the canvases, if they are needed.
    :param start: checkpoint whose weights to begin with; '' = those of the seed.
    :param log_to: names of further logs, see ``logs.writers``.
    :raises InterruptedTrainingError: if ``should_stop`` said so before the end.
    :raises CheckpointError: if ``start`` does not fit, or the disk refuses.
    """
    done = read_trained(folder)
    if done is not None:
        return done
    run = RunFolder(folder)
    folder.mkdir(parents=True, exist_ok=True)
    run.write_config(config)
    recorder = MetricsRecorder(
        MetricsLog(folder / METRICS),
        writers=make_writers(log_to, folder),
        events=folder / EVENTS,
    )
    try:
        training = Training(run, config, data(), listeners=[*listeners, recorder])
        resumed = training.begin(start, go_on=True, moments=True)
        recorder.begin_after(training.learner.step)
        training.fitter.tell('resumed' if resumed else 'started', str(folder))
        # One that was killed between its last state and its result has no step left.
        stop = training.run(should_stop)
    finally:
        recorder.close()
    if stop.reason == INTERRUPTED:
        raise InterruptedTrainingError(stop.message)
    result = _result(training, config, stop)
    write_json(folder / RESULT, to_plain(result))
    return result


def read_trained(folder: Path) -> Trained | None:
    """
    Return the result of a finished training; None if it is not finished.

    :raises RunError: if the file is damaged.
    """
    return read_record(Trained, folder / RESULT, 'delete it to train this part anew')


def best_weights(folder: Path) -> str:
    """Return the checkpoint with the best weights of a training; '' if there is none."""
    run = RunFolder(folder)
    name = run.target(BEST)
    return str(run.checkpoints / name) if name else ''


def read_curves(folder: Path, kind: str) -> Curves:
    """Return what a training wrote down at its validations, also one that goes on."""
    path = folder / METRICS
    rows = list(read_rows(path, 'interval')) if log_files(path) else []
    return Curves(
        samples=tuple(int(row['samples']) for row in rows),
        train=tuple(row.get('train_loss') for row in rows),
        validation=tuple((row.get('validation') or {}).get(kind) for row in rows),
        rate=tuple(row.get('learning_rate') for row in rows),
    )


def _result(training: Training, config: TrainConfig, stop: Stop) -> Trained:
    done = training.fitter.progress
    kept = math.isfinite(done.best)
    return Trained(
        stop_reason=stop.reason,
        stop_message=stop.message,
        learning_rate=config.optimizer.learning_rate,
        samples=training.fitter.samples,
        seconds=done.wall_seconds,
        cpu_seconds=done.cpu_seconds,
        best_validation=done.best if kept else None,
        best_samples=done.best_step * config.fit.batch_size if kept else None,
    )

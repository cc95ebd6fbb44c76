"""A training on request: from names to a run with its report."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
import json
import math
from pathlib import Path
import shutil
from typing import Any

from devrobot_interfaces_py.configs import ConfigError, load_config
from devrobot_training.evaluation.config import EvaluationConfig
from devrobot_training.evaluation.files import DATA
from devrobot_training.fit.config import train_preset, TrainConfig
from devrobot_training.fit.events import Event, StepDone
from devrobot_training.fit.finish import summarise
from devrobot_training.fit.problems import RunError
from devrobot_training.fit.run_folder import (
    BEST,
    check_run_id,
    EVENTS,
    LAST,
    METRICS,
    new_run_id,
    RunFolder,
)
from devrobot_training.fit.stopping import INTERRUPTED, NON_FINITE, Stop
from devrobot_training.fit.training import Data, Inputs, open_data, Training
from devrobot_training.jobs import Job
from devrobot_training.logs.metrics_log import MetricsLog
from devrobot_training.logs.recording import MetricsRecorder
from devrobot_training.sessions.session import check_same_action_space, SessionError
from devrobot_training.tasks.metrics import MetricsKeeper
from devrobot_training.tasks.names import find, UnusableNameError
from devrobot_training.tasks.outcome import Outcome, outcome_of, Problem, told_as
from devrobot_training.tasks.places import ServerConfig
from devrobot_world_model.checkpoints import CheckpointError, CheckpointInfo, list_checkpoints
from devrobot_world_model.model.factory import resolve_device

PRESET = 'preset'
DEFAULT_PRESET = 'tiny'


@dataclass(frozen=True, kw_only=True)
class TrainingRequest:
    """What somebody asks for: the fields of the goal of Train."""

    root_session: str = ''
    train_session: str = ''
    validation_session: str = ''
    config_path: str = ''
    checkpoint: str = ''
    run_id: str = ''
    overrides: tuple[str, ...] = ()


class TrainingTask:
    """Trains, evaluates the best weights, and writes the run folder."""

    def __init__(
        self, request: TrainingRequest, places: ServerConfig, now_ns: Callable[[], int]
    ) -> None:
        """
        Check everything that can be checked at once.

        :raises TaskError: if something that was asked for cannot be.
        """
        with told_as(Problem.INVALID_CONFIG, ConfigError, RunError, UnusableNameError):
            self._config = _settings(request, places.configs_dir)
            resolve_device(self._config.device)
            self.run_id = check_run_id(request.run_id) if request.run_id else _free_id(places)
        with told_as(Problem.INVALID_SESSION, UnusableNameError):
            train, validation = _sessions(request, places)
        start = ''
        if request.checkpoint:
            with told_as(Problem.INCOMPATIBLE_CHECKPOINT, UnusableNameError):
                start = str(find(request.checkpoint, places.checkpoint_folders, 'checkpoint'))
        self._inputs = Inputs(
            train=train, validation=validation, start=start, skip_faulty=places.skip_faulty
        )
        self._runs = places.runs_dir
        self._overrides = request.overrides
        self._keeper = MetricsKeeper(self.run_id, self._config.loss.kind, now_ns)
        self._folder: RunFolder | None = None

    @property
    def title(self) -> str:
        """What is done, in a few words."""
        return f'training of {self._inputs.train.name}, run {self.run_id}'

    def run(self, job: Job[Outcome]) -> Outcome:
        """Train until a rule or somebody ends it."""
        job.tell(activity='reading sessions')
        with told_as(Problem.INVALID_SESSION, SessionError, OSError):
            data = open_data(self._inputs, self._config, job.tell_share)
            check_same_action_space([*data.train.sessions, *data.validation.sessions])
        folder = self._make_folder(data)
        recorder = MetricsRecorder(MetricsLog(folder.path / METRICS), events=folder.path / EVENTS)
        try:
            training = self._prepare(folder, data, job, recorder)
            job.tell(activity='training', progress=math.nan, done=0, total=0)
            training.fitter.tell('started', str(folder.path))
            stop = training.run(job.should_stop)
        finally:
            recorder.close()
        return self._finish(training, stop, job)

    def failed(self, error: Exception) -> Outcome:
        """Return what is left after an error."""
        outcome = replace(outcome_of(error), checkpoint=self._best())
        return self._resumable(outcome) if outcome.stopped else outcome

    def _make_folder(self, data: Data) -> RunFolder:
        with told_as(Problem.INVALID_CONFIG, RunError):
            session = data.train.sessions[0].bag.name
            folder = RunFolder.create(self._runs, session, self.run_id)
        folder.write_config(self._config)
        folder.write_inputs(
            {
                'inputs': self._inputs.to_dict(),
                'digests': dict(data.digests),
                'command': ['training_server', *self._overrides],
            }
        )
        return folder

    def _prepare(
        self, folder: RunFolder, data: Data, job: Job[Outcome], recorder: MetricsRecorder
    ) -> Training:
        def listen(event: Event) -> None:
            self._keeper(event)
            job.tell(metrics=self._keeper.newest)
            if isinstance(event, StepDone):
                job.tell(progress=_share(event.samples, self._config))

        try:
            training = Training(folder, self._config, data, listeners=[listen, recorder])
            if self._inputs.start:
                with told_as(Problem.INCOMPATIBLE_CHECKPOINT, CheckpointError):
                    training.begin_from(Path(self._inputs.start))
        except Exception:
            shutil.rmtree(folder.path, ignore_errors=True)  # a run that never began
            raise
        self._folder = folder
        return training

    def _finish(self, training: Training, stop: Stop, job: Job[Outcome]) -> Outcome:
        checkpoint = self._best()
        job.tell(activity=f'ended: {stop.message}')
        if stop.reason == INTERRUPTED:
            return self._resumable(Outcome(stopped=True, checkpoint=checkpoint))
        bad = stop.reason == NON_FINITE
        outcome = Outcome(
            problem=Problem.DIVERGED if bad else Problem.NONE,
            message=stop.message if bad else '',
            checkpoint=checkpoint,
        )
        if bad and not training.folder.target(BEST):
            return outcome
        job.tell(activity='evaluating', progress=math.nan)
        summary = summarise(training, stop, EvaluationConfig(), progress=job.tell_share)
        measured = json.loads((training.folder.path / DATA).read_text(encoding='utf-8'))
        job.tell(activity=f'ended: {stop.message}', progress=1.0)
        return replace(outcome, report=Path(summary['report']), evaluation=measured)

    def _resumable(self, outcome: Outcome) -> Outcome:
        if self._folder is None:
            return outcome
        words = f'stopped on request; "train --resume {self._folder.path}" goes on'
        return replace(outcome, message=words)

    def _best(self) -> CheckpointInfo | None:
        """Return the best checkpoint so far, named as a request names it."""
        if self._folder is None:
            return None
        folder = self._folder
        link = BEST if folder.target(BEST) else LAST
        try:
            found = list_checkpoints(folder.checkpoints).checkpoints
        except CheckpointError:
            return None
        name = str((folder.checkpoints / link).relative_to(self._runs))
        return next((replace(info, name=name) for info in found if info.name == link), None)


def _settings(request: TrainingRequest, configs: Path) -> TrainConfig:
    """Return the settings: a file or a preset, and the overrides over it."""
    presets = [o.partition('=')[2].strip() for o in request.overrides if _is_preset(o)]
    overrides = [o for o in request.overrides if not _is_preset(o)]
    if not request.config_path:
        base = train_preset(presets[-1] if presets else DEFAULT_PRESET)
        return load_config(TrainConfig, None, overrides, base=base)
    if presets:
        raise ConfigError(f'preset={presets[-1]} and config_path exclude each other: leave one')
    return load_config(TrainConfig, find(request.config_path, [configs], 'config_path'), overrides)


def _is_preset(override: str) -> bool:
    return override.partition('=')[0].strip() == PRESET


def _sessions(request: TrainingRequest, places: ServerConfig) -> tuple[Path, Path | None]:
    """Return what trains and what validates; None = the first is split in time."""
    pair: Sequence[str] = (request.train_session, request.validation_session)
    if request.root_session:
        if any(pair):
            raise UnusableNameError(
                'root_session excludes train_session and validation_session: leave one of them'
            )
        return find(request.root_session, places.session_folders, 'root_session'), None
    if not all(pair):
        raise UnusableNameError('name root_session, or train_session and validation_session')
    train, validation = (
        find(name, places.session_folders, what)
        for name, what in zip(pair, ('train_session', 'validation_session'), strict=True)
    )
    return train, validation


def _free_id(places: ServerConfig) -> str:
    """Return a name made of the time that no session has a run of."""
    wanted, number = new_run_id(), 1
    name = wanted
    while any(places.runs_dir.glob(f'*/{name}')):
        number += 1
        name = f'{wanted}_{number}'
    return name


def _share(samples: int, config: Any) -> float:
    limit = config.stopping.max_samples
    return min(1.0, samples / limit) if limit else math.nan

"""A staged training on request: the override ``staged=true`` of a goal asks for it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
import json
import math
from pathlib import Path

from devrobot_interfaces_py.configs import ConfigError
from devrobot_training.fit.events import Event
from devrobot_training.fit.lock import only_one
from devrobot_training.fit.problems import RunError
from devrobot_training.fit.run_folder import BEST, INPUTS
from devrobot_training.jobs import Job
from devrobot_training.report.stage_records import FAILED, INTERRUPTED
from devrobot_training.sessions.session import SessionError
from devrobot_training.staged.begin import begin, Begun, read_begun
from devrobot_training.staged.config import staged_preset, StagedConfig
from devrobot_training.staged.inputs import StagedInputs
from devrobot_training.staged.run_files import CHECKPOINTS
from devrobot_training.staged.runner import Ending, StagedTraining
from devrobot_training.staged.view import View
from devrobot_training.tasks.metrics import MetricsKeeper
from devrobot_training.tasks.names import find, named_checkpoint, UnusableNameError
from devrobot_training.tasks.outcome import Outcome, outcome_of, Problem, told_as
from devrobot_training.tasks.places import ServerConfig
from devrobot_training.tasks.plans import (
    NAMESPACE,
    new_id,
    ORIGINAL,
    refuse_with_a_run,
    run_path,
    sessions_of,
    settings_of,
    SPLITS,
    STAGE,
    STAGED_WORDS,
    start_of,
    TrainingRequest,
)
from devrobot_world_model.checkpoints import CheckpointError, CheckpointInfo
from devrobot_world_model.model.factory import resolve_device


class StagedTask:
    """Trains in stages; what it does is told stage by stage."""

    def __init__(
        self, request: TrainingRequest, places: ServerConfig, now_ns: Callable[[], int]
    ) -> None:
        """
        Check everything that can be checked at once.

        :raises TaskError: if something that was asked for cannot be.
        """
        self._runs = places.runs_dir
        self._now_ns = now_ns
        self._overrides = request.overrides
        self._folder: Path | None = None
        with told_as(Problem.INVALID_CONFIG, ConfigError, RunError, UnusableNameError):
            if request.goes_on:
                self._folder = run_path(request.run_id, places.runs_dir)
                refuse_with_a_run(request, 'config_path', 'checkpoint', 'settings')
                self.run_id = self._folder.name
                return
            self._config = settings_of(
                request, places.configs_dir, StagedConfig, staged_preset, STAGED_WORDS
            )
            resolve_device(self._config.device)
            self.run_id = new_id(request, places)
            self._inputs = _inputs(request, places)

    @property
    def title(self) -> str:
        """What is done, in a few words."""
        return f'staged training, run {self.run_id}'

    def run(self, job: Job[Outcome]) -> Outcome:
        """Do all stages, or what is left of them."""
        job.tell(activity='reading sessions')
        with (
            told_as(Problem.INVALID_CONFIG, RunError),
            told_as(Problem.INVALID_SESSION, SessionError, OSError),
            told_as(Problem.INCOMPATIBLE_CHECKPOINT, CheckpointError),
        ):
            begun = self._begin(job)
        self._folder = begun.folder
        keeper = MetricsKeeper(self.run_id, begun.config.loss.kind, self._now_ns)
        job.tell(stage_count=len(begun.plan.stages), done=0, total=0, progress=math.nan)
        with told_as(Problem.INVALID_CONFIG, RunError), only_one(begun.folder):
            view = _JobView(job, keeper)
            ending = StagedTraining(begun, view=view, should_stop=job.should_stop).run()
        job.tell(activity=f'ended: {ending.message or ending.status}')
        return self._outcome(ending)

    def failed(self, error: Exception) -> Outcome:
        """Return what is left after an error."""
        return replace(outcome_of(error), checkpoint=self._best())

    def _begin(self, job: Job[Outcome]) -> Begun:
        if self._folder is not None:
            return read_begun(self._folder, job.tell_share)
        return begin(
            self._inputs,
            self._config,
            self._runs,
            run_id=self.run_id,
            command=['training_server', *self._overrides],
            reading=job.tell_share,
        )

    def _outcome(self, ending: Ending) -> Outcome:
        outcome = Outcome(checkpoint=self._best(), report=ending.report)
        if ending.status == INTERRUPTED:
            words = f'stopped on request; "staged --resume {self._folder}" goes on'
            return replace(outcome, stopped=True, message=words)
        if ending.status == FAILED:
            return replace(outcome, problem=Problem.DIVERGED, message=ending.message)
        return outcome

    def _best(self) -> CheckpointInfo | None:
        """Return the chosen checkpoint, named as a request names it."""
        if self._folder is None:
            return None
        return named_checkpoint(self._folder / CHECKPOINTS, BEST, self._runs)


class _JobView(View):
    """Tells a job what goes on."""

    def __init__(self, job: Job[Outcome], keeper: MetricsKeeper) -> None:
        self._job = job
        self._keeper = keeper

    def stage(self, number: int, stages: int, title: str) -> None:
        self._job.tell(activity=title, stage_count=stages)

    def training(self, stage: int, number: int, *, baseline: bool) -> None:
        self._keeper.begin(stage, number, baseline=baseline)
        self._job.tell(metrics=self._keeper.newest)

    def progress(self, title: str, done: int, total: int) -> None:
        share = done / total if total else math.nan
        self._job.tell(activity=title, done=done, total=total, progress=share)

    def trials(self, title: str, ended: int, count: int, running: object, samples: int) -> None:
        self._keeper.search()
        self._job.tell(metrics=self._keeper.newest)
        self.progress(title, ended, count)

    def trainings(self, title: str, ended: int, count: int, running: Mapping[int, int]) -> None:
        self.progress(title, ended, count)

    def event(self, event: Event) -> None:
        self._keeper(event)
        self._job.tell(metrics=self._keeper.newest)


def is_staged(request: TrainingRequest, places: ServerConfig) -> bool:
    """
    Return whether a request asks for stages, or is about a run that has them.

    :raises TaskError: if it is about a run that there is not.
    """
    with told_as(Problem.INVALID_CONFIG, ConfigError, RunError, UnusableNameError):
        if not request.goes_on:
            return request.staged
        path = run_path(request.run_id, places.runs_dir) / INPUTS
    try:
        return 'mode' in json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError):
        return False


def _inputs(request: TrainingRequest, places: ServerConfig) -> StagedInputs:
    """
    Return what is trained on.

    :raises ConfigError: if ``stage`` is no number, or sessions exclude each other.
    """
    splits, original = request.value(SPLITS), request.value(ORIGINAL)
    with told_as(Problem.INVALID_SESSION, UnusableNameError):
        first, validation = None, None
        alone = splits and not (request.train_session or request.validation_session)
        if request.root_session or not alone:
            first, validation = sessions_of(request, places)
        found = splits and find(splits, [places.splits_dir], SPLITS)
        decides = original and find(original, places.session_folders, ORIGINAL)
    return StagedInputs(
        root=first if validation is None else None,
        splits=found or None,
        train=None if validation is None else first,
        validation=validation,
        original=decides or None,
        checkpoint=start_of(request, places),
        stage=_stage(request.value(STAGE)),
        namespace=request.value(NAMESPACE),
        skip_faulty=places.skip_faulty,
    )


def _stage(text: str) -> int:
    if text and not text.isdecimal():
        raise ConfigError(f'{STAGE} is {text!r}, must be the number of one; leave it out for all')
    return int(text or 0)

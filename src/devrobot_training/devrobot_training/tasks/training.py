"""A training on request: from names to a run with its report."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
import json
import math
from pathlib import Path

from devrobot_training.evaluation.config import EvaluationConfig
from devrobot_training.evaluation.files import DATA
from devrobot_training.fit.config import TrainConfig
from devrobot_training.fit.events import Event, StepDone
from devrobot_training.fit.finish import summarise
from devrobot_training.fit.kept_settings import change_settings
from devrobot_training.fit.lock import only_one
from devrobot_training.fit.problems import RunError
from devrobot_training.fit.run_folder import (
    BEST,
    EVENTS,
    LAST,
    METRICS,
    RunFolder,
    taken_away_on_failure,
)
from devrobot_training.fit.stopping import INTERRUPTED, NON_FINITE, Stop
from devrobot_training.fit.training import Data, make_run, open_data, same_data, Training
from devrobot_training.jobs import Job
from devrobot_training.logs.metrics_log import MetricsLog
from devrobot_training.logs.recording import MetricsRecorder
from devrobot_training.sessions.session import SessionError
from devrobot_training.tasks.metrics import MetricsKeeper
from devrobot_training.tasks.names import named_checkpoint
from devrobot_training.tasks.outcome import Outcome, outcome_of, Problem, told_as
from devrobot_training.tasks.places import ServerConfig
from devrobot_training.tasks.plans import make_plan, TrainingRequest
from devrobot_world_model.checkpoints import CheckpointError, CheckpointInfo


class TrainingTask:
    """Trains, evaluates the best weights, and writes the run folder."""

    def __init__(
        self, request: TrainingRequest, places: ServerConfig, now_ns: Callable[[], int]
    ) -> None:
        """
        Check everything that can be checked at once.

        :raises TaskError: if something that was asked for cannot be.
        """
        plan = self._plan = make_plan(request, places)
        self.run_id = plan.run_id
        self._runs = places.runs_dir
        self._overrides = request.overrides
        self._keeper = MetricsKeeper(plan.run_id, plan.config.loss.kind, now_ns)
        self._folder = plan.folder

    @property
    def title(self) -> str:
        """What is done, in a few words."""
        return f'training of {self._plan.inputs.train.name}, run {self.run_id}'

    def run(self, job: Job[Outcome]) -> Outcome:
        """Train until a rule or somebody ends it."""
        job.tell(activity='reading sessions')
        plan = self._plan
        with told_as(Problem.INVALID_SESSION, SessionError, OSError, RunError):
            data = open_data(plan.inputs, plan.config, job.tell_share)
            if plan.folder is not None:
                same_data(plan.folder, data)
        with ExitStack() as stack:
            with told_as(Problem.INVALID_CONFIG, RunError):
                folder = plan.folder or self._new_folder(data)
                stack.enter_context(only_one(folder.path))
            return self._trained(folder, data, job)

    def failed(self, error: Exception) -> Outcome:
        """Return what is left after an error."""
        outcome = replace(outcome_of(error), checkpoint=self._best())
        return self._resumable(outcome) if outcome.stopped else outcome

    def _trained(self, folder: RunFolder, data: Data, job: Job[Outcome]) -> Outcome:
        recorder = MetricsRecorder(MetricsLog(folder.path / METRICS), events=folder.path / EVENTS)
        try:
            training = self._prepare(folder, data, job, recorder)
            job.tell(activity='training', progress=math.nan, done=0, total=0)
            stop = training.run(job.should_stop)
        finally:
            recorder.close()
        return self._finish(training, stop, job)

    def _new_folder(self, data: Data) -> RunFolder:
        settings = (self._plan.config, self._plan.inputs)
        command = ['training_server', *self._overrides]
        return make_run(self._runs, self.run_id, settings, data, command)

    def _prepare(
        self, folder: RunFolder, data: Data, job: Job[Outcome], recorder: MetricsRecorder
    ) -> Training:
        """Build the model, with the weights that it begins with or had when it was stopped."""
        plan = self._plan

        def listen(event: Event) -> None:
            self._keeper(event)
            job.tell(metrics=self._keeper.newest)
            if isinstance(event, StepDone):
                job.tell(progress=_share(event.samples, plan.config))

        with taken_away_on_failure(folder, new=plan.folder is None):
            training = Training(folder, plan.config, data, listeners=[listen, recorder])
            with told_as(Problem.INCOMPATIBLE_CHECKPOINT, CheckpointError, RunError):
                resumed = training.begin(plan.inputs.start, go_on=plan.folder is not None)
        if plan.folder is not None:
            recorder.begin_after(training.learner.step)
        training.fitter.tell('resumed' if resumed else 'started', str(folder.path))
        if plan.changes:
            change_settings(folder, plan.config)
            training.fitter.tell('settings', plan.changes)
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
        words = (
            f'stopped on request; a training with the run_id {self.run_id} and nothing else, or '
            f'"train --resume {self._folder.path}", goes on'
        )
        return replace(outcome, message=words)

    def _best(self) -> CheckpointInfo | None:
        """Return the best checkpoint so far, named as a request names it."""
        if self._folder is None:
            return None
        link = BEST if self._folder.target(BEST) else LAST
        return named_checkpoint(self._folder.checkpoints, link, self._runs)


def _share(samples: int, config: TrainConfig) -> float:
    limit = config.stopping.max_samples
    return min(1.0, samples / limit) if limit else math.nan

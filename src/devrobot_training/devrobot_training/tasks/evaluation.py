"""An evaluation on request: from names to figures and a page beside the run."""

from dataclasses import dataclass, replace
import math

from devrobot_interfaces_py.configs import ConfigError
from devrobot_training.data.canvases import CanvasSet, make_canvases
from devrobot_training.evaluation.config import EvaluationConfig
from devrobot_training.evaluation.result import to_dict
from devrobot_training.evaluation.subject import load_subject, Subject
from devrobot_training.jobs import Job
from devrobot_training.sessions.opening import open_session
from devrobot_training.sessions.session import SessionError
from devrobot_training.tasks.names import find, UnusableNameError
from devrobot_training.tasks.outcome import Outcome, outcome_of, Problem, told_as
from devrobot_training.tasks.places import ServerConfig
from devrobot_world_model.checkpoints import CheckpointError
from devrobot_world_model.model.factory import resolve_device
import numpy as np
import torch

GIGABYTE = 10**9


@dataclass(frozen=True, kw_only=True)
class EvaluationRequest:
    """What somebody asks for: the fields of the goal of Evaluate."""

    session: str = ''
    checkpoint: str = ''
    stride: int = 1


class EvaluationTask:
    """Measures a checkpoint on a session, and writes what ``evaluate`` writes, where it does."""

    def __init__(self, request: EvaluationRequest, places: ServerConfig) -> None:
        """
        Check everything that can be checked at once.

        :raises TaskError: if something that was asked for cannot be.
        """
        with told_as(Problem.INVALID_CONFIG, ConfigError):
            self._config = EvaluationConfig(stride=request.stride)
            resolve_device(places.device)
        with told_as(Problem.INVALID_SESSION, UnusableNameError):
            self._session = find(request.session, places.session_folders, 'session')
        with told_as(Problem.INCOMPATIBLE_CHECKPOINT, UnusableNameError):
            self._path = find(request.checkpoint, places.checkpoint_folders, 'checkpoint')
        self._name = request.checkpoint
        self._places = places

    @property
    def title(self) -> str:
        """What is done, in a few words."""
        return f'evaluation of {self._name} on {self._session.name}'

    def run(self, job: Job[Outcome]) -> Outcome:
        """Measure until the end, or until somebody stops it; then nothing is written."""
        torch.set_num_threads(self._places.threads)
        job.tell(activity='reading the checkpoint')
        with told_as(Problem.INCOMPATIBLE_CHECKPOINT, CheckpointError):
            subject = load_subject(self._path, self._places.device)
        canvases = self._canvases(subject, job)
        job.tell(activity='evaluating', progress=0.0, done=0, total=0)
        evaluation = subject.measure(
            canvases,
            self._config,
            progress=job.tell_share,
            measured=_MeanTeller(job),
            should_stop=job.should_stop,
        )
        job.tell(activity='writing the report', progress=math.nan)
        page = subject.write(evaluation, self._session)
        job.tell(activity='ended', progress=1.0)
        return Outcome(
            checkpoint=replace(subject.info, name=self._name),
            report=page,
            evaluation=to_dict(evaluation),
        )

    def failed(self, error: Exception) -> Outcome:
        """Return what is left after an error."""
        return outcome_of(error)

    def _canvases(self, subject: Subject, job: Job[Outcome]) -> CanvasSet:
        job.tell(activity='reading the session')
        with told_as(Problem.INVALID_SESSION, SessionError, OSError):
            session = open_session(
                self._session, skip_faulty=self._places.skip_faulty, progress=job.tell_share
            )
            limit = int(self._places.memory_gb * GIGABYTE)
            return make_canvases([session], subject.layout, memory_bytes=limit)


class _MeanTeller:
    """Tells a job the mean loss of all canvases so far."""

    def __init__(self, job: Job[Outcome]) -> None:
        self._job = job
        self._sum, self._count = 0.0, 0

    def __call__(self, losses: np.ndarray) -> None:
        self._sum += float(losses.sum())
        self._count += len(losses)
        self._job.tell(mean_loss=self._sum / self._count)

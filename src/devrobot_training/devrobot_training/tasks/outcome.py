"""How a task ended: with what, or why not."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
import traceback
from typing import Any

from devrobot_interfaces_py.configs import ConfigError
from devrobot_training.cli.command import EXPECTED_ERRORS, in_one_line
from devrobot_training.evaluation.evaluate import EvaluationStoppedError
from devrobot_training.fit.problems import one_line
from devrobot_training.jobs import JobStoppedError
from devrobot_training.sessions.session import SessionError
from devrobot_world_model.checkpoints import CheckpointInfo
import torch

ALLOCATOR = 'DefaultCPUAllocator'


class Problem(Enum):
    """Why a task failed; the names are those of the error codes of the actions."""

    NONE = 'nothing'
    UNKNOWN = 'anything else'
    INVALID_SESSION = 'a session is missing or cannot be read'
    INVALID_CONFIG = 'the settings are wrong'
    INCOMPATIBLE_CHECKPOINT = 'the checkpoint does not fit'
    DIVERGED = 'the loss exploded'
    OUT_OF_MEMORY = 'not enough memory'
    BUSY = 'another job is running'


class TaskError(RuntimeError):
    """A task cannot be done, for a reason that has a code; the message is one line."""

    def __init__(self, problem: Problem, message: str) -> None:
        super().__init__(one_line(message))
        self.problem = problem


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """
    What is left when a task has ended.

    ``message`` is one line, empty where all went well. ``evaluation`` is what evaluation.json
    holds.
    """

    problem: Problem = Problem.NONE
    message: str = ''
    stopped: bool = False
    checkpoint: CheckpointInfo | None = None
    report: Path | None = None
    evaluation: Mapping[str, Any] | None = None

    @property
    def succeeded(self) -> bool:
        """Whether everything that was asked for was done."""
        return self.problem is Problem.NONE and not self.stopped


@contextmanager
def told_as(problem: Problem, *errors: type[Exception]) -> Iterator[None]:
    """Let errors of these classes have the code ``problem``."""
    try:
        yield
    except errors as error:
        raise TaskError(problem, in_one_line(error)) from error


@contextmanager
def refused_by() -> Iterator[None]:
    """Let whatever a request meets before anything is begun be a reason to refuse it."""
    try:
        yield
    except TaskError:
        raise
    except Exception as error:  # nobody's request may end the server
        found = outcome_of(error)
        raise TaskError(found.problem, found.message) from error


def outcome_of(error: Exception) -> Outcome:
    """Return the outcome for what was raised."""
    if isinstance(error, JobStoppedError | EvaluationStoppedError):
        return Outcome(stopped=True, message='stopped on request')
    return Outcome(problem=_problem_of(error), message=_line_of(error))


def _problem_of(error: Exception) -> Problem:
    if isinstance(error, TaskError):
        return error.problem
    if _is_out_of_memory(error):
        return Problem.OUT_OF_MEMORY
    if isinstance(error, ConfigError):
        return Problem.INVALID_CONFIG
    if isinstance(error, SessionError):
        return Problem.INVALID_SESSION
    return Problem.UNKNOWN


def _is_out_of_memory(error: Exception) -> bool:
    # torch has no class of its own for memory of the host.
    own = isinstance(error, RuntimeError) and ALLOCATOR in str(error)
    return own or isinstance(error, MemoryError | torch.OutOfMemoryError)


def _line_of(error: Exception) -> str:
    """Return one line; for what nobody expected also where it came from."""
    if isinstance(error, (TaskError, *EXPECTED_ERRORS)):
        return in_one_line(error)
    line = f'{type(error).__name__}: {in_one_line(error)}'
    if _is_out_of_memory(error):
        return f'{line}; a smaller fit.batch_size needs less'
    place = traceback.extract_tb(error.__traceback__)[-1:]
    where = ''.join(f' ({Path(frame.filename).name}:{frame.lineno})' for frame in place)
    return f'fault: {line}{where}'

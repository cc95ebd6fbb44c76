"""
Which task a request for a training asks for.

The server knows a task only as a ``RunTask``: another kind of training is another line here.
"""

from collections.abc import Callable
from typing import Protocol

from devrobot_training.jobs import Task
from devrobot_training.tasks.outcome import Outcome
from devrobot_training.tasks.places import ServerConfig
from devrobot_training.tasks.plans import TrainingRequest
from devrobot_training.tasks.staged import is_staged, StagedTask
from devrobot_training.tasks.training import TrainingTask


class RunTask(Task[Outcome], Protocol):
    """A task that makes a run."""

    @property
    def run_id(self) -> str:
        """The name of the run."""
        ...


def training_task(
    request: TrainingRequest, places: ServerConfig, now_ns: Callable[[], int]
) -> RunTask:
    """
    Return the task; nothing is done yet.

    :raises TaskError: if something that was asked for cannot be.
    """
    if is_staged(request, places):
        return StagedTask(request, places, now_ns)
    return TrainingTask(request, places, now_ns)

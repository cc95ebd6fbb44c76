"""One piece of long work at a time, in a thread of its own, that can be told to stop."""

from collections.abc import Callable
from dataclasses import dataclass, replace
import math
import threading
from typing import Any, Generic, Protocol, TypeVar

from devrobot_training.fit.problems import one_line
from devrobot_training.tasks.metrics import Metrics

ResultT = TypeVar('ResultT')


class BusyError(RuntimeError):
    """Another job is running, or the runner is closed."""


class JobStoppedError(RuntimeError):
    """The job was told to stop before it had a result."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """
    How far a job is.

    ``progress`` is that of the activity, 0..1, NaN where unknown; ``done`` of ``total`` the same
    in pieces, where there are any. ``stage_count`` is 0 for work that has no stages, and
    ``mean_loss`` that of an evaluation so far, NaN where there is none.
    """

    activity: str = ''
    progress: float = math.nan
    done: int = 0
    total: int = 0
    stage_count: int = 0
    mean_loss: float = math.nan
    metrics: Metrics | None = None


class Task(Protocol[ResultT]):
    """What a job does."""

    @property
    def title(self) -> str:
        """What is done, in a few words."""
        ...

    def run(self, job: 'Job[ResultT]') -> ResultT:
        """Do it; look at ``job.should_stop`` now and then."""
        ...

    def failed(self, error: Exception) -> ResultT:
        """Return the result for what ``run`` raised."""
        ...


class Job(Generic[ResultT]):
    """One run of a task: how far it is, and its result when it has ended."""

    def __init__(self, task: Task[ResultT]) -> None:
        self.task = task
        self.report = Report()
        self.result: ResultT | None = None
        self._stop = threading.Event()
        self._ended = threading.Event()

    @property
    def ended(self) -> bool:
        """Whether ``result`` is there."""
        return self._ended.is_set()

    def stop(self) -> None:
        """Ask it to end soon; returns at once."""
        self._stop.set()

    def should_stop(self) -> bool:
        """Whether somebody asked it to end."""
        return self._stop.is_set()

    def tell(self, **changes: Any) -> None:
        """Change the report; called by the task only."""
        self.report = replace(self.report, **changes)

    def tell_share(self, done: int, total: int) -> None:
        """
        Tell how much of the activity is done, and stop here if that is wanted.

        :raises JobStoppedError: if somebody asked it to end.
        """
        if self.should_stop():
            raise JobStoppedError('stopped on request')
        self.tell(done=done, total=total, progress=done / total if total else math.nan)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Return whether it ended within the time."""
        return self._ended.wait(timeout_s)

    def end(self, result: ResultT | None) -> None:
        """Take the result; called once."""
        self.result = result
        self._ended.set()


class JobRunner(Generic[ResultT]):
    """Runs one job at a time; a second one is refused."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._closed = False
        self._job: Job[ResultT] | None = None
        self._thread: threading.Thread | None = None

    @property
    def job(self) -> Job[ResultT] | None:
        """The job that is running, or ran last."""
        return self._job

    @property
    def obstacle(self) -> str:
        """Why no job can begin now; empty where one can."""
        job = self._job
        if self._closed:
            return 'the server is ending'
        if job is not None and not job.ended:
            return f'busy with the {job.task.title}: stop it first, or wait'
        return ''

    def check_free(self) -> None:
        """
        Refuse what could not begin now.

        :raises BusyError: if another job is running, or the runner is closed.
        """
        if self.obstacle:
            raise BusyError(self.obstacle)

    def start(
        self, task: Task[ResultT], on_end: Callable[[Job[ResultT]], None] = lambda job: None
    ) -> Job[ResultT]:
        """
        Begin; returns at once.

        :param on_end: called in the thread of the job after it; another one may begin by then.
        :raises BusyError: if another job is running.
        """
        with self._lock:
            self.check_free()
            self._job = job = Job(task)
            # A daemon: work that hangs must not keep the process from its end.
            self._thread = threading.Thread(
                target=_run, args=(job, on_end), name='job', daemon=True
            )
            self._thread.start()
            return job

    def stop(self) -> bool:
        """Ask the running job to end soon; return whether there is one."""
        job = self._job
        if job is None or job.ended:
            return False
        job.stop()
        return True

    def close(self) -> None:
        """Refuse further jobs and ask the running one to end soon; returns at once."""
        with self._lock:
            self._closed = True
            self.stop()

    def join(self, timeout_s: float | None = None) -> bool:
        """Return whether the last job and its ``on_end`` were done within the time."""
        if self._thread is None:
            return True
        self._thread.join(timeout_s)
        return not self._thread.is_alive()


def _run(job: Job[ResultT], on_end: Callable[[Job[ResultT]], None]) -> None:
    result = None
    try:
        result = job.task.run(job)
    except Exception as error:  # whatever a task meets: the next one is to find a free runner
        result = job.task.failed(error)
        job.tell(activity=f'ended: {one_line(error)}')
    finally:
        job.end(result)
        on_end(job)

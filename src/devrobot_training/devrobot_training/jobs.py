"""One piece of long work at a time, in a thread of its own, that can be told to stop."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
import math
import threading
from typing import Any, Generic, Protocol, TypeVar

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
    in pieces, where there are any.
    """

    activity: str = ''
    progress: float = math.nan
    done: int = 0
    total: int = 0
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

    def __init__(self, on_end: Callable[[Job[ResultT]], None] = lambda job: None) -> None:
        """
        Prepare the thread.

        :param on_end: called in it after each job; another one may begin by then.
        """
        self._on_end = on_end
        self._lock = threading.Lock()
        self._closed = False
        self._job: Job[ResultT] | None = None
        self._worker = ThreadPoolExecutor(1, 'job')

    @property
    def job(self) -> Job[ResultT] | None:
        """The job that is running, or ran last."""
        return self._job

    @property
    def busy(self) -> bool:
        """Whether a job is running."""
        job = self._job
        return job is not None and not job.ended

    def start(self, task: Task[ResultT]) -> Job[ResultT]:
        """
        Begin; returns at once.

        :raises BusyError: if another job is running.
        """
        with self._lock:
            if self._closed:
                raise BusyError('the server is ending')
            if self._job is not None and not self._job.ended:
                raise BusyError(f'busy with the {self._job.task.title}: stop it first, or wait')
            self._job = job = Job(task)
            self._worker.submit(self._run, job)
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

    def join(self) -> None:
        """Wait until the running job and its ``on_end`` are done; to be called after close."""
        self._worker.shutdown()

    def _run(self, job: Job[ResultT]) -> None:
        result = None
        try:
            result = job.task.run(job)
        except Exception as error:  # whatever a task meets: the next one is to find a worker
            result = job.task.failed(error)
        finally:
            job.end(result)
            self._on_end(job)

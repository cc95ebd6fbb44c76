"""Processes of this machine that do calls: spawned once, used again, killed when they hang."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
import multiprocessing
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
import time
from typing import Any

from devrobot_training.fit.once import InterruptedTrainingError
from devrobot_training.sweeps.executors.base import Limits, POLL_S, Tick
from devrobot_training.sweeps.executors.disk import DiskError
from devrobot_training.sweeps.executors.worker import read, send, serve, Work

END_S = 10.0


@dataclass(frozen=True, kw_only=True)
class Call:
    """Something to do, as plain data."""

    number: int
    data: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came of a call; without a result the reason."""

    result: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ''


Answered = Callable[[Call, Answer], None]


@dataclass
class _Worker:
    """A process and what it is doing; times are those of the clock."""

    process: BaseProcess
    pipe: Connection
    call: Call | None = None
    begun: float = 0.0
    heard: float = 0.0
    samples: int = 0


class ProcessPool:
    """
    Spawned worker processes, one call each at a time.

    A worker ends by itself when this process is gone, even by SIGKILL. One that is killed here
    is replaced.
    """

    def __init__(
        self,
        workers: int,
        *,
        work: Callable[[int], Work],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Prepare; processes start when there is work.

        :param work: makes in the worker what it does, from the number of the worker.
        """
        self._count = workers
        self._make = work
        self._clock = clock
        self._context = multiprocessing.get_context('spawn')
        self._workers: dict[int, _Worker] = {}

    def run(
        self,
        calls: Sequence[Call],
        limits: Limits,
        *,
        ended: Answered,
        tick: Tick = lambda samples: None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> None:
        """
        Do all calls, whatever becomes of each.

        :param ended: called with each call and its answer.
        :param tick: called now and then with the samples of those that are running, by number.
        :raises InterruptedTrainingError: if ``should_stop`` said so; what runs then is ended.
        :raises DiskError: if the disk refused to a call, which then has no answer.
        """
        waiting = deque(calls)
        try:
            while waiting or self._busy():
                if should_stop():
                    raise InterruptedTrainingError('stopped on request')
                while waiting and len(self._busy()) < self._count:
                    self._begin(waiting.popleft())
                self._listen(ended)
                self._end_overdue(limits, ended)
                tick({w.call.number: w.samples for w in self._busy() if w.call})
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Ask the workers to end, and kill those that do not."""
        for worker in self._workers.values():
            try:
                send(worker.pipe, {'stop': True})
            except OSError:
                continue
        deadline = self._clock() + END_S
        for slot in list(self._workers):
            self._workers[slot].process.join(max(0.0, deadline - self._clock()))
            self._kill(slot)

    def _busy(self) -> list[_Worker]:
        return [worker for worker in self._workers.values() if worker.call is not None]

    def _begin(self, call: Call) -> None:
        slot = next(
            s for s in range(self._count) if (w := self._workers.get(s)) is None or not w.call
        )
        if slot not in self._workers:
            self._workers[slot] = self._spawn(slot)
        worker = self._workers[slot]
        worker.call, worker.samples = call, 0
        worker.begun = worker.heard = self._clock()
        try:
            send(worker.pipe, {'call': dict(call.data)})
        except OSError:
            return  # it died while it was idle: the next look finds out

    def _spawn(self, slot: int) -> _Worker:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(
            target=serve, args=(theirs, self._make, slot), name=f'worker {slot}'
        )
        process.start()
        theirs.close()
        return _Worker(process=process, pipe=ours)

    def _listen(self, ended: Answered) -> None:
        """Wait a moment for messages, and take them."""
        pipes = {worker.pipe: slot for slot, worker in self._workers.items() if worker.call}
        for pipe in wait(list(pipes), POLL_S):
            slot = pipes[pipe]  # type: ignore[index]
            try:
                message = read(self._workers[slot].pipe)
            except (EOFError, OSError):
                self._bury(slot, ended)
                continue
            self._take(self._workers[slot], message, ended)

    def _take(self, worker: _Worker, message: dict[str, Any], ended: Answered) -> None:
        worker.heard = self._clock()
        if 'beat' in message:
            worker.samples = int(message['beat'])
            return
        if 'disk' in message:
            raise DiskError(message['disk'])
        call, worker.call = worker.call, None
        if call is None:
            return
        if 'result' in message:
            ended(call, Answer(result=message['result']))
        else:
            ended(call, Answer(reason=str(message.get('error', 'no answer'))))

    def _bury(self, slot: int, ended: Answered) -> None:
        """Take away a worker that has died, with its trial."""
        worker = self._workers[slot]
        worker.process.join(END_S)
        code = worker.process.exitcode
        self._kill(slot)
        if worker.call is not None:
            how = f'signal {-code}' if code is not None and code < 0 else f'exit code {code}'
            ended(worker.call, Answer(reason=f'its process died, {how}'))

    def _end_overdue(self, limits: Limits, ended: Answered) -> None:
        now = self._clock()
        for slot, worker in list(self._workers.items()):
            if worker.call is None:
                continue
            reason = limits.broken(elapsed=now - worker.begun, silent=now - worker.heard)
            if reason:
                self._kill(slot)
                ended(worker.call, Answer(reason=reason))

    def _kill(self, slot: int) -> None:
        worker = self._workers.pop(slot)
        worker.process.kill()
        worker.process.join()
        worker.pipe.close()

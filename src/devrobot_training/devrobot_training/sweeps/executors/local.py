"""Trials in processes of this machine, the default."""

from collections.abc import Callable, Sequence

from devrobot_training.sweeps.executors.base import Ended, Limits, Tick
from devrobot_training.sweeps.executors.pool import Answer, Call, ProcessPool
from devrobot_training.sweeps.executors.worker import Work
from devrobot_training.sweeps.trial import trained_from, Trial, TrialEnd, TrialRunner


class LocalExecutor:
    """Makes each trial in a process of its own kind; see ``Executor`` and ``ProcessPool``."""

    def __init__(self, workers: int, *, work: Callable[[int], Work] = TrialRunner) -> None:
        """
        Prepare; processes start when there is work.

        :param work: makes in the worker what it does, from the number of the worker.
        """
        self._pool = ProcessPool(workers, work=work)

    def run(
        self,
        trials: Sequence[Trial],
        limits: Limits,
        *,
        ended: Ended,
        tick: Tick = lambda samples: None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> None:
        """Make all trials; see ``Executor.run``."""
        by_number = {trial.number: trial for trial in trials}

        def answered(call: Call, answer: Answer) -> None:
            end = TrialEnd(reason=answer.reason)
            if not answer.reason:
                end = TrialEnd.of(trained_from(answer.result))
            ended(by_number[call.number], end)

        calls = [Call(number=trial.number, data=trial.to_dict()) for trial in trials]
        self._pool.run(calls, limits, ended=answered, tick=tick, should_stop=should_stop)

    def close(self) -> None:
        """End the processes."""
        self._pool.close()

"""What every executor of trials does."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
import os
from typing import Protocol

from devrobot_training.fit.stopping import told_seconds
from devrobot_training.sweeps.trial import Trial, TrialEnd
import torch

MOST_WORKERS = 8
POLL_S = 0.2

Ended = Callable[[Trial, TrialEnd], None]
Tick = Callable[[Mapping[int, int]], None]


@dataclass(frozen=True, kw_only=True)
class Limits:
    """
    When a trial is ended from outside, in seconds.

    ``seconds`` is its own budget, 0 = none; ``grace`` how much longer it may take, and how long
    it may be without a step.
    """

    seconds: float = 0.0
    grace: float = 300.0

    def broken(self, *, elapsed: float, silent: float) -> str:
        """Return why a trial has to be ended; '' if it may go on."""
        if self.seconds and elapsed > self.seconds + self.grace:
            return (
                f'killed: not at an end {elapsed - self.seconds:.0f} s after its budget of '
                f'{told_seconds(self.seconds)}'
            )
        if silent > self.grace:
            return f'killed: no step for {silent:.0f} s'
        return ''


class Executor(Protocol):
    """Makes trials, some at a time."""

    def run(
        self,
        trials: Sequence[Trial],
        limits: Limits,
        *,
        ended: Ended,
        tick: Tick = lambda samples: None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> None:
        """
        Make all trials, whatever becomes of each.

        :param ended: called with each trial as it ends.
        :param tick: called now and then with the samples of those that are running, by number.
        :raises InterruptedTrainingError: if ``should_stop`` said so; what runs then is ended.
        :raises DiskError: if the disk refused to a trial, which has not failed by that.
        """

    def close(self) -> None:
        """End the processes."""


def worker_count(wanted: int, threads: int, device: str) -> int:
    """Return how many trials run at a time; ``wanted`` 0 = what the machine has."""
    if wanted:
        return wanted
    if device != 'cpu' and torch.cuda.is_available():
        return torch.cuda.device_count() if device in ('auto', 'cuda') else 1
    cores = len(os.sched_getaffinity(0))
    return max(1, min(MOST_WORKERS, cores // threads))

"""
Trials on a Ray cluster (Moritz et al., arXiv 1712.05889): the only module that imports ray.

The run folder and the sessions have to be at the same place on every machine of the cluster.
``RAY_ADDRESS`` names the cluster; without it Ray starts one on this machine, for this run only.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
import os
import time
from typing import Any

from devrobot_interfaces_py.configs import ConfigError
from devrobot_training.fit.once import InterruptedTrainingError
from devrobot_training.fit.problems import one_line
from devrobot_training.sweeps.executors.base import Ended, Limits, POLL_S, Tick
from devrobot_training.sweeps.executors.disk import DiskError
from devrobot_training.sweeps.executors.worker import answer_of
from devrobot_training.sweeps.trial import trained_from, Trial, TrialEnd, TrialRunner
import torch

ADDRESS = 'RAY_ADDRESS'
if ADDRESS not in os.environ:
    # A cluster of one machine has no business on the network. Ray reads this when it is imported,
    # and then listens on the loopback interface, as it does by default where it knows no clusters.
    os.environ.setdefault('RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER', '0')
try:
    import ray
except ImportError as missing:
    raise ConfigError(
        'sweep.executor is ray, but Ray is not installed: pip install "ray==2.60.0", or use '
        '--sweep.executor local'
    ) from missing

#: What is raised when the cluster, or a part of it, is not there or gone.
LOST = (ray.exceptions.RayError, ConnectionError)


class RayExecutor:
    """Makes each trial as a task of a cluster, with a GPU each where the trials want one."""

    def __init__(self, workers: int, *, device: str = 'auto') -> None:
        """
        Refer to the cluster; it is joined when there is work.

        :param workers: trials at a time.
        """
        self._count = workers
        self._gpus = int(device != 'cpu' and torch.cuda.is_available())
        self._joined = False

    def run(
        self,
        trials: Sequence[Trial],
        limits: Limits,
        *,
        ended: Ended,
        tick: Tick = lambda samples: None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> None:
        """Make all trials; see ``Executor.run``. What Ray fails in is a failure of trials."""
        left = {trial.number: trial for trial in trials}

        def end(trial: Trial, how: TrialEnd) -> None:
            del left[trial.number]
            ended(trial, how)

        def lose(error: Exception) -> None:
            self.close()  # the next sweep joins anew
            for trial in list(left.values()):
                end(trial, TrialEnd(reason=one_line(f'the Ray cluster failed: {error}')))

        try:
            self._join()
        except Exception as error:  # of any kind: a wrong address, a port in use, a time-out
            lose(error)
            return
        try:
            self._make_all(list(trials), limits, end, tick, should_stop)
        except LOST as error:
            lose(error)

    def close(self) -> None:
        """Leave the cluster."""
        if self._joined:
            self._joined = False
            with suppress(*LOST):
                ray.shutdown()

    def _make_all(
        self,
        waiting: list[Trial],
        limits: Limits,
        ended: Ended,
        tick: Tick,
        should_stop: Callable[[], bool],
    ) -> None:
        # One that dies is made anew, and hears of the trials that go on.
        beats = ray.remote(num_cpus=0, max_restarts=-1)(_Beats).remote()
        task = ray.remote(num_cpus=1, num_gpus=self._gpus, max_retries=0)(_make)
        running = _Running(beats)
        try:
            while waiting or running.trials:
                if should_stop():
                    raise InterruptedTrainingError('stopped on request')
                while waiting and len(running.trials) < self._count:
                    trial = waiting.pop(0)
                    running.add(task.remote(trial.to_dict(), trial.number, beats), trial)
                done, _ = ray.wait(list(running.trials), timeout=POLL_S)
                for reference in done:
                    ended(running.trials.pop(reference), _end_of(reference))
                running.listen()
                for reference, reason in running.overdue(limits):
                    _cancel(reference)
                    ended(running.trials.pop(reference), TrialEnd(reason=reason))
                tick(running.samples())
        finally:
            for reference in running.trials:
                _cancel(reference)
            with suppress(*LOST):
                ray.kill(beats)

    def _join(self) -> None:
        if not self._joined and not ray.is_initialized():
            if ADDRESS in os.environ:
                ray.init(log_to_driver=False)
            else:
                ray.init(
                    'local', num_cpus=self._count, include_dashboard=False, log_to_driver=False
                )
            self._joined = True


class _Running:
    """The trials that the cluster has, and when they were heard of."""

    def __init__(self, beats: Any) -> None:
        self.trials: dict[Any, Trial] = {}
        self._beats = beats
        self._asked: Any = None
        self._samples: dict[int, int] = {}
        self._begun: dict[int, float] = {}
        self._heard: dict[int, float] = {}
        self._idle_since: dict[int, float] = {}

    def add(self, reference: Any, trial: Trial) -> None:
        """Take a trial that the cluster was asked for."""
        self.trials[reference] = trial
        self._idle_since[trial.number] = time.monotonic()

    def listen(self) -> None:
        """Take what the trials told, if there is an answer; never wait for one."""
        if self._asked is None:
            self._asked = self._beats.all.remote()
        ready, _ = ray.wait([self._asked], timeout=0)
        if not ready:
            return
        asked, self._asked = self._asked, None
        try:
            samples, ages = ray.get(asked)
        except ray.exceptions.RayError:
            return  # it is being made anew
        now = time.monotonic()
        self._samples.update(samples)
        for number, age in ages.items():
            self._begun.setdefault(number, now)
            self._heard[number] = max(now - age, self._heard.get(number, 0.0))

    def samples(self) -> dict[int, int]:
        """Return the samples of the trials by their number."""
        return {t.number: self._samples.get(t.number, 0) for t in self.trials.values()}

    def overdue(self, limits: Limits) -> list[tuple[Any, str]]:
        """
        Return the trials that have to be ended, and why.

        One that waits while others of the sweep are made waits for them: its time counts while
        there are none.
        """
        now = time.monotonic()
        if any(trial.number in self._begun for trial in self.trials.values()):
            self._idle_since = dict.fromkeys(self._idle_since, now)
        found = []
        for reference, trial in self.trials.items():
            number = trial.number
            if number in self._begun:
                elapsed, silent = now - self._begun[number], now - self._heard[number]
                reason = limits.broken(elapsed=elapsed, silent=silent)
            else:
                waited = now - self._idle_since[number]
                late = waited > limits.grace
                reason = f'killed: no machine of the cluster began it in {waited:.0f} s'
                reason = reason if late else ''
            if reason:
                found.append((reference, reason))
        return found


class _Beats:
    """Hears from the trials, wherever they are."""

    def __init__(self) -> None:
        self._samples: dict[int, int] = {}
        self._heard: dict[int, float] = {}

    def beat(self, number: int, samples: int) -> None:
        """Take the samples of a trial."""
        self._samples[number], self._heard[number] = samples, time.monotonic()

    def all(self) -> tuple[dict[int, int], dict[int, float]]:
        """Return the samples by trial, and how long ago each was heard of in seconds."""
        now = time.monotonic()
        return self._samples, {number: now - then for number, then in self._heard.items()}


def _make(call: Mapping[str, Any], number: int, beats: Any) -> dict[str, Any]:
    """Make a trial, in a process of the cluster; see ``executors.worker`` for what it returns."""
    told = [0.0]
    beats.beat.remote(number, 0)

    def beat(samples: int) -> None:
        now = time.monotonic()
        if now - told[0] >= POLL_S:
            told[0] = now
            beats.beat.remote(number, samples)

    torch.set_num_threads(1)
    try:
        return {'result': TrialRunner(0)(call, beat, lambda: False)}
    except Exception as error:
        return answer_of(error)


def _cancel(reference: Any) -> None:
    with suppress(*LOST):
        ray.cancel(reference, force=True)


def _end_of(reference: Any) -> TrialEnd:
    try:
        answer = ray.get(reference)
    except ray.exceptions.OutOfDiskError as error:
        raise DiskError(one_line(error)) from error
    except ray.exceptions.RayError as error:
        return TrialEnd(reason=one_line(f'its process died: {error}'))
    if 'disk' in answer:
        raise DiskError(answer['disk'])
    if 'error' in answer:
        return TrialEnd(reason=answer['error'])
    return TrialEnd.of(trained_from(answer['result']))

"""
Trials on a Ray cluster (Moritz et al., arXiv 1712.05889): the only module that imports ray.

The run folder and the sessions have to be at the same place on every machine of the cluster.
``RAY_ADDRESS`` names the cluster; without it Ray starts one on this machine, for this run only.
"""

from collections.abc import Callable, Mapping, Sequence
import os
import time
from typing import Any

from devrobot_interfaces_py.configs import ConfigError
from devrobot_training.fit.once import InterruptedTrainingError
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
        """Make all trials; see ``Executor.run``."""
        self._join()
        beats = ray.remote(num_cpus=0)(_Beats).remote()
        task = ray.remote(num_cpus=1, num_gpus=self._gpus, max_retries=0)(_make)
        waiting = list(trials)
        running: dict[Any, Trial] = {}
        begun: dict[int, float] = {}
        try:
            while waiting or running:
                if should_stop():
                    raise InterruptedTrainingError('stopped on request')
                while waiting and len(running) < self._count:
                    trial = waiting.pop(0)
                    running[task.remote(trial.to_dict(), trial.number, beats)] = trial
                done, _ = ray.wait(list(running), timeout=POLL_S)
                for reference in done:
                    ended(running.pop(reference), _end_of(reference))
                samples, heard = ray.get(beats.all.remote())
                self._end_overdue(running, begun, heard, limits, ended)
                tick({t.number: samples.get(t.number, 0) for t in running.values()})
        finally:
            for reference in running:
                ray.cancel(reference, force=True)
            ray.kill(beats)

    def close(self) -> None:
        """Leave the cluster."""
        if self._joined:
            ray.shutdown()
            self._joined = False

    def _join(self) -> None:
        if not self._joined and not ray.is_initialized():
            if ADDRESS in os.environ:
                ray.init(log_to_driver=False)
            else:
                ray.init(
                    'local', num_cpus=self._count, include_dashboard=False, log_to_driver=False
                )
            self._joined = True

    def _end_overdue(
        self,
        running: dict[Any, Trial],
        begun: dict[int, float],
        heard: Mapping[int, float],
        limits: Limits,
        ended: Ended,
    ) -> None:
        """End trials that are over their time; one that waits for a machine has not begun."""
        now = time.monotonic()
        for reference, trial in list(running.items()):
            if trial.number not in heard:
                continue
            begun.setdefault(trial.number, now)
            reason = limits.broken(elapsed=now - begun[trial.number], silent=heard[trial.number])
            if reason:
                ray.cancel(reference, force=True)
                del running[reference]
                ended(trial, TrialEnd(reason=reason))


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
    ray.get(beats.beat.remote(number, 0))

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


def _end_of(reference: Any) -> TrialEnd:
    try:
        answer = ray.get(reference)
    except ray.exceptions.OutOfDiskError as error:
        raise DiskError(' '.join(str(error).split())) from error
    except ray.exceptions.RayError as error:
        return TrialEnd(reason=f'its process died: {" ".join(str(error).split())}'[:500])
    if 'disk' in answer:
        raise DiskError(answer['disk'])
    if 'error' in answer:
        return TrialEnd(reason=answer['error'])
    return TrialEnd.of(trained_from(answer['result']))

"""When a training of a stage sweeps, when it goes on and when it ends, as pure decisions."""

from dataclasses import dataclass

from devrobot_training.fit.stopping import PLATEAU, Stop
from devrobot_training.sweeps.config import PLATEAU as AT_PLATEAU
from devrobot_training.sweeps.config import SweepConfig

NO_GAIN = 'no_gain'


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The rules of one training; ``threshold`` is the smallest gain that counts, as a share."""

    sweep: SweepConfig
    threshold: float

    def after_training(self, reason: str, message: str, *, sweeps: int) -> Stop | None:
        """
        Return why the training ends, after a part of it did; None = sweep now.

        :param sweeps: plateau-triggered sweeps so far.
        """
        if reason != PLATEAU or self.sweep.when != AT_PLATEAU:
            return Stop(reason, message)
        if sweeps >= self.sweep.max_per_stage:
            return Stop(PLATEAU, f'{message}, after {_counted(sweeps)}')
        return None

    def after_sweep(self, before: float | None, after: float | None) -> Stop | None:
        """
        Return why the training ends, if the best loss of a sweep is no gain over ``before``.

        A sweep whose every trial failed (``after`` None) says nothing: the training goes on, at
        the configured rate.
        """
        if after is None or before is None or after < before * (1.0 - self.threshold):
            return None
        return Stop(
            NO_GAIN,
            f'the sweep reached {after:.4g}, which does not improve {before:.4g} by '
            f'{100 * self.threshold:g} %',
        )


def _counted(sweeps: int) -> str:
    return f'{sweeps} sweep{"" if sweeps == 1 else "s"}, the most that a stage may have'

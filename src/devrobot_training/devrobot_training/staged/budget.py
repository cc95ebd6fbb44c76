"""What one training of a stage may use: samples first, seconds second, its sweeps included."""

from dataclasses import dataclass

from devrobot_training.fit.stopping import SAMPLES, Stop, StoppingConfig, TIME, told_seconds
from devrobot_training.sweeps.config import SweepConfig
from devrobot_training.sweeps.phases import Budgets

LEAST_STEPS = 4


@dataclass(frozen=True, kw_only=True)
class Budget:
    """Limits and what is used of them; a limit of 0 is none."""

    max_samples: int = 0
    max_seconds: float = 0.0
    samples: int = 0
    seconds: float = 0.0

    @classmethod
    def of(cls, config: StoppingConfig) -> 'Budget':
        """Return the budget that a configuration gives."""
        return cls(max_samples=config.max_samples, max_seconds=config.time_budget)

    def spend(self, samples: int, seconds: float) -> 'Budget':
        """Return what is left after this."""
        return Budget(
            max_samples=self.max_samples,
            max_seconds=self.max_seconds,
            samples=self.samples + samples,
            seconds=self.seconds + seconds,
        )

    @property
    def samples_left(self) -> int | None:
        """Samples that may be used; None = no limit."""
        return max(0, self.max_samples - self.samples) if self.max_samples else None

    @property
    def seconds_left(self) -> float | None:
        """Seconds that may be used; None = no limit."""
        return max(0.0, self.max_seconds - self.seconds) if self.max_seconds else None

    @property
    def exhausted(self) -> Stop | None:
        """Why nothing more may be done, if so."""
        if self.samples_left == 0:
            return Stop(SAMPLES, f'{self.samples} of {self.max_samples} samples are used')
        if self.seconds_left == 0.0:
            return Stop(TIME, f'the time budget of {told_seconds(self.max_seconds)} is used up')
        return None

    def told(self, stop: Stop, *, samples: int, seconds: float) -> Stop:
        """
        Return what ended a part, whose own limits are what was left of these, in terms of these.

        :param samples: of the part, like ``seconds``; they are spent already.
        """
        if stop.reason == SAMPLES and self.max_samples:
            rest = f', {samples} of them in this part' if samples < self.samples else ''
            told = f'{self.samples} of {self.max_samples} samples are used{rest}'
        elif stop.reason == TIME and self.max_seconds:
            left = self.max_seconds - (self.seconds - seconds)
            rest = f': this part had the last {told_seconds(left)}'
            told = f'the time budget of {told_seconds(self.max_seconds)} is used up'
            told += rest if left < self.max_seconds else ''
        else:
            return stop
        return Stop(stop.reason, told)


def sweep_budgets(
    budget: Budget, sweep: SweepConfig, *, workers: int, batch_size: int
) -> Budgets | str:
    """
    Return what a trial of each phase may use, or why there can be no sweep.

    All trials together take at most ``sweep.budget_share`` of the samples that are left, and of
    the time that is left, with ``workers`` trials at a time.
    """
    scale = 1.0
    if budget.samples_left is not None:
        scale = min(1.0, sweep.budget_share * budget.samples_left / sweep.samples)
    samples_a, samples_b = (int(n * scale) for n in (sweep.samples_a, sweep.samples_b))
    least = LEAST_STEPS * batch_size
    if min(samples_a, samples_b) < least:
        share = f'{sweep.budget_share:g} of the {budget.samples_left} samples that are left gives'
        gives = share if scale < 1.0 else 'sweep.samples_a and samples_b give'
        return (
            f'{gives} its trials {samples_a} and {samples_b} samples, less than {LEAST_STEPS} '
            f'batches of {batch_size}'
        )
    seconds_a = seconds_b = sweep.trial_seconds
    if budget.seconds_left is not None:
        # In rounds of ``workers`` trials; a trial's time goes with its samples.
        rounds_a = -(-sweep.candidates // workers)
        rounds_b = -(-sweep.survivors * sweep.seeds // workers)
        weight = rounds_a * sweep.samples_a + rounds_b * sweep.samples_b
        per_sample = sweep.budget_share * budget.seconds_left / weight
        seconds_a = _lower(seconds_a, per_sample * sweep.samples_a)
        seconds_b = _lower(seconds_b, per_sample * sweep.samples_b)
        if min(seconds_a, seconds_b) <= 0:
            return 'no time of the budget is left'
    return Budgets(
        samples_a=samples_a, samples_b=samples_b, seconds_a=seconds_a, seconds_b=seconds_b
    )


def _lower(limit: float, other: float) -> float:
    """Return the lower of two limits, of which the first is none if it is 0."""
    return min(limit, other) if limit else other

"""Settings of learning-rate sweeps."""

from dataclasses import dataclass

from devrobot_interfaces_py.configs import check_ranges, ConfigError, param

PLATEAU, INITIAL, OFF = 'plateau', 'initial', 'off'
MOMENTS = (PLATEAU, INITIAL, OFF)
MEDIAN, MEAN, MIN = 'median', 'mean', 'min'
RANKINGS = (MEDIAN, MEAN, MIN)
LOCAL, RAY = 'local', 'ray'
EXECUTORS = (LOCAL, RAY)
WIDEST = (1e-6, 1e-2)


@dataclass(frozen=True, kw_only=True)
class SweepConfig:
    """When learning rates are searched, which, and how."""

    when: str = param(
        PLATEAU,
        '`plateau` = when the loss stalls; `initial` = before each stage; `off` = never',
        choices=MOMENTS,
    )
    lowest_rate: float = param(
        1e-4, 'lowest learning rate of the grid', minimum=WIDEST[0], maximum=WIDEST[1]
    )
    highest_rate: float = param(
        6e-4, 'highest learning rate of the grid', minimum=WIDEST[0], maximum=WIDEST[1]
    )
    candidates: int = param(
        5, 'rates of phase A, evenly spaced on a logarithmic scale', minimum=1, maximum=1000
    )
    survivors: int = param(2, 'rates that phase B looks at again', minimum=1, maximum=1000)
    seeds: int = param(2, 'trials of phase B per rate, each with its seed', minimum=1, maximum=100)
    samples_a: int = param(
        1000, 'training samples of a trial of phase A', minimum=1, maximum=10**12
    )
    samples_b: int = param(
        3000, 'training samples of a trial of phase B', minimum=1, maximum=10**12
    )
    rank: str = param(
        MEDIAN, 'how the best validation losses of the seeds count', choices=RANKINGS
    )
    max_per_stage: int = param(
        2, 'plateau-triggered sweeps of a training, at most', minimum=0, maximum=1000
    )
    cooldown: int = param(
        5, 'validations after a sweep before a plateau is looked for', minimum=0, maximum=100_000
    )
    budget_share: float = param(
        0.7,
        'share of what is left of the budget of a stage that a sweep may take; it shrinks to fit',
        minimum=0.01,
        maximum=1.0,
    )
    trial_seconds: float = param(
        0.0, 'end a trial after so many seconds; 0 = no limit', minimum=0.0, maximum=1e9
    )
    grace: float = param(
        300.0,
        'a trial that is so many seconds over its time, or that long without a step, a look at '
        'the validation set or a read of data, is killed and failed; trainings in parallel, too, '
        'and on Ray one that is not begun for so long while no other of the sweep is made',
        minimum=0.1,
        maximum=1e6,
    )
    workers: int = param(
        0, 'trials at a time; 0 = one per GPU, or per CPU core up to 8', minimum=0, maximum=10_000
    )
    executor: str = param(
        LOCAL, '`local` = processes of this machine; `ray` = a Ray cluster', choices=EXECUTORS
    )

    def __post_init__(self) -> None:
        check_ranges(self)
        if self.lowest_rate > self.highest_rate:
            raise ConfigError(
                f'lowest_rate ({self.lowest_rate:g}) must not exceed highest_rate '
                f'({self.highest_rate:g})'
            )
        if self.survivors > self.candidates:
            raise ConfigError(
                f'survivors ({self.survivors}) must not exceed candidates ({self.candidates})'
            )

    @property
    def samples(self) -> int:
        """Training samples of a whole sweep."""
        return self.candidates * self.samples_a + self.survivors * self.seeds * self.samples_b

"""Settings of recording training and validation sessions of the toroidal dot."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from devrobot_interfaces_py.configs import check_ranges, ConfigError, param
from devrobot_robots.toroidal_dot.config import RANDOM_PLACE, ToroidalDotConfig

WORLD = ToroidalDotConfig()
MOST_STEPS = 100_000_000


@dataclass(frozen=True, kw_only=True)
class RecordToroidalConfig:
    """How many sessions, how long, and where the dot begins."""

    train_steps: int = param(
        1000, 'actions in each training session', minimum=1, maximum=MOST_STEPS
    )
    val_steps: int = param(
        300, 'actions in each validation session', minimum=1, maximum=MOST_STEPS
    )
    num_train_sessions: int = param(1, 'number of training sessions', minimum=0, maximum=9999)
    num_val_sessions: int = param(1, 'number of validation sessions', minimum=0, maximum=9999)
    fixed_y: int = param(
        RANDOM_PLACE, 'row of the dot in every session [px]; -1 = random', minimum=-1, maximum=4095
    )
    train_initial_x: int = param(
        RANDOM_PLACE, 'start column in training [px]; -1 = random', minimum=-1, maximum=4095
    )
    val_initial_x: int = param(
        RANDOM_PLACE, 'start column in validation [px]; -1 = random', minimum=-1, maximum=4095
    )
    # An action that is held for long can be guessed from the frames before it, and a model then
    # learns to go on as before instead of listening to the action (docs/training.md).
    min_duration: int = param(
        1, 'fewest steps that an action is held', minimum=1, maximum=1_000_000
    )
    max_duration: int = param(5, 'most steps that an action is held', minimum=1, maximum=1_000_000)
    reinit_interval: int = param(
        15,
        'put the dot at a new start after so many actions; 0 = never',
        minimum=0,
        maximum=MOST_STEPS,
    )
    seed: int = param(0, 'seed of places and actions', minimum=0)
    width: int = param(WORLD.width, 'width of the world [px]', minimum=8, maximum=4096)
    height: int = param(WORLD.height, 'height of the world [px]', minimum=8, maximum=4096)
    radius: int = param(WORLD.radius, 'radius of the dot [px]', minimum=0, maximum=1024)
    step_px: int = param(
        WORLD.step, 'how far action 1 moves the dot to the right [px]', minimum=0, maximum=4096
    )
    output_dir: Path = param(
        Path('saved/sessions/toroidal_dot'), 'folder of train_01, …, validation_01, …'
    )

    def __post_init__(self) -> None:
        """Check each value, then how they fit together."""
        check_ranges(self)
        if self.min_duration > self.max_duration:
            raise ConfigError(
                f'min_duration {self.min_duration} is more than max_duration {self.max_duration}'
            )
        if self.num_train_sessions + self.num_val_sessions == 0:
            raise ConfigError('num_train_sessions and num_val_sessions are both 0: nothing to do')
        for name, size in (
            ('fixed_y', self.height),
            ('train_initial_x', self.width),
            ('val_initial_x', self.width),
        ):
            value = getattr(self, name)
            if value >= size:
                raise ConfigError(
                    f'{name} {value} is outside the world: use 0 to {size - 1}, or -1 for random'
                )
        self.world(RANDOM_PLACE, seed=0)

    def world(self, initial_x: int, *, seed: int) -> ToroidalDotConfig:
        """
        Return the settings of the robot for one session.

        :raises ConfigError: if the dot does not fit into the world.
        """
        return ToroidalDotConfig(
            width=self.width,
            height=self.height,
            radius=self.radius,
            step=self.step_px,
            seed=seed,
            initial_x=initial_x,
            initial_y=self.fixed_y,
        )

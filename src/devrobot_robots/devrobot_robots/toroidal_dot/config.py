"""Settings of the toroidal dot."""

from __future__ import annotations

from dataclasses import dataclass

from devrobot_interfaces_py.configs import check_ranges, ConfigError, param

RANDOM_PLACE = -1


@dataclass(frozen=True, kw_only=True)
class ToroidalDotConfig:
    """Size of the world, shape of the dot, and where it starts."""

    width: int = param(224, 'width of the world [px]', minimum=8, maximum=4096)
    height: int = param(224, 'height of the world [px]', minimum=8, maximum=4096)
    radius: int = param(5, 'radius of the dot [px]', minimum=0, maximum=1024)
    step: int = param(
        27, 'how far action 1 moves the dot to the right [px]', minimum=0, maximum=4096
    )
    action_delay: float = param(0.0, 'how long an action takes [s]', minimum=0.0, maximum=60.0)
    seed: int = param(0, 'seed of the random start and of the distractors', minimum=0)
    initial_x: int = param(-1, 'start column [px]; -1 = random', minimum=-1, maximum=4095)
    initial_y: int = param(-1, 'start row [px]; -1 = random', minimum=-1, maximum=4095)
    distractors: int = param(
        0, 'number of grey dots that wander whatever the action is', minimum=0, maximum=100
    )

    def __post_init__(self) -> None:
        """Check each value, then how they fit together."""
        check_ranges(self)
        if 2 * self.radius + 1 > min(self.width, self.height):
            raise ConfigError(
                f'radius {self.radius} is too large for a world of {self.width}x{self.height}: '
                f'the dot may be at most as wide as the world, radius '
                f'{(min(self.width, self.height) - 1) // 2}'
            )
        for name, value, size in (
            ('initial_x', self.initial_x, self.width),
            ('initial_y', self.initial_y, self.height),
        ):
            if value >= size:
                raise ConfigError(
                    f'{name} {value} is outside the world: use 0 to {size - 1}, or -1 for random'
                )

"""Settings of the selectors and of the node that asks them."""

from __future__ import annotations

from dataclasses import dataclass

from devrobot_interfaces_py.configs import check_ranges, ConfigError, param
from devrobot_robots.selectors.registry import SELECTOR_NAMES


@dataclass(frozen=True, kw_only=True)
class SelectorConfig:
    """Which actions are chosen, and how fast."""

    selector: str = param('random_duration', 'how actions are chosen', choices=SELECTOR_NAMES)
    action: int = param(0, 'the action of `constant`', minimum=0, maximum=65535)
    sequence: tuple[int, ...] = param((0, 1), 'the actions of `sequence`')
    min_duration: int = param(
        5, 'fewest steps that `random_duration` holds an action', minimum=1, maximum=1_000_000
    )
    max_duration: int = param(
        15, 'most steps that `random_duration` holds an action', minimum=1, maximum=1_000_000
    )
    seed: int = param(0, 'seed of `random_duration`', minimum=0)
    bag: str = param('', 'the session whose actions `recorded` repeats: a bag, folder or file')
    bag_namespace: str = param('', 'robot in `bag`, if there are several; empty = the only one')
    keep_actions: tuple[int, ...] = param(
        (), 'the actions that `recorded` repeats, it leaves out the others; empty = all'
    )
    any_action_space: bool = param(
        False, 'let `recorded` repeat the actions of another robot type, index by index'
    )
    period: float = param(
        0.0, 'time between the end of an action and the next call [s]', minimum=0.0, maximum=3600.0
    )
    reset_every: int = param(
        0, 'reset the robot after so many actions; 0 = never', minimum=0, maximum=1_000_000_000
    )
    autostart: bool = param(True, 'start choosing at once; otherwise `~/set_running` starts it')
    driver_timeout: float = param(
        60.0,
        'give up when no driver can be reached for so long [s]; 0 = wait for ever',
        minimum=0.0,
        maximum=86400.0,
    )

    def __post_init__(self) -> None:
        """Check each value, then how they fit together."""
        check_ranges(self)
        if self.min_duration > self.max_duration:
            raise ConfigError(
                f'min_duration {self.min_duration} is more than max_duration {self.max_duration}'
            )
        if self.selector == 'sequence' and not self.sequence:
            raise ConfigError('sequence is empty; give at least one action, for example [0, 1]')
        if self.selector == 'recorded' and not self.bag:
            raise ConfigError('selector is recorded, so bag must name the session to repeat')

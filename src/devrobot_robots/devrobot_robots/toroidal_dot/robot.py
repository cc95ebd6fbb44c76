"""The toroidal dot as a robot."""

from __future__ import annotations

from collections.abc import Callable

from devrobot_interfaces_py.actions import (
    ActionDefinition,
    ActionSpace,
    default_separator_color,
)
from devrobot_robots.clock import Clock, wait_unless_stopped
from devrobot_robots.robot import Frame
from devrobot_robots.toroidal_dot.config import ToroidalDotConfig
from devrobot_robots.toroidal_dot.environment import MOVE, STAY, ToroidalDotEnvironment

ROBOT_TYPE = 'toroidal_dot'


class ToroidalDotRobot:
    """A simulated robot: action 0 stays, action 1 moves the dot to the right."""

    config_class = ToroidalDotConfig
    camera_names: tuple[str, ...] = ('',)

    def __init__(self, config: ToroidalDotConfig, *, clock: Clock, name: str) -> None:
        self.action_space = toroidal_dot_actions(config.step, robot_name=name)
        self._config = config
        self._clock = clock
        self._environment = ToroidalDotEnvironment(config)

    @classmethod
    def from_config(
        cls, config: ToroidalDotConfig, *, clock: Clock, name: str
    ) -> ToroidalDotRobot:
        """Build the robot called ``name``."""
        return cls(config, clock=clock, name=name)

    def connect(self) -> None:
        """Nothing to connect to."""

    def observe(self) -> dict[str, Frame]:
        """Draw the world."""
        return {'': self._environment.render()}

    def execute(self, action: int, should_stop: Callable[[], bool]) -> None:
        """Wait ``action_delay``, then move; a stop during the wait leaves the dot where it is."""
        self.action_space.check(action)
        if wait_unless_stopped(self._clock, self._config.action_delay, should_stop):
            self._environment.step(action)

    def stop(self) -> None:
        """Nothing turns: the dot only moves at the end of an action."""

    def reset(self, seed: int | None = None) -> None:
        """Put the dot at its start, random where so configured."""
        self._environment.reset(seed)

    def close(self) -> None:
        """Nothing to release."""


def toroidal_dot_actions(step: int, *, robot_name: str) -> ActionSpace:
    """
    Return the two actions.

    Their duration is 0 whatever ``action_delay`` is: the delay is for watching and changes no
    effect, so sessions with different delays share a digest and may be mixed.
    """
    steps = {STAY: ('stay', 0.0), MOVE: ('move', float(step))}
    return ActionSpace(
        robot_name=robot_name,
        robot_type=ROBOT_TYPE,
        actions=tuple(
            ActionDefinition(
                label=label,
                separator_color=default_separator_color(index),
                parameters=(('step_px', pixels),),
            )
            for index, (label, pixels) in steps.items()
        ),
    )

"""
The contract of a robot: what the driver asks of it, and nothing else.

Frames are (H, W, 3) uint8 RGB arrays, or such with the JPEG they come from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Protocol, runtime_checkable, TypeAlias

from devrobot_interfaces_py.actions import ActionSpace
from devrobot_robots.clock import Clock
import numpy as np
import numpy.typing as npt

Frame: TypeAlias = npt.NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class JpegFrame:
    """A frame of a camera that sends JPEG: published compressed as it came."""

    pixels: Frame
    jpeg: bytes


Frames: TypeAlias = Mapping[str, Frame | JpegFrame]


class RobotError(Exception):
    """
    The robot cannot do what was asked; the text says why and what helps.

    ``is_told`` says that the robot itself tells in the log when this begins and ends.
    """

    is_told = False


class ResetUnsupportedError(RobotError):
    """The robot cannot be put into a new state without an action."""


class Robot(Protocol):
    """
    A robot with cameras and a few discrete actions; index 0 is always "stay".

    Every method but ``stop`` and ``close`` is called from one thread at a time. The constructor
    touches no hardware: ``connect`` does. ``execute`` blocks until the motion is over, asks
    ``should_stop`` often, returns early when it is true, and raises RobotError when it fails.
    """

    action_space: ActionSpace
    camera_names: tuple[str, ...]  # '' = the only one, topic image_raw; else <camera>/image_raw

    def connect(self) -> None:
        """Open the hardware; raise RobotError with the way out where that fails."""
        ...

    def observe(self) -> Frames:
        """Return one frame per camera, taken after this call began."""
        ...

    def execute(self, action: int, should_stop: Callable[[], bool]) -> None:
        """Carry out one action and return when the robot rests."""
        ...

    def stop(self) -> None:
        """Stop all motors now. Called from any thread, at any time, more than once."""
        ...

    def reset(self, seed: int | None = None) -> None:
        """Go to a new start state, or raise ResetUnsupportedError."""
        ...

    def close(self) -> None:
        """Release the hardware; at any time, more than once, also while ``connect`` waits."""
        ...


class RobotClass(Protocol):
    """What an entry point of the group ``devrobot.robots`` names: usually the robot's class."""

    config_class: type[Any]

    def from_config(self, config: Any, *, clock: Clock, name: str) -> Robot:
        """Build a robot called ``name``; a class method that touches no hardware."""
        ...


class Level(IntEnum):
    """How well a part of a robot is; the values of ``DiagnosticStatus``."""

    OK = 0
    WARN = 1
    ERROR = 2


@dataclass(frozen=True, kw_only=True)
class PartHealth:
    """What diagnostics tell of one part of a robot."""

    part: str
    level: Level
    message: str
    values: Mapping[str, str] = field(default_factory=dict)


@runtime_checkable
class ReportsHealth(Protocol):
    """A robot that has more to tell in the diagnostics; asked once a second, from any thread."""

    def health(self) -> tuple[PartHealth, ...]:
        """Return what is known, without asking the hardware."""
        ...


@runtime_checkable
class Drivable(Protocol):
    """A robot that can follow a velocity while no action runs, also while ``observe`` does."""

    def drive(self, linear_m_s: float, angular_rad_s: float) -> None:
        """Go on like this until the next call; raise RobotError when that fails."""
        ...

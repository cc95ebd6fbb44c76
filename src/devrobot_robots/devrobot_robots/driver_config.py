"""Settings of the driver that do not depend on the robot."""

from __future__ import annotations

from dataclasses import dataclass

from devrobot_interfaces_py.configs import check_ranges, param


@dataclass(frozen=True, kw_only=True)
class StartConfig:
    """How the driver comes up; read before anything else."""

    autostart: bool = param(True, 'configure and activate at once, without a lifecycle manager')
    exit_on_failure: bool = param(
        True, 'with `autostart`: end the process (exit code 1) when coming up fails'
    )


@dataclass(frozen=True, kw_only=True)
class DriverConfig:
    """Which robot is driven, and what is told about it."""

    robot: str = param('toroidal_dot', 'robot to drive: an entry point of `devrobot.robots`')
    robot_name: str = param('', 'name of this robot; empty = last part of the namespace')
    frame_rate: float = param(
        2.0, 'frames while no action runs [Hz]; 0 = none', minimum=0.0, maximum=240.0
    )
    max_action_duration: float = param(
        30.0,
        'an action that takes longer is stopped and aborted [s]',
        minimum=0.01,
        maximum=3600.0,
    )
    jpeg_quality: int = param(90, 'quality of `image_raw/compressed`', minimum=1, maximum=100)
    discovery_time: float = param(
        0.5, 'how long to look for another driver of this name [s]', minimum=0.0, maximum=30.0
    )
    session_id: str = param('', 'told in `session_info`; empty = robot name, date and time')
    cmd_vel: bool = param(
        False, 'follow the topic `cmd_vel` while no action runs, where the robot can do that'
    )
    selector: str = param('', 'name of the selector, told in `session_info`')

    def __post_init__(self) -> None:
        """Check each value."""
        check_ranges(self)

"""Settings of a replay."""

from __future__ import annotations

from dataclasses import dataclass

from devrobot_interfaces_py.configs import check_ranges, param

PACES = ('recorded', 'fast')


@dataclass(frozen=True, kw_only=True)
class ReplayConfig:
    """Which bag is replayed, and how."""

    bag: str = param('', 'the bag: a folder or a bare file')
    bag_namespace: str = param('', 'of the robot, in a bag with several; empty = the only one')
    pace: str = param(
        'recorded',
        '`recorded`: as it came; `fast`: as fast as subscribers and the world model keep up',
        choices=PACES,
    )
    rate: float = param(1.0, 'speed of the pace `recorded`', minimum=0.001, maximum=1000.0)
    fast_limit: float = param(
        200.0,
        'most frames per second of the pace `fast`; what a subscriber misses is lost to it',
        minimum=0.1,
        maximum=100_000.0,
    )
    loop: bool = param(False, 'begin again at the end, with later stamps')
    start_delay: float = param(
        1.0, 'time for subscribers to find the topics [s]', minimum=0.0, maximum=3600.0
    )
    subscriber_timeout: float = param(
        30.0,
        'how long to wait for somebody to listen to images and events [s]; 0 = not',
        minimum=0.0,
        maximum=86400.0,
    )

    def __post_init__(self) -> None:
        """Check each value."""
        check_ranges(self)

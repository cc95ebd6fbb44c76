"""What a driver tells about the session it begins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from importlib import metadata
from typing import Any

from devrobot_interfaces_py.actions import ActionSpace, SessionInfo
from devrobot_interfaces_py.configs import config_to_dict
from devrobot_robots.driver_config import DriverConfig

DISTRIBUTION = 'devrobot_robots'


def make_session_info(
    config: DriverConfig,
    *,
    action_space: ActionSpace,
    robot_config: Any,
    image_topics: tuple[str, ...],
    now: datetime,
) -> SessionInfo:
    """Return the session info; the id is the robot's name and the time unless configured."""
    return SessionInfo(
        session_id=config.session_id or f'{action_space.robot_name}_{now:%Y%m%d_%H%M%S}',
        robot_name=action_space.robot_name,
        robot_type=action_space.robot_type,
        action_space_digest=action_space.digest,
        image_topics=image_topics,
        selector=config.selector,
        software_version=software_version(),
        parameters=tuple(_flat(config_to_dict(robot_config))),
    )


def software_version() -> str:
    """Return the version of this package, 'unknown' when it runs from a bare source tree."""
    try:
        return metadata.version(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return 'unknown'


def _flat(values: Mapping[str, Any], prefix: str = '') -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f'{prefix}{name}.')
        else:
            yield f'{prefix}{name}', str(value)

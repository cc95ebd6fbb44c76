"""Find robots by name: every installed package may add some (entry point ``devrobot.robots``)."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from importlib import metadata
from typing import cast

from devrobot_robots.outcomes import describe
from devrobot_robots.robot import RobotClass

ENTRY_POINT_GROUP = 'devrobot.robots'
REQUIRED_ATTRIBUTES = ('config_class', 'from_config')


class UnknownRobotError(ValueError):
    """No installed package offers a robot of this name."""


class RobotLoadError(RuntimeError):
    """A robot is registered, but its code cannot be used."""


def installed_robots() -> tuple[metadata.EntryPoint, ...]:
    """Return the entry points of all installed robots."""
    return tuple(metadata.entry_points(group=ENTRY_POINT_GROUP))


def robot_names(entry_points: Iterable[metadata.EntryPoint]) -> tuple[str, ...]:
    """Return the sorted names, each once."""
    return tuple(sorted({point.name for point in entry_points}))


def load_robot_class(
    name: str, entry_points: Iterable[metadata.EntryPoint] | None = None
) -> RobotClass:
    """
    Return the class registered under ``name``.

    :param entry_points: where to look; by default all that are installed.
    :raises UnknownRobotError: naming the robots there are.
    :raises RobotLoadError: if two packages claim the name, or the code cannot be imported.
    """
    known = installed_robots() if entry_points is None else tuple(entry_points)
    values = sorted({point.value for point in known if point.name == name})
    if not values:
        raise UnknownRobotError(_unknown(name, robot_names(known)))
    if len(values) > 1:
        raise RobotLoadError(
            f'robot {name!r} is registered more than once: {", ".join(values)}; '
            'uninstall all but one of the packages'
        )
    return _load(next(point for point in known if point.name == name))


def _unknown(name: str, names: tuple[str, ...]) -> str:
    near = get_close_matches(name, names, n=1)
    hint = f' (did you mean {near[0]!r}?)' if near else ''
    known = ', '.join(names) or 'none: is the package that has it installed and sourced?'
    return f'robot {name!r} is unknown{hint}; known robots: {known}'


def _load(point: metadata.EntryPoint) -> RobotClass:
    try:
        loaded = point.load()
    except Exception as error:  # foreign code: whatever its import raises is its failure, not ours
        raise RobotLoadError(
            f'robot {point.name!r} ({point.value}) cannot be imported: {describe(error)}'
        ) from error
    missing = [attribute for attribute in REQUIRED_ATTRIBUTES if not hasattr(loaded, attribute)]
    if missing:
        raise RobotLoadError(
            f'robot {point.name!r} ({point.value}) has no {" and no ".join(missing)}; '
            'docs/adding_a_robot.md shows a complete one'
        )
    return cast(RobotClass, loaded)

"""Find packages and executables through the ament index on ``AMENT_PREFIX_PATH``."""

from __future__ import annotations

import os
from pathlib import Path

from ros2_standin.errors import did_you_mean, StandinError

INDEX = Path('share') / 'ament_index' / 'resource_index' / 'packages'


class PackageNotFoundError(StandinError):
    """No prefix on ``AMENT_PREFIX_PATH`` has the package."""


def prefixes() -> list[Path]:
    """Return the prefixes in order of precedence."""
    value = os.environ.get('AMENT_PREFIX_PATH', '')
    return [Path(entry) for entry in value.split(os.pathsep) if entry]


def packages() -> dict[str, Path]:
    """Return every package and the prefix that provides it."""
    found: dict[str, Path] = {}
    for prefix in prefixes():
        index = prefix / INDEX
        if index.is_dir():
            for marker in index.iterdir():
                found.setdefault(marker.name, prefix)
    return found


def prefix_of(package: str) -> Path:
    """
    Return the prefix that provides ``package``.

    :raises PackageNotFoundError: if there is none.
    """
    for prefix in prefixes():
        if package and (prefix / INDEX / package).is_file():
            return prefix
    searched = ', '.join(str(prefix) for prefix in prefixes())
    where = f'searched: {searched}' if searched else 'AMENT_PREFIX_PATH is not set'
    raise PackageNotFoundError(
        f"Package '{package}' not found{did_you_mean(package, packages())} ({where})"
    )


def share_of(package: str) -> Path:
    """Return the share directory of ``package``."""
    return prefix_of(package) / 'share' / package


def executables_of(package: str) -> list[Path]:
    """Return the executables of ``package``, sorted."""
    folder = prefix_of(package) / 'lib' / package
    if not folder.is_dir():
        return []
    return sorted(
        path for path in folder.rglob('*') if path.is_file() and os.access(path, os.X_OK)
    )


def executable_of(package: str, name: str) -> Path:
    """
    Return the path of the executable ``name`` of ``package``.

    :raises StandinError: if there is none, or more than one.
    """
    executables = executables_of(package)
    matches = [path for path in executables if path.name == name]
    if len(matches) > 1:
        raise StandinError(
            f"Multiple executables '{name}' in package '{package}': "
            + ', '.join(str(path) for path in matches)
        )
    if not matches:
        names = [path.name for path in executables]
        known = ', '.join(names) if names else 'it has none'
        raise StandinError(
            f"No executable '{name}' in package '{package}'"
            f'{did_you_mean(name, names)} (known: {known})'
        )
    return matches[0]

"""Names of checkpoints, and why none of them can point outside its folder."""

from datetime import datetime, UTC
from pathlib import Path
import re

MAX_NAME_LENGTH = 128
_NAME = re.compile(r'[A-Za-z0-9][A-Za-z0-9._-]*')
_FOREIGN = re.compile(r'[^A-Za-z0-9-]+')


class CheckpointError(ValueError):
    """A checkpoint cannot be saved or read; the message is one line for people."""


def check_name(name: str) -> str:
    """
    Return ``name`` if it may name a checkpoint.

    :raises CheckpointError: for separators, a leading dot, ``..``, foreign characters, length.
    """
    if len(name) > MAX_NAME_LENGTH:
        raise CheckpointError(
            f'checkpoint name {name[:24]!r}… is {len(name)} characters long, '
            f'at most {MAX_NAME_LENGTH} are allowed'
        )
    if not _NAME.fullmatch(name) or '..' in name:
        raise CheckpointError(
            f'checkpoint name {name!r} is not allowed: use letters, digits, ".", "_" and "-", '
            'begin with a letter or digit, and no ".."'
        )
    return name


def checkpoint_path(folder: Path, name: str) -> Path:
    """
    Return the folder of checkpoint ``name``, which lies inside ``folder`` even through links.

    :raises CheckpointError: if the name is not allowed or resolves to somewhere else.
    """
    path = folder / check_name(name)
    require_inside(path, folder, name)
    return path


def require_inside(path: Path, folder: Path, name: str) -> None:
    """Raise CheckpointError unless ``path`` resolves to something below ``folder``."""
    try:
        inside = folder.resolve() in path.resolve().parents
    except (OSError, RuntimeError):  # a loop of links
        inside = False
    if not inside:
        raise CheckpointError(f'checkpoint {name!r} leads out of {folder}: it is not used')


def unique_name(robot_type: str, *, instance: str, counter: int, now_ns: int) -> str:
    """Return ``<robot type>-<UTC time>-<instance>-<counter>``, sorted by time within a robot."""
    time = datetime.fromtimestamp(now_ns / 1e9, UTC).strftime('%Y%m%dT%H%M%SZ')
    robot = _FOREIGN.sub('_', robot_type).strip('_-') or 'robot'
    instance = _FOREIGN.sub('_', instance).strip('_-') or '0'
    return check_name(f'{robot[:48]}-{time}-{instance[:32]}-{counter:06d}')

"""
Session files: small JSON files that name a bag, and which of its transitions are meant.

Splits and runs refer to bags only through such files, so that whoever deletes old bags can see
which ones are still needed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
import json
import os
from pathlib import Path
from typing import Any

from devrobot_interfaces_py.atomic import write_json

SUFFIX = '.session.json'
FORMAT = 'devrobot session 1'

Ranges = tuple[tuple[int, int], ...]


class SessionFileError(ValueError):
    """A session file cannot be used: one line with its path and the reason."""


@dataclass(frozen=True, kw_only=True)
class SessionFile:
    """
    A part of a bag.

    ``ranges`` are half-open ranges of transitions, counted over the whole bag; None is all.
    """

    path: Path
    bag: Path
    digest: str
    action_space_digest: str
    ranges: Ranges | None
    made_by: Mapping[str, Any]


def write_session_file(
    path: Path,
    *,
    bag: Path,
    digest: str,
    action_space_digest: str,
    ranges: Sequence[tuple[int, int]] | None,
    made_by: Mapping[str, Any],
) -> None:
    """
    Write a session file; the bag is named relative to it, so that both can move together.

    :raises SessionFileError: if the name does not end as that of a session file.
    """
    if not path.name.endswith(SUFFIX):
        raise SessionFileError(f'{path}: the name of a session file ends in {SUFFIX}')
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(
        path,
        {
            'format': FORMAT,
            'bag': os.path.relpath(bag.resolve(), path.parent.resolve()),
            'digest': digest,
            'action_space_digest': action_space_digest,
            'ranges': None if ranges is None else [list(map(int, part)) for part in ranges],
            'made_by': dict(made_by),
        },
    )


def read_session_file(path: Path) -> SessionFile:
    """
    Return what a session file says; whether the bag is there is not checked.

    :raises SessionFileError: if it is none.
    """
    try:
        value = json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError) as error:
        raise SessionFileError(f'{path}: cannot be read: {error}') from error
    if not isinstance(value, dict) or value.get('format') != FORMAT:
        found = value.get('format') if isinstance(value, dict) else type(value).__name__
        raise SessionFileError(f'{path}: is no session file: format {found!r}, not {FORMAT!r}')
    try:
        return SessionFile(
            path=path,
            bag=(path.parent / value['bag']).resolve(),
            digest=str(value['digest']),
            action_space_digest=str(value['action_space_digest']),
            ranges=None if value['ranges'] is None else _ranges(value['ranges']),
            made_by=dict(value.get('made_by', {})),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise SessionFileError(f'{path}: is damaged: {type(error).__name__} {error}') from error


def referenced_bags(root: Path) -> set[Path]:
    """Return every bag that a session file under ``root`` names, resolved; unreadable ones not."""
    found = set()
    for path in root.rglob(f'*{SUFFIX}'):
        try:
            found.add(read_session_file(path).bag)
        except SessionFileError:
            continue
    return found


def _ranges(value: Any) -> Ranges:
    """Return the ranges, checked: each is not empty, and they do not overlap or go back."""
    ranges = tuple((int(begin), int(end)) for begin, end in value)
    last = 0
    for begin, end in ranges:
        if begin < last or end <= begin:
            raise ValueError(f'range {begin} to {end} is empty or overlaps the one before it')
        last = end
    return ranges

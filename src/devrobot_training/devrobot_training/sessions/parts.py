"""
Write parts of sessions as session files, in which ranges always count over the whole bag.

A session that is split or filtered may itself be a part of a bag; the pieces of a part stay apart.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from devrobot_interfaces_py.atomic import write_bytes
from devrobot_interfaces_py.session_files import (
    read_session_file,
    SessionFile,
    SUFFIX,
    write_session_file,
)
from devrobot_training.sessions.session import Session
from devrobot_training.sessions.splits import Range


def session_file_of(path: Path) -> SessionFile | None:
    """Return what a session file says; None for a bag."""
    return read_session_file(path) if path.name.endswith(SUFFIX) else None


def whole_ranges(path: Path, ranges: Sequence[Range]) -> list[Range]:
    """Return ranges of a session, which may be a part of a bag, as ranges of the whole bag."""
    source = session_file_of(path)
    if source is None or source.ranges is None:
        return list(ranges)
    whole, end = [], 0
    for first, last in source.ranges:
        begin, end = end, end + last - first
        for wanted_begin, wanted_end in ranges:
            # A range may span a border of the part: it is cut there, as the chains are.
            cut = max(wanted_begin, begin), min(wanted_end, end)
            if cut[0] < cut[1]:
                whole.append((cut[0] - begin + first, cut[1] - begin + first))
    return whole


def write_part(
    path: Path,
    source: Path,
    session: Session,
    ranges: Sequence[Range],
    made_by: Mapping[str, Any],
) -> list[Range]:
    """
    Write a session file for some transitions of ``session``; return their ranges in the bag.

    How the bag was read goes with the ranges, because they count what was read in this way.

    :param source: the bag or session file that ``session`` was opened from.
    :param made_by: facts for people, and ``skip_faulty`` and ``namespace``.
    """
    part = session_file_of(source)
    before = part.made_by if part is not None else {}
    whole = whole_ranges(source, ranges)
    write_session_file(
        path,
        bag=session.bag,
        digest=session.digest,
        action_space_digest=session.action_space.digest,
        ranges=whole,
        made_by={
            **made_by,
            'source': str(source),
            'skip_faulty': bool(made_by['skip_faulty'] or before.get('skip_faulty', False)),
            'namespace': str(made_by['namespace'] or before.get('namespace', '')),
        },
    )
    return whole


@contextmanager
def all_or_none(paths: Sequence[Path]) -> Iterator[None]:
    """Put these small files back as they were if what follows does not come to its end."""
    before = {path: path.read_bytes() if path.exists() else None for path in paths}
    try:
        yield
    except BaseException:
        for path, content in before.items():
            if content is None:
                path.unlink(missing_ok=True)
            else:
                write_bytes(path, content)
        raise

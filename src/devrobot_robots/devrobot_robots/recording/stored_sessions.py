"""The sessions of a robot type on the disk: how large, which must stay, how to delete one."""

from __future__ import annotations

from collections.abc import Collection, Iterator
import contextlib
from dataclasses import replace
import os
from pathlib import Path
import shutil

from devrobot_interfaces_py.bag_salvage import is_being_written as is_file_being_written
from devrobot_interfaces_py.session_files import read_session_file, SUFFIX
from devrobot_robots.recording.claims import is_claimed, marker_of
from devrobot_robots.recording.disk_budget import StoredSession

BAG_SUFFIXES = ('.mcap', '.db3', '.mcap.zstd', '.db3.zstd')
METADATA = 'metadata.yaml'
DELETED_SUFFIX = '.deleted'
FRESH_NS = 60_000_000_000


def stored_sessions(folder: Path) -> list[StoredSession]:
    """Return the bag folders right below ``folder``; nothing else is ever touched."""
    try:
        entries = list(os.scandir(folder))
    except FileNotFoundError:
        return []
    found = [
        _read_session(Path(entry))
        for entry in entries
        if entry.is_dir(follow_symlinks=False) and not entry.name.startswith('.')
    ]
    return [session for session in found if session is not None]


def protect(
    sessions: Collection[StoredSession], *, reference_root: Path, newest: Path | None, now_ns: int
) -> list[StoredSession]:
    """
    Return the sessions with the reason why they must stay, where there is one.

    :param reference_root: where ``*.session.json`` files are looked for.
    :param newest: the session that was just recorded.
    :raises SessionFileError: if a file that refers to sessions cannot be understood: then nobody
        knows what may go.
    """
    referenced = {read_session_file(file).bag for file in reference_root.rglob(f'*{SUFFIX}')}

    def reason(session: StoredSession) -> str:
        path = session.path.resolve()
        if session.path == newest:
            return 'just recorded'
        if is_being_written(session, now_ns):
            return 'being written'
        if any(bag == path or path in bag.parents for bag in referenced):
            return 'referred to by a *.session.json'
        return ''

    return [replace(session, protected=reason(session)) for session in sessions]


def is_being_written(session: StoredSession, now_ns: int) -> bool:
    """Tell whether some process records this session, with the recorder node or without."""
    if is_claimed(session.path):
        return True
    if (session.path / METADATA).exists():
        return False
    if now_ns - session.written_ns < FRESH_NS:
        return True
    files = (path for path in session.path.iterdir() if path.name.endswith(BAG_SUFFIXES))
    return any(map(is_file_being_written, files))


def delete_session(path: Path) -> None:
    """
    Delete a session folder; what is seen of it is whole or gone.

    :raises OSError: if it cannot be deleted.
    """
    doomed = path.with_name(f'.{path.name}{DELETED_SUFFIX}')
    shutil.rmtree(doomed, ignore_errors=True)
    path.rename(doomed)
    shutil.rmtree(doomed)


def sweep(folder: Path) -> None:
    """Remove what deletions and recorders that were killed left behind."""
    for doomed in folder.glob(f'.*{DELETED_SUFFIX}'):
        shutil.rmtree(doomed, ignore_errors=True)
    for session in stored_sessions(folder):
        if not is_claimed(session.path):
            with contextlib.suppress(OSError):  # somebody else's
                marker_of(session.path).unlink()


def folder_bytes(folder: Path) -> int:
    """Return the size of all files below ``folder``; links are not followed."""
    return sum(status.st_size for _, status in _files(folder))


def _read_session(path: Path) -> StoredSession | None:
    files = list(_files(path))
    bags = [status for name, status in files if name.endswith(BAG_SUFFIXES)]
    if not bags and METADATA not in (name for name, _ in files):
        return None
    return StoredSession(
        path=path,
        size_bytes=sum(status.st_size for _, status in files),
        written_ns=max(status.st_mtime_ns for status in bags or [path.stat()]),
    )


def _files(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Yield relative name and status of every file; one that disappears is passed over."""
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            try:
                yield str(path.relative_to(folder)), path.lstat()
            except FileNotFoundError:
                continue

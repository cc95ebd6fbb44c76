"""
Claim the name of a session, so that no two recorders write it and nobody deletes it.

A claim is a locked file beside the session, ``.NAME.recording``. The processes that record have
the file open as their output, and the lock with it: it lasts until the last of them has ended,
however that came, and the file tells what they said.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from devrobot_robots.recording.session_id import candidates

SUFFIX = '.recording'


class Claim:
    """A session name that is ours until :meth:`release`."""

    def __init__(self, bag: Path, marker: Path, descriptor: int) -> None:
        self.bag = bag
        self.descriptor = descriptor
        self._marker = marker

    def last_line(self) -> str:
        """Return the last line that was written to the claim's file and is not empty."""
        said = self._marker.read_text(encoding='utf-8', errors='replace')
        lines = [line.strip() for line in said.splitlines()]
        return next((line for line in reversed(lines) if line), 'nothing')

    def release(self) -> None:
        """Give the name back."""
        self._marker.unlink(missing_ok=True)
        os.close(self.descriptor)


def claim_name(folder: Path, wanted: str) -> Claim:
    """
    Claim ``wanted``, or it with the first free number, in a folder that exists.

    :raises OSError: if nothing can be written there.
    """
    for name in candidates(wanted):
        bag = folder / name
        if os.path.lexists(bag):
            continue
        claim = _try_to_claim(bag)
        if claim is None:
            continue
        if not os.path.lexists(bag):
            return claim
        claim.release()  # somebody was quicker, and is done already
    raise AssertionError('there are always more names')


def is_claimed(bag: Path) -> bool:
    """Tell whether some process is recording this session."""
    try:
        descriptor = os.open(marker_of(bag), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not _lock(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def marker_of(bag: Path) -> Path:
    """Return the file that stands for the claim of a session."""
    return bag.with_name(f'.{bag.name}{SUFFIX}')


def _try_to_claim(bag: Path) -> Claim | None:
    marker = marker_of(bag)
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
    descriptor = os.open(marker, flags, 0o644)
    # A marker that was removed between opening and locking it stands for nothing any more.
    if _lock(descriptor, fcntl.LOCK_EX) and _is_at(descriptor, marker):
        os.ftruncate(descriptor, 0)
        return Claim(bag, marker, descriptor)
    os.close(descriptor)
    return None


def _lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False

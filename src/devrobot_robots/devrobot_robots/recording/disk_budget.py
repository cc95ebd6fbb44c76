"""Which sessions to delete so that the others fit into their budget."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class StoredSession:
    """
    A session folder on the disk.

    :param written_ns: when its newest bag file was last written.
    :param protected: why it must stay, '' if it may go.
    """

    path: Path
    size_bytes: int
    written_ns: int
    protected: str = ''


def choose_deletions(
    sessions: Iterable[StoredSession], *, budget_bytes: int
) -> tuple[StoredSession, ...]:
    """
    Return the sessions to delete: the oldest first, no protected one, no more than needed.

    Where protected sessions alone take more than the budget, all others are returned.
    """
    in_order = sorted(sessions, key=lambda session: (session.written_ns, str(session.path)))
    excess = sum(session.size_bytes for session in in_order) - budget_bytes
    chosen = []
    for session in in_order:
        if excess <= 0:
            break
        if not session.protected and session.size_bytes:
            chosen.append(session)
            excess -= session.size_bytes
    return tuple(chosen)

"""Delete old sessions when they take more room than they may."""

from __future__ import annotations

from pathlib import Path
import time

from devrobot_interfaces_py.session_files import SessionFileError
from devrobot_robots.recording.config import GIGABYTE, RecorderConfig
from devrobot_robots.recording.disk_budget import choose_deletions, StoredSession
from devrobot_robots.recording.log import Log
from devrobot_robots.recording.stored_sessions import (
    delete_session,
    protect,
    stored_sessions,
    sweep,
)


class Housekeeping:
    """Keeps the sessions of a robot type within their budget, and tells the same thing once."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._last_warning = ''

    def keep_budget(
        self, folder: Path, config: RecorderConfig, *, newest: Path | None = None
    ) -> None:
        """
        Delete the oldest sessions in ``folder`` as far as the budget asks for it.

        :param newest: a session that was just recorded and stays.
        """
        sweep(folder)
        budget_bytes = round(config.disk_budget_gb * GIGABYTE)
        sessions = stored_sessions(folder)
        if not budget_bytes or _total(sessions) <= budget_bytes:
            return
        try:
            sessions = protect(
                sessions,
                reference_root=reference_root(config),
                newest=newest,
                now_ns=time.time_ns(),
            )
        except SessionFileError as error:
            self._warn(f'no session is deleted, although they take too much room: {error}')
            return
        doomed = choose_deletions(sessions, budget_bytes=budget_bytes)
        for session in doomed:
            self._delete(session, config.disk_budget_gb)
        rest = _total(sessions) - _total(doomed)
        if rest > budget_bytes:
            self._warn(
                f'the sessions in {folder} take {rest / GIGABYTE:.3g} GB, more than '
                f'disk_budget_gb {config.disk_budget_gb:g}, but none of them may be deleted: '
                f'{_reasons(sessions)}'
            )

    def _delete(self, session: StoredSession, budget_gb: float) -> None:
        try:
            delete_session(session.path)
        except OSError as error:
            self._warn(f'cannot delete the old session {session.path}: {error.strerror}')
        else:
            self._log.info(
                f'deleted the old session {session.path} ({session.size_bytes / GIGABYTE:.3g} GB) '
                f'to keep to disk_budget_gb {budget_gb:g}'
            )

    def _warn(self, message: str) -> None:
        if message != self._last_warning:
            self._log.warning(message)
        self._last_warning = message


def reference_root(config: RecorderConfig) -> Path:
    """Return the folder whose ``*.session.json`` files say which sessions must stay."""
    if config.references_dir:
        return Path(config.references_dir).expanduser()
    sessions_dir = config.sessions_dir.expanduser().absolute()
    # Not the whole computer for a folder like /sessions.
    is_at_the_top = len(sessions_dir.parent.parts) < 2
    return sessions_dir if is_at_the_top else sessions_dir.parent


def _total(sessions: list[StoredSession] | tuple[StoredSession, ...]) -> int:
    return sum(session.size_bytes for session in sessions)


def _reasons(sessions: list[StoredSession]) -> str:
    protected = (session for session in sessions if session.protected)
    return ', '.join(f'{session.path.name} is {session.protected}' for session in protected)

"""Tell what goes wrong once, not each time it is met again."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from devrobot_robots.clock import Clock

AGAIN_AFTER_S = 60.0
KNOWN = 8


class Problems:
    """
    Lets a problem through when it begins, and once a minute while it goes on.

    Each part of the work (an action, a stop, the camera) has one problem at a time; another cause
    is another problem.
    """

    def __init__(self, tell: Callable[[str], None], clock: Clock) -> None:
        """``tell`` takes one line."""
        self._tell = tell
        self._clock = clock
        self._told: dict[str, tuple[str, float]] = {}  # cause, when it was told
        self._known: deque[str] = deque(maxlen=KNOWN)

    def know(self, cause: str) -> None:
        """Take a cause that somebody else has told; it is news again only when it goes on."""
        self._known.append(cause)

    def note(self, part: str, cause: str, line: str = '') -> None:
        """
        Take note of how a part is, and tell ``line`` (by default the cause) if that is news.

        :param cause: what is wrong, '' = it works: then what comes next is news.
        """
        if not cause:
            self._told.pop(part, None)
            return
        now = self._clock.now()
        last_cause, last_s = self._told.get(part, ('', 0.0))
        if cause != last_cause and cause in self._known:
            self._told[part] = cause, now
        elif cause != last_cause or now >= last_s + AGAIN_AFTER_S:
            self._told[part] = cause, now
            self._tell(line or cause)

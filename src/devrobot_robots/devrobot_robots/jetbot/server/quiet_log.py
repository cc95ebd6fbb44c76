"""A log that says what happens once, however often it happens."""

import logging
import sys
import time
from typing import Callable, Dict, List

PERIOD_S = 10.0
LARGEST_MEMORY = 200


class SayOnce(logging.Filter):
    """Lets a kind of message through once in ten seconds, and then counts; drops tracebacks."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._seen: Dict[str, List[float]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record is to be shown."""
        record.exc_info = None
        record.msg = str(record.msg)
        # By the template where there is one: the addresses of clients differ each time.
        kind = record.msg if record.args else record.msg.translate(_DIGITS)
        now = self._clock()
        last = self._seen.get(kind)
        if last is not None and now - last[0] < PERIOD_S:
            last[1] += 1
            return False
        if last is not None and last[1]:
            record.msg += f' ({last[1]:.0f} more like this were not shown)'
        if len(self._seen) >= LARGEST_MEMORY:
            self._seen.clear()
        self._seen[kind] = [now, 0]
        return True


_DIGITS = {ord(digit): None for digit in '0123456789'}


def make_log(verbose: bool) -> logging.Logger:
    """Return the log of the server; it goes to the standard error stream, as systemd wants it."""
    log = logging.getLogger('jetbot_server')
    log.setLevel(logging.DEBUG if verbose else logging.INFO)
    log.propagate = False
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter('%(levelname)s %(message)s'))
    handler.addFilter(SayOnce())
    log.handlers = [handler]
    return log

"""What a worker process may do to whoever waits for it."""

from collections.abc import Callable, Mapping
import errno
import os
from pathlib import Path
import signal
import time
from typing import Any


class Awkward:
    """Does what the call says: answer, raise, hang, die, be silent, find the disk full."""

    def __init__(self, slot: int) -> None:
        self._slot = slot

    def __call__(
        self, call: Mapping[str, Any], beat: Callable[[int], None], stop: Callable[[], bool]
    ) -> dict[str, Any]:
        match call['do']:
            case 'raise':
                raise RuntimeError('no\nluck')
            case 'hang':
                Path(call['file']).write_text(str(os.getpid()))
                time.sleep(1000)
            case 'talk':
                while not stop():
                    beat(1)
                    time.sleep(0.05)
            case 'die':
                os.kill(os.getpid(), signal.SIGSEGV)
            case 'fill':
                raise OSError(errno.ENOSPC, 'No space left on device: a/b')
            case 'leave':
                os._exit(3)
        return {'pid': os.getpid(), 'slot': self._slot}


class Failing:
    """Fails at once, whatever the call says."""

    def __init__(self, slot: int) -> None:
        pass

    def __call__(
        self, call: Mapping[str, Any], beat: Callable[[int], None], stop: Callable[[], bool]
    ) -> dict[str, Any]:
        raise RuntimeError('no luck')

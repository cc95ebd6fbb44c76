"""One process at a time works on a run."""

from collections.abc import Iterator
from contextlib import contextmanager
import fcntl
from pathlib import Path

from devrobot_training.fit.problems import RunError

LOCK = '.lock'


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """
    Hold the lock of a run; the system lets go of it when the process ends, however it does.

    :raises RunError: if another process holds it.
    """
    with (folder / LOCK).open('a') as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise RunError(
                f'{folder} is being worked on by another process: wait for it, or stop it'
            ) from error
        yield

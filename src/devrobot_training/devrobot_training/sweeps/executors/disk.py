"""Tell a disk that refuses from a trial that fails: the first is no result of any trial."""

from collections.abc import Iterator
import errno
import re

from devrobot_training.fit.problems import one_line

#: Full, over a quota or the size of a file, broken, gone, read-only, or somebody else's.
REFUSALS = frozenset(
    {
        *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.ESTALE),
        *(errno.EROFS, errno.EACCES, errno.EPERM),
    }
)
# The writer of weights tells the number of the system's error in its text only.
_NUMBER = re.compile(r'\(os error (\d+)\)')


class DiskError(OSError):
    """The disk refuses: what was done is kept, and the rest can be done when there is room."""


def disk_problem(error: BaseException) -> str:
    """Return in one line what the disk said, if it is behind an error; '' if it is not."""
    if any(_refuses(cause) for cause in _causes(error)):
        return one_line(error)
    return ''


def _refuses(error: BaseException) -> bool:
    if isinstance(error, DiskError):
        return True
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in REFUSALS
    found = _NUMBER.search(str(error))
    return found is not None and int(found[1]) in REFUSALS


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and what it came from."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        hidden = error.__suppress_context__
        error = error.__cause__ or (None if hidden else error.__context__)

"""Find the training and validation that belong together, by their names."""

from collections.abc import Iterator, Sequence
from pathlib import Path
import re

from devrobot_interfaces_py.bag_storage import METADATA
from devrobot_interfaces_py.session_files import SUFFIX
from devrobot_training.sessions.cache import bag_files
from devrobot_training.sessions.session import SessionError

TRAIN = re.compile('train(ing)?')
VALIDATION_NAMES = ('validation', 'val')
FILTERED = '_filtered'


def latest_pair(folders: Sequence[Path]) -> tuple[Path, Path]:
    """
    Return the newest training and the validation whose names differ in that word only.

    :raises SessionError: if there is none.
    """
    candidates = {path for folder in folders for path in _sessions(folder)}
    pairs = [
        (max(_written_ns(path), _written_ns(partner)), path, partner)
        for path in candidates
        for partner in _partners(path)
        if partner in candidates
    ]
    if not pairs:
        raise SessionError(
            f'no pair like x_train and x_validation in {" or ".join(map(str, folders))}: '
            'make one with split_session, or name two sessions'
        )
    _, train, validation = max(pairs)
    return train, validation


def _partners(path: Path) -> Iterator[Path]:
    for match in TRAIN.finditer(path.name):
        for word in VALIDATION_NAMES:
            yield path.with_name(path.name[: match.start()] + word + path.name[match.end() :])


def _sessions(folder: Path) -> Iterator[Path]:
    """Yield session files and bags below a folder, but no results of this filter."""
    for path in folder.rglob(f'*{SUFFIX}'):
        if not path.name.endswith(f'{FILTERED}{SUFFIX}') and _is_complete(path, folder):
            yield path
    for path in folder.rglob(METADATA):
        if _is_complete(path, folder):
            yield path.parent


def _is_complete(path: Path, folder: Path) -> bool:
    """Return whether nothing on the way is hidden, as what is being written is."""
    return not any(part.startswith('.') for part in path.relative_to(folder).parts)


def _written_ns(path: Path) -> int:
    """Return when something was recorded or made; opening a bag changes its folder, only."""
    return max((file.stat().st_mtime_ns for file in bag_files(path)), default=0)

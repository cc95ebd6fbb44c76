"""Find the training and validation that belong together, by their names."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from devrobot_interfaces_py.bag_storage import METADATA
from devrobot_interfaces_py.session_files import read_session_file, SUFFIX
from devrobot_training.sessions.session import SessionError
from devrobot_training.sessions.splits import Range

TRAIN = 'train'
VALIDATION_NAMES = ('validation', 'val')


def latest_pair(folders: Sequence[Path]) -> tuple[Path, Path]:
    """
    Return the newest training and the validation whose names differ in that word only.

    :raises SessionError: if there is none.
    """
    candidates = {path for folder in folders for path in _sessions(folder)}
    pairs = []
    for path in candidates:
        for word in VALIDATION_NAMES:
            partner = path.with_name(path.name.replace(TRAIN, word))
            if TRAIN in path.name and partner in candidates:
                newest = max(path.stat().st_mtime_ns, partner.stat().st_mtime_ns)
                pairs.append((newest, path, partner))
    if not pairs:
        raise SessionError(
            f'no pair like x_train and x_validation in {" or ".join(map(str, folders))}: '
            'make one with split_session, or name two sessions'
        )
    _, train, validation = max(pairs)
    return train, validation


def whole_ranges(path: Path, ranges: Sequence[Range]) -> list[Range]:
    """Return ranges of a session, which may be a part of a bag, as ranges of the whole bag."""
    part = read_session_file(path).ranges if path.name.endswith(SUFFIX) else None
    if part is None:
        return list(ranges)
    whole, position = [], 0
    for begin, end in part:
        offset, position = begin - position, position + end - begin
        for first, last in ranges:
            # A range may span a border of the part: it is cut there, as the chains are.
            first, last = max(first, position - (end - begin)), min(last, position)
            if first < last:
                whole.append((first + offset, last + offset))
    return sorted(whole)


def _sessions(folder: Path) -> Iterator[Path]:
    """Yield session files and bags below a folder; filtered files are results, not sources."""
    for path in folder.rglob(f'*{SUFFIX}'):
        if not path.name.endswith(f'_filtered{SUFFIX}'):
            yield path
    for path in folder.rglob(METADATA):
        yield path.parent

"""
Rows of metrics as lines of JSON: appended, rotated, whole even after a crash.

``metrics.jsonl`` is the newest file; of the older ones ``metrics.1.jsonl``, ``metrics.2.jsonl`` …
the highest number is the newest. A row of a batch of 8 takes
5 us of the training loop, of a batch of 64 it takes 7, nearly all for the JSON.
"""

from collections.abc import Iterator, Mapping
import json
import math
from pathlib import Path
import re
from types import TracebackType
from typing import Any, Self

from devrobot_interfaces_py.atomic import atomic_path
from devrobot_training.fit.problems import RunError

MAX_BYTES = 64 * 1024 * 1024
BUFFERED_ROWS = 50


class MetricsLog:
    """Appends rows; one that is open is written by one process only."""

    def __init__(self, path: Path, *, max_bytes: int = MAX_BYTES, keep: int = 20) -> None:
        """
        Refer to a file; it is opened by the first row.

        :param max_bytes: a file that would become larger is put aside, between two rows.
        :param keep: so many files stay, the oldest go.
        """
        self.path = path
        self._max_bytes = max_bytes
        self._keep = keep
        self._rows: list[bytes] = []
        self._size = -1

    def write(self, row: Mapping[str, Any]) -> None:
        """
        Take a row; numbers that are not finite become null.

        Rows of batches wait for a few more of them, all others go to the system at once.
        """
        self._rows.append(_line(row))
        if len(self._rows) >= BUFFERED_ROWS or row.get('kind') != 'batch':
            self.flush()

    def flush(self) -> None:
        """
        Hand all rows to the system.

        :raises OSError: if the disk refuses; what it took of the rows is taken back.
        """
        if self._rows and self._size < 0:
            self._size = _cut_torn_line(self.path)
        while self._rows:
            room = self._max_bytes - self._size
            count = _fitting(self._rows, room)
            if not count and self._size:
                self._rotate()
                continue
            taken = max(1, count)  # a row larger than a whole file gets one of its own
            self._append(b''.join(self._rows[:taken]))
            del self._rows[:taken]

    def close(self) -> None:
        """Write what is left."""
        self.flush()

    def truncate_after(self, step: int) -> None:
        """Drop the rows of later steps, which a run that goes on from ``step`` makes anew."""
        self._rows.clear()
        for path in log_files(self.path):
            with path.open('rb') as file:
                if all(_is_kept(line, step) for line in file):
                    continue
            with atomic_path(path) as new, path.open('rb') as old, new.open('wb') as kept:
                kept.writelines(line for line in old if _is_kept(line, step))
            if not path.stat().st_size:
                path.unlink()
        self._size = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _append(self, data: bytes) -> None:
        with self.path.open('ab', buffering=0) as file:
            try:
                left = memoryview(data)
                while left:
                    left = left[file.write(left) :]
            except BaseException:
                # The rows stay here; half of them in the file would spoil the next ones.
                file.truncate(self._size)
                raise
        self._size += len(data)

    def _rotate(self) -> None:
        """Put the file aside under the next number, and let go of the oldest."""
        older = sorted(_numbered(self.path))
        self.path.rename(_with_number(self.path, max(older, default=0) + 1))
        # With the one put aside and the one that is begun there are two more.
        for old in older[: max(0, len(older) + 2 - self._keep)]:
            _with_number(self.path, old).unlink(missing_ok=True)
        self._size = 0


def log_files(path: Path) -> list[Path]:
    """Return the files of a log, oldest first."""
    files = [_with_number(path, number) for number in sorted(_numbered(path))]
    return [*files, path] if path.exists() else files


def read_rows(path: Path, kind: str = '') -> Iterator[dict[str, Any]]:
    """
    Yield the rows of a log in order, those of one ``kind`` or all.

    A last line without its end is left out: a crash tore it, or it is being written.

    :raises RunError: on any other line that is no row, which no crash explains.
    """
    for file in log_files(path):
        with file.open('rb') as lines:
            for number, line in enumerate(lines, 1):
                if not line.endswith(b'\n'):
                    break
                row = _row(line)
                if row is None:
                    raise RunError(f'{file} line {number} is no row of a log: delete that line')
                if not kind or row.get('kind') == kind:
                    yield row


def finite(value: Any) -> Any:
    """Return a copy of plain data in which numbers that are not finite are None."""
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return finite(_as_plain(value)) if hasattr(value, 'tolist') else value


def _as_plain(value: Any) -> Any:
    """Return an array or a number of numpy or torch as Python's own."""
    if hasattr(value, 'tolist'):
        return value.tolist()
    raise TypeError(f'a row of metrics cannot hold {type(value).__name__}')


_ENCODER = json.JSONEncoder(allow_nan=False, separators=(',', ':'), default=_as_plain)


def _line(row: Mapping[str, Any]) -> bytes:
    try:
        text = _ENCODER.encode(row)
    except ValueError:  # something is not finite, which is rare: looking first would cost more
        text = _ENCODER.encode(finite(row))
    return text.encode() + b'\n'


def _row(line: bytes) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) else None


def _is_kept(line: bytes, step: int) -> bool:
    """Return whether a line is a whole row up to ``step``."""
    row = _row(line) if line.endswith(b'\n') else None
    return row is not None and (row.get('step') or 0) <= step


def _fitting(rows: list[bytes], room: int) -> int:
    """Return how many of the first rows fit."""
    for count, row in enumerate(rows):
        room -= len(row)
        if room < 0:
            return count
    return len(rows)


def _numbered(path: Path) -> list[int]:
    pattern = re.compile(rf'{re.escape(path.stem)}\.(\d+){re.escape(path.suffix)}')
    names = (pattern.fullmatch(entry.name) for entry in path.parent.glob(f'{path.stem}.*'))
    return [int(match[1]) for match in names if match]


def _with_number(path: Path, number: int) -> Path:
    return path.with_name(f'{path.stem}.{number}{path.suffix}')


def _cut_torn_line(path: Path) -> int:
    """Cut off what follows the last line break; return the size."""
    if not path.exists():
        return 0
    with path.open('rb+') as file:
        data = file.read()
        end = data.rfind(b'\n') + 1
        if end != len(data):
            file.truncate(end)
    return end

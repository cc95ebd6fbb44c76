"""
The files of a bag as one stream of topic, time and bytes; what they mean is told elsewhere.

A bag is a folder with ``metadata.yaml``, a folder that lost it, or one bare file. ``rosbags``
reads them; a cut-off MCAP file is read by ``bag_salvage``.
"""

from collections.abc import Collection, Iterator
import contextlib
from dataclasses import dataclass
from pathlib import Path, PurePath
import re
import shutil
import tempfile
from typing import Any

from devrobot_interfaces_py.bag_errors import BagError, one_line
from devrobot_interfaces_py.bag_salvage import is_being_written, SalvagedMcap
from rosbags.interfaces import Connection
from rosbags.rosbag2 import Reader
import yaml
import zstandard

SUFFIXES = ('.mcap', '.db3')
COMPRESSED_SUFFIXES = ('.zstd', '.zst')
METADATA = 'metadata.yaml'
_ZSTD_MAGIC = b'\x28\xb5\x2f\xfd'


@dataclass(frozen=True, kw_only=True)
class Topic:
    """What a bag has on one topic."""

    name: str
    type: str
    count: int
    connections: tuple[Connection, ...]


class Storage:
    """Open files of one bag; ``messages`` may be called repeatedly."""

    def __init__(self, readers: list[Any], stack: contextlib.ExitStack, notes: list[str]) -> None:
        self._readers = readers
        self._stack = stack
        self.notes = tuple(notes)
        self.topics = _topics(readers)
        self.message_count = sum(reader.message_count for reader in readers)
        starts = [reader.start_time for reader in readers if reader.message_count]
        ends = [reader.end_time for reader in readers if reader.message_count]
        self.start_ns = min(starts, default=0)
        self.end_ns = max(ends, default=0)

    def messages(self, topics: Collection[str]) -> Iterator[tuple[str, int, bytes]]:
        """
        Yield topic, log time [ns] and serialised message, in the order of the recording.

        :raises BagError: if a file is damaged.
        """
        for reader in self._readers:
            wanted = [c for c in reader.connections if c.topic in topics]
            if not wanted:
                continue
            try:
                for connection, log_ns, raw in reader.messages(wanted):
                    if bytes(raw[:4]) == _ZSTD_MAGIC:  # compressed one by one, metadata lost
                        raw = zstandard.ZstdDecompressor().decompress(bytes(raw))
                    yield connection.topic, log_ns, raw
            except (BagError, GeneratorExit):
                raise
            except Exception as error:  # a damaged file makes the library raise what it likes
                raise BagError(
                    f'{reader.path}: damaged: {one_line(error)}; try ros2 bag reindex'
                ) from error

    def close(self) -> None:
        """Close the files."""
        self._stack.close()


def open_storage(path: Path, *, allow_growing: bool = False) -> Storage:
    """
    Open a folder or a bare file.

    :param allow_growing: read what is there of a bag that is being written.
    :raises BagError: if it is no bag, is damaged beyond reading, or is being written.
    """
    if not path.exists():
        raise BagError(f'{path}: there is no such bag')
    notes: list[str] = []
    with contextlib.ExitStack() as stack:
        try:
            readers = _open_all(path, stack, notes, allow_growing)
        except BagError:
            raise
        except Exception as error:  # see above
            raise BagError(f'{path}: cannot be read as a bag: {one_line(error)}') from error
        return Storage(readers, stack.pop_all(), notes)


def _open_all(
    path: Path, stack: contextlib.ExitStack, notes: list[str], allow_growing: bool
) -> list[Any]:
    if not path.is_dir():
        return [_open_file(path, stack, notes, allow_growing)]
    files = storage_files(path)
    if (path / METADATA).exists():
        files = _listed_files(path)
    else:
        notes.append(f'{path}: {METADATA} is missing; `ros2 bag reindex {path}` writes it anew')
    if not files:
        raise BagError(f'{path}: no bag: a folder without {METADATA}, .mcap and .db3 files')
    return [_open_file(file, stack, notes, allow_growing) for file in files]


def storage_files(folder: Path) -> list[Path]:
    """Return the storage files of a folder, in the order in which they were written."""
    names = [*SUFFIXES, *(a + b for a in SUFFIXES for b in COMPRESSED_SUFFIXES)]
    found = [entry for entry in folder.iterdir() if entry.name.endswith(tuple(names))]
    return sorted(found, key=lambda entry: _natural(entry.name))


def _listed_files(folder: Path) -> list[Path]:
    """Return the files that the metadata names; the rest of it is in the files, too."""
    path = folder / METADATA
    try:
        facts = yaml.safe_load(path.read_text(encoding='utf-8'))
        listed = facts['rosbag2_bagfile_information']['relative_file_paths']
        files = [folder / PurePath(name).name for name in listed]
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError) as error:
        raise BagError(
            f'{path}: cannot be read: {one_line(error)}; `ros2 bag reindex` writes it anew'
        ) from error
    missing = [file.name for file in files if not file.exists()]
    if missing:
        raise BagError(f'{folder}: {", ".join(missing)} is missing, which {METADATA} names')
    return files


def _open_file(
    path: Path, stack: contextlib.ExitStack, notes: list[str], allow_growing: bool
) -> Any:
    if path.suffix in COMPRESSED_SUFFIXES:
        path = _decompressed(path, stack)
        allow_growing = True  # rosbag2 compresses a file when it is complete
    if path.suffix not in SUFFIXES:
        raise BagError(f'{path}: no bag: neither a folder nor an .mcap or .db3 file')
    if path.suffix == '.mcap':
        if _is_whole(path):
            return _opened(Reader(path), stack)
        _refuse_growing(path, allow_growing)
        notes.append(
            f'{path}: cut off, read up to its last whole record; '
            f'`ros2 bag reindex {path.parent}` mends it'
        )
        return _opened(SalvagedMcap(path), stack)
    if not (path.parent / METADATA).exists():
        _refuse_growing(path, allow_growing)
    return _opened(Reader(path), stack)


def _opened(reader: Any, stack: contextlib.ExitStack) -> Any:
    reader.open()
    stack.callback(reader.close)
    return reader


def _refuse_growing(path: Path, allow_growing: bool) -> None:
    if not allow_growing and is_being_written(path):
        raise BagError(f'{path}: is being written right now: stop the recording first')


def _is_whole(path: Path) -> bool:
    """Return whether an MCAP file ends as one that was closed."""
    magic = b'\x89MCAP0\r\n'
    size = path.stat().st_size
    if size == 0:
        raise BagError(f'{path}: is empty')
    with path.open('rb') as stream:
        if stream.read(len(magic)) != magic[:size]:
            raise BagError(f'{path}: is no MCAP file')
        stream.seek(max(0, size - len(magic)))
        return size > 2 * len(magic) and stream.read() == magic


def _decompressed(path: Path, stack: contextlib.ExitStack) -> Path:
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix='devrobot_bag_'))
    target = Path(folder) / path.stem
    with (
        path.open('rb') as source,
        target.open('wb') as copy,
        zstandard.ZstdDecompressor().stream_reader(source) as plain,
    ):
        shutil.copyfileobj(plain, copy, 1 << 20)
    return target


def _natural(name: str) -> list[Any]:
    """Return a key that puts ``bag_2`` before ``bag_10``."""
    return [int(part) if part.isdigit() else part for part in re.split(r'(\d+)', name)]


def _topics(readers: list[Any]) -> dict[str, Topic]:
    found: dict[str, list[Connection]] = {}
    for reader in readers:
        for connection in reader.connections:
            found.setdefault(connection.topic, []).append(connection)
    for name, connections in found.items():
        types = sorted({connection.msgtype for connection in connections})
        if len(types) > 1:
            raise BagError(f'topic {name} has messages of several types: {", ".join(types)}')
    return {
        name: Topic(
            name=name,
            type=connections[0].msgtype,
            count=sum(connection.msgcount for connection in connections),
            connections=tuple(connections),
        )
        for name, connections in found.items()
    }

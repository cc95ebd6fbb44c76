"""Read bags: their files in order, whatever their storage and compression."""

from __future__ import annotations

from collections.abc import Iterator
import contextlib
from dataclasses import dataclass
from pathlib import Path
import tempfile
from typing import Any

from rosbags.interfaces import Connection
from rosbags.rosbag2 import Reader
import yaml
import zstandard

from ros2_standin.bagging.files import decompressed
from ros2_standin.bagging.metadata import NAME, storage_files
from ros2_standin.errors import StandinError

KEY = 'rosbag2_bagfile_information'
_ZSTD_MAGIC = b'\x28\xb5\x2f\xfd'


@dataclass(frozen=True)
class Message:
    """A serialised message of a bag."""

    connection: Connection
    stamp_ns: int
    data: bytes


def bag_metadata(path: Path) -> dict[str, Any]:
    """
    Return what ``metadata.yaml`` says of a bag.

    :raises StandinError: if there is none or it cannot be read.
    """
    if not path.exists():
        raise StandinError(f"bag '{path}' does not exist")
    file = path / NAME
    if not path.is_dir() or not file.exists():
        raise StandinError(
            f"Could not find metadata for bag directory: '{path}'; ros2 bag reindex writes it anew"
        )
    try:
        facts = yaml.safe_load(file.read_text(encoding='utf-8'))
        return dict(facts[KEY])
    except (yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise StandinError(
            f"'{file}' cannot be read: {type(error).__name__}; ros2 bag reindex writes it anew"
        ) from error


def bag_files(path: Path) -> list[Path]:
    """
    Return the storage files of a bag, in order.

    :raises StandinError: if one is missing.
    """
    if path.is_file():
        return [path]
    files = [path / Path(name).name for name in bag_metadata(path)['relative_file_paths']]
    missing = [file.name for file in files if not file.exists()]
    if missing:
        raise StandinError(f"'{path}': {', '.join(missing)} is missing")
    return files


@contextlib.contextmanager
def open_file(path: Path) -> Iterator[Reader]:
    """
    Open one storage file, decompressed if need be.

    :raises StandinError: if it is damaged.
    """
    with contextlib.ExitStack() as stack:
        if path.suffix == '.zstd':
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix='ros2_standin_'))
            path = decompressed(path, Path(folder))
        try:
            reader = stack.enter_context(Reader(path))
        except Exception as error:  # damaged files make the library raise what it likes
            reason = ' '.join(str(error).split())
            raise StandinError(
                f"'{path}' cannot be read: {reason}; try ros2 bag reindex"
            ) from error
        yield reader


def connections_of(path: Path) -> list[Connection]:
    """Return the topics of a bag, each once."""
    found: dict[str, Connection] = {}
    for file in bag_files(path):
        with open_file(file) as reader:
            for connection in reader.connections:
                found.setdefault(connection.topic, connection)
    return list(found.values())


def messages_of(path: Path, topics: frozenset[str]) -> Iterator[Message]:
    """Yield the messages of these topics in the order of the recording."""
    for file in bag_files(path):
        with open_file(file) as reader:
            wanted = [c for c in reader.connections if c.topic in topics]
            if not wanted:
                continue
            for connection, stamp_ns, data in reader.messages(wanted):
                yield Message(connection, stamp_ns, plain(bytes(data)))


def plain(data: bytes) -> bytes:
    """Return a message decompressed, where messages are compressed one by one."""
    if data[:4] == _ZSTD_MAGIC:
        return zstandard.ZstdDecompressor().decompress(data)
    return data


def loose_files(folder: Path) -> list[Path]:
    """
    Return the storage files of a folder, with or without metadata.

    :raises StandinError: if there are none.
    """
    files = storage_files(folder) if folder.is_dir() else []
    if not files:
        raise StandinError(f"'{folder}' has no .mcap or .db3 files")
    return files

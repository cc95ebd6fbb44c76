"""Read bags: their files in order, whatever their storage and compression."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
import contextlib
from dataclasses import dataclass
from pathlib import Path
import tempfile
from typing import Any, TypeVar

from rosbags.interfaces import Connection, Qos
from rosbags.rosbag2 import Reader
from rosbags.rosbag2.metadata import parse_qos
import yaml
import zstandard

from ros2_standin.bagging.files import decompressed
from ros2_standin.bagging.metadata import BagFacts, FileFacts, NAME, storage_files
from ros2_standin.errors import StandinError

KEY = 'rosbag2_bagfile_information'
ZSTD_MAGIC = b'\x28\xb5\x2f\xfd'
#: Of a file that lies there alone: which one it is, by the end of its name.
STORAGE_OF = {'.mcap': 'mcap', '.db3': 'sqlite3'}

_Item = TypeVar('_Item')


@dataclass(frozen=True)
class Topic:
    """A topic of a bag."""

    name: str
    msgtype: str
    profiles: list[Qos]


@dataclass(frozen=True)
class Message:
    """A serialised message of a bag."""

    topic: str
    stamp_ns: int
    data: bytes


def bag_metadata(path: Path) -> dict[str, Any]:
    """
    Return what ``metadata.yaml`` says of a bag, or what a single storage file holds.

    :raises StandinError: if there is none or it cannot be read.
    """
    if not path.exists():
        raise StandinError(f"bag '{path}' does not exist")
    if path.is_file():
        return _facts_of_file(path)
    file = path / NAME
    if not file.exists():
        raise StandinError(
            f"Could not find metadata for bag directory: '{path}'; ros2 bag reindex writes it anew"
        )
    try:
        facts = yaml.safe_load(file.read_text(encoding='utf-8'))[KEY]
        facts['relative_file_paths'] = list(facts['relative_file_paths'])
        int(facts['starting_time']['nanoseconds_since_epoch'])
        for topic in facts['topics_with_message_count']:
            topic['topic_metadata'] = {'name': '', 'type': '', **topic['topic_metadata']}
        return facts
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


def unlisted_files(path: Path, facts: dict[str, Any]) -> list[str]:
    """Return the storage files of a bag's folder that its metadata does not name."""
    if path.is_file():
        return []
    listed = {Path(name).name for name in facts['relative_file_paths']}
    return [file.name for file in storage_files(path) if file.name not in listed]


def topics_of(facts: dict[str, Any]) -> list[Topic]:
    """Return the topics of a bag with the quality of service of their publishers."""
    return [
        Topic(data['name'], data['type'], parse_qos(data.get('offered_qos_profiles') or []))
        for data in (topic['topic_metadata'] for topic in facts['topics_with_message_count'])
    ]


@contextlib.contextmanager
def open_file(path: Path) -> Iterator[Reader]:
    """
    Open one storage file, decompressed if need be.

    :raises StandinError: if it is damaged.
    """
    with contextlib.ExitStack() as stack:
        try:
            plain_path = path
            if path.suffix == '.zstd':
                folder = stack.enter_context(tempfile.TemporaryDirectory(prefix='ros2_standin_'))
                plain_path = decompressed(path, Path(folder))
            reader = stack.enter_context(Reader(plain_path))
        except Exception as error:  # damaged files make the library raise what it likes
            raise _damaged(path, error) from error
        yield reader


def messages_of(path: Path, topics: Collection[str]) -> Iterator[Message]:
    """
    Yield the messages of these topics in the order of the recording.

    :raises StandinError: if a file is damaged.
    """
    for file in bag_files(path):
        with open_file(file) as reader:
            wanted = [c for c in reader.connections if c.topic in topics]
            if not wanted:
                continue
            for connection, stamp_ns, data in _guarded(file, reader.messages(wanted)):
                yield Message(connection.topic, stamp_ns, plain(bytes(data)))


def all_messages(path: Path, reader: Reader) -> Iterator[tuple[Connection, int, bytes]]:
    """
    Yield what is in an open file.

    :raises StandinError: if it is damaged.
    """
    return _guarded(path, reader.messages())


def plain(data: bytes) -> bytes:
    """Return a message decompressed, where messages are compressed one by one."""
    if data[:4] == ZSTD_MAGIC:
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


def storage_of(path: Path) -> str:
    """Return which storage a file has."""
    return STORAGE_OF.get(Path(path.name.removesuffix('.zstd')).suffix, 'mcap')


def _facts_of_file(path: Path) -> dict[str, Any]:
    facts = BagFacts(storage=storage_of(path))
    with open_file(path) as reader:
        count = reader.message_count
        start = reader.start_time if count else 0
        facts.files.append(FileFacts(path.name, start, start + reader.duration - 1, count))
        for connection in reader.connections:
            facts.add(connection)
            facts.counts[connection.topic] += connection.msgcount
    return {**facts.as_dict(), 'ros_distro': ''}


def _guarded(path: Path, items: Iterable[_Item]) -> Iterator[_Item]:
    try:
        yield from items
    except Exception as error:  # as above
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> StandinError:
    reason = ' '.join(str(error).split()) or type(error).__name__
    return StandinError(f"'{path}' cannot be read: {reason}; try ros2 bag reindex")

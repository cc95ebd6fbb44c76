"""Write the storage files of a bag so that a crash loses at most the last moment."""

from __future__ import annotations

from dataclasses import dataclass
import functools
from pathlib import Path
import shutil
from typing import Any

from rosbags.interfaces import (
    Connection,
    ConnectionExtRosbag2,
    MessageDefinition,
    MessageDefinitionFormat,
    Qos,
)
from rosbags.rosbag2.enums import CompressionMode
from rosbags.rosbag2.metadata import dump_qos_v9
from rosbags.rosbag2.storage_mcap import McapWriter
from rosbags.rosbag2.storage_sqlite3 import Sqlite3Writer
import yaml
import zstandard

from ros2_standin.bagging.metadata import BagFacts, FileFacts, VERSION
from ros2_standin.bagging.types import Definition
from ros2_standin.errors import StandinError

STORAGES = {'mcap': McapWriter, 'sqlite3': Sqlite3Writer}
PRESETS = {
    'mcap': {'none': 0, 'fastwrite': 0, 'zstd_fast': 1, 'zstd_small': 19},
    'sqlite3': {'none': 0, 'resilient': 0},
}
COMPRESSION_MODES = ('none', 'file', 'message')


@dataclass(frozen=True, kw_only=True)
class StorageOptions:
    """How messages are stored."""

    storage: str = 'mcap'
    preset: str = 'none'
    compression_mode: str = 'none'

    def __post_init__(self) -> None:
        known = PRESETS[self.storage]
        if self.preset not in known:
            raise StandinError(
                f"storage preset '{self.preset}' is not one of {', '.join(known)} "
                f'of the storage {self.storage}'
            )


class _Place:
    """A folder in which the writers of rosbags name their file after something else."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self.name = name

    def __truediv__(self, name: str) -> Path:
        return self._folder / name


class BagFiles:
    """One bag that is being written, in one or several files."""

    def __init__(self, folder: Path, options: StorageOptions, custom: dict[str, str]) -> None:
        self.folder = folder
        self._options = options
        compressed = options.compression_mode != 'none'
        self.facts = BagFacts(
            storage=options.storage,
            compression_mode=options.compression_mode if compressed else '',
            compression_format='zstd' if compressed else '',
            custom=custom,
        )
        self._file: Any = None
        self._known: set[str] = set()
        self._written = 0

    def open(self) -> None:
        """
        Make the folder and its first file.

        :raises StandinError: if the folder exists.
        """
        try:
            self.folder.mkdir(parents=True)
        except FileExistsError:
            raise StandinError(f"Output folder '{self.folder}' already exists.") from None
        self._next_file()

    def add_topic(self, topic: str, definition: Definition, qos: list[Qos]) -> Connection:
        """Note a topic before its first message."""
        connection = Connection(
            id=len(self.facts.connections) + 1,
            topic=topic,
            msgtype=definition.name,
            msgdef=MessageDefinition(MessageDefinitionFormat.MSG, definition.text),
            digest=definition.digest,
            msgcount=0,
            ext=ConnectionExtRosbag2('cdr', qos),
            owner=None,
        )
        self.facts.add(connection)
        self._introduce(connection)
        return connection

    def write(self, connection: Connection, stamp_ns: int, data: bytes) -> None:
        """Write one message."""
        if self._options.compression_mode == 'message':
            data = zstandard.ZstdCompressor().compress(data)
        self._file.write(connection, stamp_ns, data)
        self.facts.note(connection.topic, stamp_ns)
        self._written += len(data)

    def flush(self) -> None:
        """Hand what was written to the system: a crash of this process does not lose it."""
        if isinstance(self._file, McapWriter):
            if self._file.chunk.msgs:
                self._file.close_chunk()
            self._file.bio.flush()
        else:
            self._file.conn.commit()

    @property
    def file_size(self) -> int:
        """Bytes of messages in the newest file."""
        return self._written

    @property
    def file_age_ns(self) -> int:
        """Time between the first and last message of the newest file."""
        return self.facts.files[-1].duration_ns

    def split(self) -> None:
        """Close the newest file and begin the next."""
        self._close_file()
        self.facts.write(self.folder)
        self._next_file()

    def close(self) -> None:
        """Close the files and write the metadata."""
        self._close_file()
        self.facts.write(self.folder)

    def _next_file(self) -> None:
        name = f'{self.folder.name}_{len(self.facts.files)}'
        level = PRESETS[self._options.storage][self._options.preset]
        mode = CompressionMode.STORAGE if level else CompressionMode.NONE
        self._file = STORAGES[self._options.storage](_Place(self.folder, name), mode)
        if level:
            self._file.compressor = functools.partial(_compress, level=level)
        self.facts.files.append(FileFacts(self._file.path.name))
        self._written = 0
        self._known = set()
        for connection in self.facts.connections:
            self._introduce(connection)

    def _introduce(self, connection: Connection) -> None:
        if connection.msgtype not in self._known:
            self._file.add_msgtype(connection)
            self._known.add(connection.msgtype)
        qos = dump_qos_v9(connection.ext.offered_qos_profiles)
        text = qos if isinstance(qos, str) else yaml.safe_dump(qos, sort_keys=False).strip()
        self._file.add_connection(connection, text)

    def _close_file(self) -> None:
        file, self._file = self._file, None
        if file is None:
            return
        if isinstance(file, McapWriter) and file.chunk.bio.tell() and not file.chunk.msgs:
            # Topics without a message: times that a reader takes for real ones.
            file.chunk.message_start_time = 0
        if isinstance(file, McapWriter) and not self.facts.files[-1].count:
            file.message_start_time = 0
        file.close(VERSION, yaml.safe_dump(self.facts.as_dict(), sort_keys=False).strip())
        if self._options.compression_mode == 'file':
            self.facts.files[-1].name = compress_file(file.path).name


def compress_file(path: Path) -> Path:
    """Replace a file by its zstd compressed form; return that one's path."""
    target = path.with_name(f'{path.name}.zstd')
    temporary = path.with_name(f'.{path.name}.zstd.partial')
    with path.open('rb') as source, temporary.open('wb') as sink:
        zstandard.ZstdCompressor(threads=-1).copy_stream(source, sink)
    temporary.replace(target)
    path.unlink()
    return target


def decompressed(path: Path, folder: Path) -> Path:
    """Return the plain form of a ``.zstd`` file, in ``folder``."""
    target = folder / path.name.removesuffix('.zstd')
    with (
        path.open('rb') as source,
        target.open('wb') as sink,
        zstandard.ZstdDecompressor().stream_reader(source) as plain,
    ):
        shutil.copyfileobj(plain, sink, 1 << 20)
    return target


def _compress(data: bytes, *, level: int) -> bytes:
    return zstandard.ZstdCompressor(level=level).compress(data)

"""Write the files of a bag so that a crash loses at most the last moment."""

from __future__ import annotations

from dataclasses import dataclass
import os
from pathlib import Path
import shutil

from rosbags.interfaces import (
    Connection,
    ConnectionExtRosbag2,
    MessageDefinition,
    MessageDefinitionFormat,
    Qos,
)
from rosbags.rosbag2.metadata import dump_qos_v9
import yaml
import zstandard

from ros2_standin.bagging.metadata import BagFacts, FileFacts, VERSION
from ros2_standin.bagging.storages import McapFile, PRESETS, SqliteFile, STORAGES
from ros2_standin.bagging.types import Definition
from ros2_standin.errors import StandinError

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
        if self.storage == 'mcap' and self.compression_mode == 'message':
            raise StandinError(
                'the storage mcap does not take --compression-mode message, as in the real tool: '
                'use --storage-preset-profile zstd_fast'
            )


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
        self._file: McapFile | SqliteFile | None = None
        self._known: set[str] = set()

    def make_folder(self) -> None:
        """
        Make the folder.

        :raises StandinError: if it exists or cannot be made.
        """
        try:
            self.folder.mkdir(parents=True)
        except FileExistsError:
            raise StandinError(f"Output folder '{self.folder}' already exists.") from None
        except OSError as error:
            raise StandinError(
                f"Output folder '{self.folder}' cannot be made: {error.strerror}"
            ) from error

    def begin(self) -> None:
        """Make the first file; from here on all calls come from one thread."""
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
        self._opened.write(connection, stamp_ns, data)
        self.facts.note(connection.topic, stamp_ns)

    def flush(self) -> None:
        """Hand what was written to the system: a crash of this process does not lose it."""
        self._opened.flush()

    @property
    def file_size(self) -> int:
        """Bytes of the newest file."""
        return self._opened.size

    @property
    def newest(self) -> FileFacts:
        """What the newest file holds."""
        return self.facts.files[-1]

    def split(self) -> None:
        """Close the newest file and begin the next."""
        self.close()
        self._next_file()

    def close(self) -> None:
        """Close the newest file and write the metadata."""
        file = self._opened
        file.finish(VERSION, yaml.safe_dump(self.facts.as_dict(), sort_keys=False).strip())
        self._file = None
        if self._options.compression_mode == 'file':
            self.newest.name = compress_file(file.path).name
        self.facts.write(self.folder)

    def give_up(self) -> None:
        """Close what is open after an error; :mod:`mending` makes a bag of it."""
        if self._file is not None:
            self._file.give_up()
            self._file = None

    @property
    def _opened(self) -> McapFile | SqliteFile:
        if self._file is None:
            raise RuntimeError(f'{self.folder}: no file is open')
        return self._file

    def _next_file(self) -> None:
        name = f'{self.folder.name}_{len(self.facts.files)}'
        preset = PRESETS[self._options.storage][self._options.preset]
        self._file = STORAGES[self._options.storage](self.folder, name, preset)
        self.facts.files.append(FileFacts(self._file.path.name))
        self._known = set()
        for connection in self.facts.connections:
            self._introduce(connection)

    def _introduce(self, connection: Connection) -> None:
        if connection.msgtype not in self._known:
            self._opened.add_msgtype(connection)
            self._known.add(connection.msgtype)
        qos = dump_qos_v9(connection.ext.offered_qos_profiles)
        self._opened.add_connection(connection, yaml.safe_dump(qos, sort_keys=False).strip())


def compress_file(path: Path) -> Path:
    """Replace a file by its zstd compressed form; return that one's path."""
    target = path.with_name(f'{path.name}.zstd')
    temporary = path.with_name(f'.{path.name}.zstd.{os.getpid()}.partial')
    try:
        with path.open('rb') as source, temporary.open('wb') as sink:
            zstandard.ZstdCompressor(threads=-1).copy_stream(source, sink)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
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

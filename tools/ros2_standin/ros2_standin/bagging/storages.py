"""The two storages: writers of rosbags that can be flushed, measured and given up."""

from __future__ import annotations

from binascii import crc32
import contextlib
from dataclasses import dataclass
import functools
from pathlib import Path

from rosbags.rosbag2.enums import CompressionMode
from rosbags.rosbag2.storage_mcap import McapWriter
from rosbags.rosbag2.storage_sqlite3 import Sqlite3Writer
import zstandard

#: Where a chunk has its checksum: after opcode, length, both times and the plain size.
_CHECKSUM_AT = 1 + 8 + 8 + 8 + 8


@dataclass(frozen=True)
class Preset:
    """What a storage preset means; level 0 = chunks are not compressed."""

    level: int = 0
    checksums: bool = False


#: As in the real tool, only the slowest preset writes checksums.
PRESETS = {
    'mcap': {
        'none': Preset(),
        'fastwrite': Preset(),
        'zstd_fast': Preset(level=1),
        'zstd_small': Preset(level=19, checksums=True),
    },
    'sqlite3': {'none': Preset(), 'resilient': Preset()},
}

#: The least that a file may be split at; the real tool refuses less.
LEAST_SPLIT = {'mcap': 1024, 'sqlite3': 86016}


class _Place:
    """A folder in which the writers of rosbags name their file after something else."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self.name = name

    def __truediv__(self, name: str) -> Path:
        return self._folder / name


class McapFile(McapWriter):
    """An MCAP file."""

    def __init__(self, folder: Path, name: str, preset: Preset) -> None:
        mode = CompressionMode.STORAGE if preset.level else CompressionMode.NONE
        super().__init__(_Place(folder, name), mode)  # type: ignore[arg-type]
        if preset.level:
            self.compressor = functools.partial(_compress, level=preset.level)
        self._checksums = preset.checksums

    def close_chunk(self) -> None:
        """Write the pending chunk."""
        begin = self.bio.tell()
        checksum = crc32(self.chunk.bio.getbuffer())
        super().close_chunk()
        if self._checksums:
            end = self.bio.tell()
            self.bio.seek(begin + _CHECKSUM_AT)
            self.bio.write(checksum.to_bytes(4, 'little'))
            self.bio.seek(end)

    @property
    def size(self) -> int:
        """Bytes on the disk; what waits to be compressed does not count."""
        pending = 0 if self.compression else self.chunk.bio.tell()
        return self.bio.tell() + pending

    def flush(self) -> None:
        """Hand what was written to the system: a crash of this process does not lose it."""
        if self.chunk.msgs:
            self.close_chunk()
        self.bio.flush()

    def finish(self, version: int, metadata: str) -> None:
        """Close the file."""
        if self.chunk.bio.tell() and not self.chunk.msgs:
            # Topics without a message: times that a reader takes for real ones.
            self.chunk.message_start_time = 0
        if not sum(self.channel_stats.values()):
            self.message_start_time = 0
        self.close(version, metadata)

    def give_up(self) -> None:
        """Close the file as it is: after a failed write nothing more may be appended."""
        with contextlib.suppress(OSError):
            self.abort()


class SqliteFile(Sqlite3Writer):
    """A sqlite3 file; it belongs to the thread that made it."""

    def __init__(self, folder: Path, name: str, preset: Preset) -> None:
        super().__init__(_Place(folder, name), CompressionMode.NONE)  # type: ignore[arg-type]

    @property
    def size(self) -> int:
        """Bytes on the disk."""
        (pages,) = self.conn.execute('PRAGMA page_count').fetchone()
        (bytes_per_page,) = self.conn.execute('PRAGMA page_size').fetchone()
        return pages * bytes_per_page

    def flush(self) -> None:
        """Hand what was written to the system: a crash of this process does not lose it."""
        self.conn.commit()

    def finish(self, version: int, metadata: str) -> None:
        """Close the file."""
        self.close(version, metadata)

    def give_up(self) -> None:
        """Close the file as it is."""
        with contextlib.suppress(Exception):
            self.abort()


STORAGES: dict[str, type[McapFile] | type[SqliteFile]] = {
    'mcap': McapFile,
    'sqlite3': SqliteFile,
}


def _compress(data: bytes, *, level: int) -> bytes:
    return zstandard.ZstdCompressor(level=level).compress(data)

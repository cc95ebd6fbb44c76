"""Mend what a crash left: torn files are written anew up to their last whole record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
import os
from pathlib import Path
import shutil
import sqlite3
from typing import Any

from mcap.records import Channel, Chunk, McapRecord, Message, Schema
from mcap.stream_reader import breakup_chunk, StreamReader
from rosbags.interfaces import Connection
from rosbags.rosbag2.storage_mcap import get_qos, write_string

from ros2_standin.bagging.files import BagFiles, compress_file, StorageOptions
from ros2_standin.bagging.metadata import BagFacts, FileFacts
from ros2_standin.bagging.reading import (
    all_messages,
    bag_metadata,
    loose_files,
    open_file,
    storage_of,
    ZSTD_MAGIC,
)
from ros2_standin.bagging.types import Definition, digest_of
from ros2_standin.errors import StandinError

MAGIC = b'\x89MCAP0\r\n'
_ACCESS_MODES = os.O_WRONLY | os.O_RDWR


@dataclass
class Mended:
    """What came of it."""

    facts: BagFacts
    torn: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def reindex(folder: Path) -> Mended:
    """
    Mend the torn files of a bag and write its metadata anew.

    :raises StandinError: if there is nothing to read, or it is being written.
    """
    paths = loose_files(folder)
    if (number := writer_of(folder)) is not None:
        raise StandinError(f"'{folder}' is being written by process {number}: stop it first")
    mended = Mended(BagFacts(storage=storage_of(paths[0]), custom=_custom_data(folder)))
    paths = _without_leftovers(folder, paths)
    for path in paths:
        if not _make_whole(path, mended):
            mended.left_out.append(path.name)
    whole = [path for path in paths if path.name not in mended.left_out]
    if not whole:
        raise StandinError(f"'{folder}' was cut off before its first message: remove it")
    if any(path.suffix == '.zstd' for path in whole):
        mended.facts.compression_mode, mended.facts.compression_format = 'file', 'zstd'
        whole = [path if path.suffix == '.zstd' else compress_file(path) for path in whole]
    for path in whole:
        _count(path, mended.facts)
    mended.facts.write(folder)
    return mended


def writer_of(folder: Path) -> int | None:
    """Return the number of a process that has a file of this folder open for writing."""
    inside = f'{folder.resolve()}{os.sep}'
    for process in Path('/proc').glob('[0-9]*'):
        try:
            for entry in os.scandir(process / 'fd'):
                if not str(Path(entry.path).readlink()).startswith(inside):
                    continue
                facts = (process / 'fdinfo' / entry.name).read_text()
                flags = next(line for line in facts.splitlines() if line.startswith('flags:'))
                if int(flags.split()[1], 8) & _ACCESS_MODES:
                    return int(process.name)
        except (OSError, StopIteration, ValueError):
            continue  # ended meanwhile, or somebody else's
    return None


def is_torn(path: Path) -> bool:
    """Return whether an MCAP file does not end as a closed one does."""
    if path.suffix != '.mcap':
        return False
    with path.open('rb') as stream:
        stream.seek(0, os.SEEK_END)
        if stream.tell() < 2 * len(MAGIC):
            return True
        stream.seek(-len(MAGIC), os.SEEK_END)
        return stream.read() != MAGIC


def mend(path: Path) -> bool:
    """Write a torn MCAP file anew, compressed as it was; return whether it has any topics."""
    place = path.parent / f'.{path.stem}.{os.getpid()}.partial'
    chunked = next((r for r in _whole_records(path) if isinstance(r, Chunk)), None)
    preset = 'zstd_fast' if chunked is not None and chunked.compression else 'none'
    files = BagFiles(place, StorageOptions(preset=preset), {})
    files.make_folder()
    try:
        files.begin()
        made = place / files.newest.name
        files.newest.name = path.name
        if not _copy(_whole_records(path), files):
            return False
        files.close()
        made.replace(path)
        return True
    finally:
        files.give_up()
        shutil.rmtree(place)


def _without_leftovers(folder: Path, paths: list[Path]) -> list[Path]:
    """Remove what an interrupted step of this tool left; a file has one form, not two."""
    for path in folder.glob('.*.partial'):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    names = {path.name for path in paths}
    twice = [path for path in paths if f'{path.name}.zstd' in names]
    for path in twice:
        path.unlink()
    return [path for path in paths if path not in twice]


def _make_whole(path: Path, mended: Mended) -> bool:
    """Return whether a file has anything in it, once it is mended."""
    if path.suffix == '.db3':
        return _recover(path)
    if not is_torn(path):
        return True
    mended.torn.append(path.name)
    return mend(path)


def _whole_records(path: Path) -> Iterator[McapRecord]:
    """Yield the records, chunks in one piece before what is in them, until one is not whole."""
    with path.open('rb') as stream:
        limit = max(path.stat().st_size, 1)
        records = iter(
            StreamReader(stream, emit_chunks=True, record_size_limit=limit).records,
        )
        while True:
            try:
                record = next(records)
                inner = breakup_chunk(record, validate_crc=True) if _is_chunk(record) else []
            except OSError:
                raise
            except Exception:  # whatever the rest of a torn file makes of the parser
                return
            yield record
            yield from inner


def _is_chunk(record: Any) -> bool:
    return isinstance(record, Chunk)


def _copy(records: Iterator[McapRecord], files: BagFiles) -> int:
    """Write what can be read; return how many topics there are."""
    schemas: dict[int, Schema] = {}
    channels: dict[int, Connection] = {}
    for record in records:
        if isinstance(record, Schema):
            schemas[record.id] = record
        elif isinstance(record, Channel):
            if record.id not in channels and record.schema_id in schemas:
                channels[record.id] = _add(files, record, schemas[record.schema_id])
        elif isinstance(record, Message) and record.channel_id in channels:
            files.write(channels[record.channel_id], record.log_time, record.data)
    return len(channels)


def _add(files: BagFiles, channel: Channel, schema: Schema) -> Connection:
    qos = BytesIO()
    for key, value in channel.metadata.items():
        write_string(qos, key)
        write_string(qos, value)
    definition = Definition(name=schema.name, text=schema.data.decode(), digest='')
    return files.add_topic(channel.topic, definition, get_qos(qos.getvalue()))


def _recover(path: Path) -> bool:
    """Let sqlite roll back what was not committed; readers open files read-only."""
    connection = sqlite3.connect(path)
    try:
        (tables,) = connection.execute(
            "SELECT COUNT(*) FROM sqlite_master WHERE name IN ('messages', 'topics')"
        ).fetchone()
        return tables == 2
    except sqlite3.Error as error:
        raise StandinError(f"'{path}' cannot be read: {error}") from error
    finally:
        connection.close()


def _custom_data(folder: Path) -> dict[str, str]:
    """Return what earlier metadata has that the files do not."""
    try:
        return dict(bag_metadata(folder).get('custom_data') or {})
    except (StandinError, ValueError):
        return {}


def _count(path: Path, facts: BagFacts) -> None:
    facts.files.append(FileFacts(path.name))
    with open_file(path) as reader:
        for connection in reader.connections:
            digest = connection.digest or digest_of(connection.msgtype, connection.msgdef.data)
            facts.add(connection._replace(digest=digest))
        for connection, stamp_ns, data in all_messages(path, reader):
            facts.note(connection.topic, stamp_ns)
            if data[:4] == ZSTD_MAGIC:
                facts.compression_mode, facts.compression_format = 'message', 'zstd'

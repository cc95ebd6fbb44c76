"""Mend what a crash left: torn files are written anew up to their last whole record."""

from __future__ import annotations

import os
from pathlib import Path
import sqlite3

from mcap.records import Channel, Message, Schema
from mcap.stream_reader import StreamReader
from rosbags.interfaces import Connection
from rosbags.rosbag2.storage_mcap import get_qos, write_string

from ros2_standin.bagging.files import BagFiles, StorageOptions
from ros2_standin.bagging.metadata import BagFacts, FileFacts
from ros2_standin.bagging.reading import loose_files, open_file
from ros2_standin.bagging.types import Definition
from ros2_standin.errors import StandinError

MAGIC = b'\x89MCAP0\r\n'
_ZSTD_MAGIC = b'\x28\xb5\x2f\xfd'


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


def mend(path: Path) -> int:
    """
    Write a torn MCAP file anew; return how many messages it has.

    :raises StandinError: if nothing of it can be read.
    """
    place = path.parent / f'.{path.stem}.{os.getpid()}.partial'
    files = BagFiles(place, StorageOptions(), {})
    channels: dict[int, Connection] = {}
    files.open()
    try:
        for connection, stamp_ns, data in _whole_records(path, files, channels):
            files.write(connection, stamp_ns, data)
        count = files.facts.files[0].count
        if not channels:
            raise StandinError(f"'{path}' is cut off before its first message: remove it")
        files.close()
        (place / files.facts.files[0].name).replace(path)
    finally:
        for entry in place.iterdir():
            entry.unlink()
        place.rmdir()
    return count


def _whole_records(path: Path, files: BagFiles, channels: dict[int, Connection]):
    schemas: dict[int, Schema] = {}
    with path.open('rb') as stream:
        try:
            limit = max(path.stat().st_size, 1)
            for record in StreamReader(stream, record_size_limit=limit).records:
                if isinstance(record, Schema):
                    schemas[record.id] = record
                elif isinstance(record, Channel) and record.id not in channels:
                    channels[record.id] = _add(files, record, schemas[record.schema_id])
                elif isinstance(record, Message):
                    yield channels[record.channel_id], record.log_time, record.data
        except GeneratorExit:
            raise
        except OSError:
            raise
        except Exception:
            return


def _add(files: BagFiles, channel: Channel, schema: Schema) -> Connection:
    from io import BytesIO

    qos = BytesIO()
    for key, value in channel.metadata.items():
        write_string(qos, key)
        write_string(qos, value)
    definition = Definition(name=schema.name, text=schema.data.decode(), digest='')
    return files.add_topic(channel.topic, definition, get_qos(qos.getvalue()))


def reindex(folder: Path) -> BagFacts:
    """
    Mend the torn files of a bag and write its metadata anew; return what it has.

    :raises StandinError: if there is nothing to read.
    """
    paths = loose_files(folder)
    plain = paths[0].name.removesuffix('.zstd')
    facts = BagFacts(storage='mcap' if plain.endswith('.mcap') else 'sqlite3')
    if paths[0].suffix == '.zstd':
        facts.compression_mode, facts.compression_format = 'file', 'zstd'
    for path in paths:
        if is_torn(path):
            mend(path)
        elif path.suffix == '.db3':
            _recover(path)
        _count(path, facts)
    facts.write(folder)
    return facts


def _recover(path: Path) -> None:
    """Let sqlite roll back what was not committed; readers open files read-only."""
    try:
        with sqlite3.connect(path) as connection:
            connection.execute('SELECT COUNT(*) FROM messages').fetchone()
    except sqlite3.Error as error:
        raise StandinError(f"'{path}' cannot be read: {error}") from error


def _count(path: Path, facts: BagFacts) -> None:
    facts.files.append(FileFacts(path.name))
    with open_file(path) as reader:
        for connection in reader.connections:
            facts.add(connection)
        for connection, stamp_ns, data in reader.messages():
            facts.note(connection.topic, stamp_ns)
            if bytes(data[:4]) == _ZSTD_MAGIC:
                facts.compression_mode, facts.compression_format = 'message', 'zstd'

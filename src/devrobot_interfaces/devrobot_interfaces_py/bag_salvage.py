"""Read an MCAP file that was cut off, up to its last whole record, and tell who still writes."""

from collections import Counter
from collections.abc import Collection, Iterator
import os
from pathlib import Path
import time

from devrobot_interfaces_py.bag_errors import BagError, one_line
from mcap.records import Channel, McapRecord, Message, Schema
from mcap.stream_reader import StreamReader
from rosbags.interfaces import (
    Connection,
    ConnectionExtRosbag2,
    MessageDefinition,
    MessageDefinitionFormat,
)

FRESH_S = 2.0
_ACCESS_MODES = 0o3
_FORMATS = {'ros2msg': MessageDefinitionFormat.MSG, 'ros2idl': MessageDefinitionFormat.IDL}


class SalvagedMcap:
    """What a cut-off MCAP file still holds; the same surface as a reader of ``rosbags``."""

    def __init__(self, path: Path) -> None:
        """Name the file; ``open`` reads it once."""
        self._path = path
        self.connections: list[Connection] = []
        self.message_count = 0
        self.start_time = 2**63 - 1
        self.end_time = 0

    def open(self) -> None:
        """
        Find the topics and count the messages.

        :raises BagError: if not even the topics can be read.
        """
        schemas: dict[int, Schema] = {}
        channels: dict[int, Channel] = {}
        counts: Counter[int] = Counter()
        for record in self._records():
            if isinstance(record, Schema):
                schemas[record.id] = record
            elif isinstance(record, Channel):
                channels[record.id] = record
            elif isinstance(record, Message):
                counts[record.channel_id] += 1
                self.start_time = min(self.start_time, record.log_time)
                self.end_time = max(self.end_time, record.log_time + 1)
        self.message_count = counts.total()
        if not channels:
            raise BagError(f'{self._path}: cut off before the first message: nothing to recover')
        self.connections = [
            _connection(channel, schemas.get(channel.schema_id), counts[key], self)
            for key, channel in channels.items()
        ]

    def messages(
        self, connections: Collection[Connection]
    ) -> Iterator[tuple[Connection, int, bytes]]:
        """Yield connection, log time [ns] and bytes, in the order of the file."""
        wanted = {connection.id: connection for connection in connections}
        for record in self._records():
            if isinstance(record, Message) and record.channel_id in wanted:
                yield wanted[record.channel_id], record.log_time, record.data

    def close(self) -> None:
        """Nothing stays open."""

    def _records(self) -> Iterator[McapRecord]:
        """Yield records until the first that is not whole."""
        with self._path.open('rb') as stream:
            limit = max(self._path.stat().st_size, 1)
            try:
                yield from StreamReader(stream, record_size_limit=limit).records
            except GeneratorExit:
                raise
            except Exception as error:  # whatever the rest of a torn file makes of the parser
                self.reason = one_line(error)


def is_being_written(path: Path, now_s: float | None = None) -> bool:
    """Return whether a process has the file open for writing, or wrote it a moment ago."""
    if (time.time() if now_s is None else now_s) - path.stat().st_mtime < FRESH_S:
        return True
    target = str(path.resolve())
    return any(_has_open(process, target) for process in Path('/proc').glob('[0-9]*'))


def _has_open(process: Path, target: str) -> bool:
    try:
        for entry in os.scandir(process / 'fd'):
            if str(Path(entry.path).readlink()) == target:
                facts = (process / 'fdinfo' / entry.name).read_text()
                flags = next(line for line in facts.splitlines() if line.startswith('flags:'))
                if int(flags.split()[1], 8) & _ACCESS_MODES:
                    return True
    except (OSError, StopIteration, ValueError):
        return False  # ended meanwhile, or somebody else's
    return False


def _connection(
    channel: Channel, schema: Schema | None, count: int, owner: SalvagedMcap
) -> Connection:
    definition = MessageDefinition(MessageDefinitionFormat.NONE, '')
    if schema is not None and schema.encoding in _FORMATS:
        definition = MessageDefinition(_FORMATS[schema.encoding], schema.data.decode())
    return Connection(
        id=channel.id,
        topic=channel.topic,
        msgtype=schema.name if schema else '',
        msgdef=definition,
        digest='',
        msgcount=count,
        ext=ConnectionExtRosbag2(channel.message_encoding, []),
        owner=owner,
    )

"""``metadata.yaml`` of a bag, version 9, as ROS 2 Jazzy writes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
import os
from pathlib import Path
import re
from typing import Any

from rosbags.interfaces import Connection
from rosbags.rosbag2.metadata import dump_qos_v9
import yaml

VERSION = 9
NAME = 'metadata.yaml'
DISTRO = 'jazzy'
NEVER = 2**63 - 1


@dataclass
class FileFacts:
    """What one storage file holds."""

    name: str
    start_ns: int = NEVER
    end_ns: int = 0
    count: int = 0

    @property
    def duration_ns(self) -> int:
        """Time from the first to the last message."""
        return max(0, self.end_ns - self.start_ns) if self.count else 0


@dataclass
class BagFacts:
    """What a whole bag holds."""

    storage: str
    files: list[FileFacts] = field(default_factory=list)
    connections: list[Connection] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    compression_mode: str = ''
    compression_format: str = ''
    custom: dict[str, str] = field(default_factory=dict)

    def add(self, connection: Connection) -> None:
        """Note a topic, once."""
        if connection.topic not in self.counts:
            self.connections.append(connection)
            self.counts[connection.topic] = 0

    def note(self, topic: str, stamp_ns: int) -> None:
        """Count a message of the newest file."""
        current = self.files[-1]
        current.start_ns = min(current.start_ns, stamp_ns)
        current.end_ns = max(current.end_ns, stamp_ns)
        current.count += 1
        self.counts[topic] += 1

    def as_dict(self) -> dict[str, Any]:
        """Return what is below ``rosbag2_bagfile_information``."""
        filled = [file for file in self.files if file.count]
        start = min((file.start_ns for file in filled), default=0)
        end = max((file.end_ns for file in filled), default=start)
        return {
            'version': VERSION,
            'storage_identifier': self.storage,
            'duration': {'nanoseconds': end - start},
            'starting_time': {'nanoseconds_since_epoch': start},
            'message_count': sum(file.count for file in self.files),
            'topics_with_message_count': [self._topic(c) for c in self.connections],
            'compression_format': self.compression_format,
            'compression_mode': self.compression_mode,
            'relative_file_paths': [file.name for file in self.files],
            'files': [_file(file, start) for file in self.files],
            'custom_data': self.custom or None,
            'ros_distro': DISTRO,
        }

    def write(self, folder: Path) -> None:
        """Write the file through a temporary one."""
        text = yaml.safe_dump({'rosbag2_bagfile_information': self.as_dict()}, sort_keys=False)
        temporary = folder / f'.{NAME}.{os.getpid()}.partial'
        try:
            temporary.write_text(text, encoding='utf-8')
            temporary.replace(folder / NAME)
        finally:
            temporary.unlink(missing_ok=True)

    def _topic(self, connection: Connection) -> dict[str, Any]:
        return {
            'topic_metadata': {
                'name': connection.topic,
                'type': connection.msgtype,
                'serialization_format': connection.ext.serialization_format,
                'offered_qos_profiles': dump_qos_v9(connection.ext.offered_qos_profiles),
                'type_description_hash': connection.digest,
            },
            'message_count': self.counts[connection.topic],
        }


def _file(file: FileFacts, start: int) -> dict[str, Any]:
    return {
        'path': file.name,
        'starting_time': {
            'nanoseconds_since_epoch': file.start_ns if file.count else start,
        },
        'duration': {'nanoseconds': file.duration_ns},
        'message_count': file.count,
    }


def natural(path: Path) -> list[Any]:
    """Return a sorting key that puts ``bag_2`` before ``bag_10``."""
    return [int(part) if part.isdecimal() else part for part in re.split(r'(\d+)', path.name)]


def storage_files(folder: Path, suffixes: Sequence[str] = ('.mcap', '.db3')) -> list[Path]:
    """Return the storage files of a folder in the order in which they were written."""
    names = tuple(suffixes) + tuple(f'{suffix}.zstd' for suffix in suffixes)
    found = (path for path in folder.iterdir() if path.name.endswith(names))
    return sorted((path for path in found if not path.name.startswith('.')), key=natural)

"""Bags with numbered messages: written without ROS, read by the libraries that others use."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mcap.reader import make_reader
from ros2_standin.bagging.files import BagFiles, StorageOptions
from ros2_standin.bagging.types import Definition, Definitions
from rosbags.interfaces import (
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)
from rosbags.rosbag2 import Reader
from rosbags.typesys import get_typestore, Stores
import yaml

STRING = 'std_msgs/msg/String'
START_NS = 1_700_000_000_000_000_000
STEP_NS = 100_000_000
NEVER = QosTime(9223372036, 854775807)
TYPES = get_typestore(Stores.ROS2_JAZZY)


def quality(*, reliable: bool = True, latched: bool = False, depth: int = 10) -> Qos:
    """Return what a publisher offers."""
    return Qos(
        QosHistory.KEEP_LAST,
        depth,
        QosReliability.RELIABLE if reliable else QosReliability.BEST_EFFORT,
        QosDurability.TRANSIENT_LOCAL if latched else QosDurability.VOLATILE,
        NEVER,
        NEVER,
        QosLiveliness.AUTOMATIC,
        NEVER,
        False,
    )


def string(number: int, size: int = 0) -> bytes:
    """Return a serialised text that begins with a number."""
    text = f'{number} '.ljust(size, 'x')
    return bytes(TYPES.serialize_cdr(TYPES.types[STRING](data=text), STRING))


def number(data: bytes) -> int:
    """Return the number again."""
    return int(TYPES.deserialize_cdr(data, STRING).data.split(' ')[0])


def definition() -> Definition:
    """Return the definition of a text."""
    return Definitions().of(STRING)


def write(
    folder: Path,
    numbers: Iterable[int] = range(10),
    *,
    topics: dict[str, Qos] | None = None,
    splits: Iterable[int] = (),
    size: int = 0,
    closed: bool = True,
    custom: dict[str, str] | None = None,
    **options: str,
) -> BagFiles:
    """Write each number to each topic; new files begin with the numbers of ``splits``."""
    files = BagFiles(folder, StorageOptions(**options), custom or {})
    files.make_folder()
    files.begin()
    qualities = topics or {'/numbers': quality()}
    connections = [files.add_topic(t, definition(), [qos]) for t, qos in qualities.items()]
    for value in numbers:
        if value in splits:
            files.split()
        for connection in connections:
            files.write(connection, START_NS + value * STEP_NS, string(value, size))
    files.flush()
    if closed:
        files.close()
    return files


def read(path: Path, topic: str = '/numbers') -> list[int]:
    """Return the numbers of a topic, read by rosbags."""
    with Reader(path) as reader:
        wanted = [c for c in reader.connections if c.topic == topic]
        return [number(data) for _, _, data in reader.messages(wanted)] if wanted else []


def read_mcap(path: Path, topic: str = '/numbers') -> list[int]:
    """Return the numbers of a file, read by the mcap package with all checks that it has."""
    with path.open('rb') as stream:
        reader = make_reader(stream, validate_crcs=True)
        summary = reader.get_summary()
        assert summary is not None and summary.statistics is not None
        messages = list(reader.iter_messages())
        assert summary.statistics.message_count == len(messages)
        assert all(schema.encoding == 'ros2msg' for schema, _, _ in messages)
        return [number(m.data) for _, channel, m in messages if channel.topic == topic]


def metadata(folder: Path) -> dict[str, Any]:
    """Return what is below the one key of ``metadata.yaml``."""
    (facts,) = yaml.safe_load((folder / 'metadata.yaml').read_text()).values()
    return facts

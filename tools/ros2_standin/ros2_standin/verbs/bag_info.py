"""``ros2 bag info``: what is in a bag."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from ros2_standin.bagging.reading import bag_files, bag_metadata
from ros2_standin.errors import StandinError
from ros2_standin.verbs.bag_options import Parser, warn_of_unlisted

INDENT = 19
NS = 1_000_000_000
_UNITS = ('B', 'KiB', 'MiB', 'GiB', 'TiB')


def build_parser() -> Parser:
    """Return the parser of ``ros2 bag info``."""
    parser = Parser(
        prog='ros2 bag info',
        description='Print information about a bag',
        epilog='example: ros2 bag info saved/sessions/toroidal_dot/monday',
    )
    parser.add_argument('bag_path', type=Path, help='folder of the bag, or a storage file')
    parser.add_argument(
        '-t', '--topic-name', action='store_true', help='print only the names of the topics'
    )
    parser.add_argument(
        '-v', '--verbose', action='store_true', help='accepted: more is said of services only'
    )
    parser.add_argument(
        '-s', '--storage', choices=('mcap', 'sqlite3'), help='accepted: told by the metadata'
    )
    return parser


def info(argv: Sequence[str]) -> int:
    """Print what the metadata says."""
    arguments = build_parser().parse_args(argv)
    facts = bag_metadata(arguments.bag_path)
    warn_of_unlisted(arguments.bag_path, facts)
    if arguments.topic_name:
        for topic in facts['topics_with_message_count']:
            print(topic['topic_metadata']['name'])
        return 0
    size = sum(path.stat().st_size for path in bag_files(arguments.bag_path))
    try:
        print(text_of(facts, size))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise StandinError(
            f"the metadata of '{arguments.bag_path}' cannot be read: "
            f'{type(error).__name__}: {error}; ros2 bag reindex writes it anew'
        ) from error
    return 0


def text_of(facts: dict[str, Any], size: int) -> str:
    """Return what the real tool prints of a bag of ``size`` bytes."""
    start = facts['starting_time']['nanoseconds_since_epoch']
    duration = facts['duration']['nanoseconds']
    rows = [
        ('Files', ('\n' + ' ' * INDENT).join(facts['relative_file_paths'])),
        ('Bag size', readable(size)),
        ('Storage id', facts['storage_identifier']),
        ('ROS Distro', facts.get('ros_distro') or 'unknown'),
        ('Duration', f'{duration // NS}.{duration % NS:09d}s'),
        ('Start', moment(start)),
        ('End', moment(start + duration)),
        ('Messages', str(facts['message_count'])),
        ('Topic information', _topics(facts)),
        ('Service', '0'),
        ('Service information', ''),
    ]
    lines = (f'{name + ":":{INDENT}}{value}' for name, value in rows)
    return '\n' + '\n'.join(lines) + '\n'


def readable(size: int) -> str:
    """Return a number of bytes for people."""
    value, unit = float(size), 0
    while value >= 1024 and unit + 1 < len(_UNITS):
        value, unit = value / 1024, unit + 1
    return f'{size} {_UNITS[0]}' if unit == 0 else f'{value:.1f} {_UNITS[unit]}'


def moment(stamp_ns: int) -> str:
    """Return a time as the real tool prints it."""
    seconds, rest = divmod(stamp_ns, NS)
    when = datetime.fromtimestamp(seconds)
    return f'{when:%b %e %Y %H:%M:%S}.{rest:09d} ({seconds}.{rest:09d})'


def _topics(facts: dict[str, Any]) -> str:
    lines = []
    for topic in facts['topics_with_message_count']:
        data = topic['topic_metadata']
        lines.append(
            f'Topic: {data["name"]} | Type: {data["type"]} | '
            f'Count: {topic["message_count"]} | '
            f'Serialization Format: {data["serialization_format"]}'
        )
    return ('\n' + ' ' * INDENT).join(lines)

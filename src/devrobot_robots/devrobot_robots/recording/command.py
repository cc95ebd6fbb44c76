"""The command line of ``ros2 bag record``: the same one on every machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
import shutil

from devrobot_interfaces_py import topics
from devrobot_interfaces_py.actions import SessionInfo
from devrobot_robots.recording.config import RecorderConfig


class CommandError(RuntimeError):
    """There is nothing that could record."""


@dataclass(frozen=True, kw_only=True)
class RecordedTopics:
    """
    What goes into the bag, by absolute names.

    :param needed: without them the bag is no session.
    :param other: recorded from when they appear.
    """

    needed: tuple[str, ...]
    other: tuple[str, ...]

    @property
    def all(self) -> tuple[str, ...]:
        """All topics, each once."""
        return tuple(dict.fromkeys(self.needed + self.other))


def choose_topics(
    session: SessionInfo, *, namespace: str, images: str, extra_topics: Sequence[str]
) -> RecordedTopics:
    """
    Return the topics of a session.

    :param namespace: absolute name of the robot's namespace, for example ``/toroidal_dot``.
    :param images: raw, compressed or both.
    :param extra_topics: absolute names.
    :raises ValueError: if the session names no image topics.
    """
    if not session.image_topics:
        raise ValueError(f'session_info of {session.robot_name} names no image topics')
    suffixes = {
        'raw': ('',),
        'compressed': (topics.COMPRESSED_SUFFIX,),
        'both': ('', topics.COMPRESSED_SUFFIX),
    }[images]
    base = namespace.rstrip('/')
    facts = (topics.ACTION_SPACE, topics.ACTION_EVENTS, topics.SESSION_INFO)
    return RecordedTopics(
        needed=(
            *(topic + suffix for topic in session.image_topics for suffix in suffixes),
            *(f'{base}/{name}' for name in facts),
        ),
        other=(
            *(
                f'{topic.rpartition("/")[0]}/{topics.CAMERA_INFO}'
                for topic in session.image_topics
            ),
            *extra_topics,
        ),
    )


def find_ros2() -> str:
    """
    Return the path of the ``ros2`` command.

    :raises CommandError: if there is none.
    """
    path = shutil.which('ros2')
    if path is None:
        raise CommandError('there is no ros2 command: source ROS 2, or use ./devrobot shell')
    return path


def record_command(
    ros2: str,
    bag: Path,
    recorded: RecordedTopics,
    config: RecorderConfig,
    *,
    node_name: str,
    use_sim_time: bool = False,
) -> list[str]:
    """Return the argv that records into the new folder ``bag``."""
    command = [ros2, 'bag', 'record', '--output', str(bag), '--storage', config.storage]
    if config.storage == 'mcap':
        command += ['--storage-preset-profile', config.storage_preset]
    command += ['--node-name', node_name, '--custom-data', f'session_id={bag.name}']
    if use_sim_time:
        command.append('--use-sim-time')
    return [*command, '--topics', *recorded.all]

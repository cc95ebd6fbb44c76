"""``ros2 bag play``: publish what was recorded, at the pace at which it came."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
import contextlib
import os
from pathlib import Path
import re
import signal
import time
from typing import Any

from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node

from ros2_standin.bagging.qualities import for_playing
from ros2_standin.bagging.reading import connections_of, Message, messages_of
from ros2_standin.errors import StandinError
from ros2_standin.graph import full_name
from ros2_standin.messages import load_interface

SLICE_S = 0.05
ACKNOWLEDGED_S = 2.0


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of ``ros2 bag play``."""
    parser = argparse.ArgumentParser(
        prog='ros2 bag play',
        description='Play back ROS data from a bag',
        epilog='example: ros2 bag play monday -r 2.0 --topics /toroidal_dot/image_raw',
    )
    parser.add_argument('bag_path', type=Path, help='bag to play')
    parser.add_argument('-r', '--rate', type=float, default=1.0, help='speed; above 0')
    parser.add_argument('-l', '--loop', action='store_true', help='begin again at the end')
    parser.add_argument('-d', '--delay', type=float, default=0.0, help='sleep before play [s]')
    parser.add_argument('--topics', nargs='+', default=[], help='play only these')
    parser.add_argument('-e', '--regex', default='', help='play only topics that match')
    parser.add_argument('-x', '--exclude-regex', default='', help='leave out what matches')
    parser.add_argument('--exclude-topics', nargs='+', default=[], help='leave these out')
    parser.add_argument(
        '-m', '--remap', nargs='+', default=[], metavar='OLD:=NEW', help='other topic names'
    )
    parser.add_argument('--start-offset', type=float, default=0.0, help='begin so far in [s]')
    parser.add_argument(
        '--playback-duration',
        type=float,
        default=-1.0,
        help='end after so long [s]; -1: at the end',
    )
    parser.add_argument(
        '--clock', type=float, nargs='?', const=40.0, default=0.0, help='publish /clock [Hz]'
    )
    parser.add_argument(
        '--wait-for-all-acked',
        type=int,
        default=-1,
        metavar='MS',
        help='wait so long for subscribers at the end; -1: not',
    )
    parser.add_argument('--disable-keyboard-controls', action='store_true', help='accepted')
    parser.add_argument('-s', '--storage', choices=('mcap', 'sqlite3'), help='accepted')
    return parser


def remapping(pairs: Sequence[str]) -> dict[str, str]:
    """
    Return ``/old:=/new`` texts as a dictionary.

    :raises StandinError: if one is no such pair.
    """
    found = {}
    for pair in pairs:
        old, mark, new = pair.partition(':=')
        if not (old and mark and new):
            raise StandinError(f"--remap '{pair}' is not OLD:=NEW")
        found[full_name(old)] = full_name(new)
    return found


def play(argv: Sequence[str]) -> int:
    """Play a bag until its end or a signal."""
    arguments = build_parser().parse_args(argv)
    if not arguments.rate > 0:
        raise StandinError(f'--rate is {arguments.rate:g}, must be above 0')
    names = remapping(arguments.remap)
    chosen = [c for c in connections_of(arguments.bag_path) if _wanted(c.topic, arguments)]
    if not chosen:
        raise StandinError(f"no topic of '{arguments.bag_path}' is to be played")
    stopped: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: stopped.append(number))
    with _node() as (node, executor):
        player = Player(node, executor, arguments, stopped)
        for connection in chosen:
            player.add(connection, names.get(connection.topic, connection.topic))
        player.wait(arguments.delay)
        player.run()
    return 0


def _wanted(topic: str, arguments: argparse.Namespace) -> bool:
    if topic in {full_name(name) for name in arguments.exclude_topics}:
        return False
    if arguments.exclude_regex and re.search(arguments.exclude_regex, topic):
        return False
    listed = {full_name(name) for name in arguments.topics}
    if not listed and not arguments.regex:
        return True
    return topic in listed or bool(arguments.regex and re.search(arguments.regex, topic))


class Player:
    """Publishes serialised messages; a node spins in between."""

    def __init__(
        self,
        node: Node,
        executor: SingleThreadedExecutor,
        arguments: argparse.Namespace,
        stopped: list[int],
    ) -> None:
        self._node = node
        self._executor = executor
        self._arguments = arguments
        self._stopped = stopped
        self._publishers: dict[str, Any] = {}
        self._clock: Any = None
        self._clock_at = 0.0
        self._say = node.get_logger().info

    def add(self, connection: Any, name: str) -> None:
        """Offer a topic."""
        kind = load_interface(connection.msgtype, 'msg')
        profile = for_playing(connection.ext.offered_qos_profiles)
        self._publishers[connection.topic] = self._node.create_publisher(kind, name, profile)

    def run(self) -> None:
        """Publish all messages, again and again with ``--loop``."""
        if self._arguments.clock:
            self._clock = self._node.create_publisher(
                load_interface('rosgraph_msgs/msg/Clock', 'msg'), '/clock', 10
            )
        while not self._stopped:
            self._play_once()
            if not self._arguments.loop:
                break
        if self._arguments.wait_for_all_acked >= 0 and not self._stopped:
            self._acknowledge(self._arguments.wait_for_all_acked / 1000)

    def wait(self, seconds: float) -> None:
        """Let time pass, unless a signal comes."""
        end = time.monotonic() + seconds
        while not self._stopped and (left := end - time.monotonic()) > 0:
            if left > SLICE_S / 10:
                self._executor.spin_once(timeout_sec=min(left, SLICE_S) / 2)

    def _play_once(self) -> None:
        first: int | None = None
        begin = time.monotonic()
        offset = self._arguments.start_offset
        for message in messages_of(self._arguments.bag_path, frozenset(self._publishers)):
            first = message.stamp_ns if first is None else first
            since = (message.stamp_ns - first) / 1e9 - offset
            if since < 0:
                continue
            if 0 <= self._arguments.playback_duration < since:
                break
            while not self._stopped and time.monotonic() < begin + since / self._arguments.rate:
                self.wait(min(SLICE_S, begin + since / self._arguments.rate - time.monotonic()))
                self._tick(first, begin)
            if self._stopped:
                return
            self._publish(message)
            self._tick(first, begin)

    def _publish(self, message: Message) -> None:
        self._publishers[message.connection.topic].publish(message.data)

    def _tick(self, first: int, begin: float) -> None:
        """Publish the time of the bag, as often as asked for."""
        now = time.monotonic()
        if self._clock is None or now < self._clock_at:
            return
        self._clock_at = now + 1 / self._arguments.clock
        offset = self._arguments.start_offset + (now - begin) * self._arguments.rate
        stamp = first + int(offset * 1e9)
        message = self._clock.msg_type()
        message.clock.sec, message.clock.nanosec = divmod(stamp, 1_000_000_000)
        self._clock.publish(message)

    def _acknowledge(self, seconds: float) -> None:
        from rclpy.duration import Duration

        for publisher in self._publishers.values():
            publisher.wait_for_all_acked(Duration(seconds=seconds or ACKNOWLEDGED_S))


@contextlib.contextmanager
def _node() -> Iterator[tuple[Node, SingleThreadedExecutor]]:
    context = Context()
    context.init(args=[])
    node = Node(
        f'rosbag2_player_{os.getpid()}',
        context=context,
        use_global_arguments=False,
        enable_rosout=False,
    )
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    try:
        yield node, executor
    finally:
        executor.shutdown()
        node.destroy_node()
        context.try_shutdown()

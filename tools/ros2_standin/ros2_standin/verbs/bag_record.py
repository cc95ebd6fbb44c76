"""``ros2 bag record``: write the messages of topics into a bag."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
import re
import signal
import sys
import time

from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter

from ros2_standin.bagging.files import (
    BagFiles,
    COMPRESSION_MODES,
    PRESETS,
    StorageOptions,
    STORAGES,
)
from ros2_standin.bagging.recording import Choice, Limits, Recorder
from ros2_standin.errors import StandinError
from ros2_standin.graph import full_name

DISCOVERY_S = 0.1


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of ``ros2 bag record``."""
    parser = argparse.ArgumentParser(
        prog='ros2 bag record',
        description='Record ROS data to a bag',
        epilog='example: ros2 bag record -s mcap -o monday /camera/image_raw /action_events',
    )
    parser.add_argument('topics', nargs='*', help='topics to record')
    parser.add_argument('--topics', nargs='+', dest='more_topics', default=[], metavar='TOPIC')
    parser.add_argument('-a', '--all', action='store_true', help='record all topics')
    parser.add_argument('--all-topics', action='store_true', help='record all topics')
    parser.add_argument('-e', '--regex', default='', help='record topics that match')
    parser.add_argument('--exclude-regex', default='', help='do not record topics that match')
    parser.add_argument('--exclude-topics', nargs='+', default=[], metavar='TOPIC')
    parser.add_argument('--include-hidden-topics', action='store_true')
    parser.add_argument(
        '-o', '--output', type=Path, help='folder of the bag (default: rosbag2_ and the time)'
    )
    parser.add_argument('-s', '--storage', choices=tuple(STORAGES), default='mcap')
    parser.add_argument(
        '--storage-preset-profile',
        default='none',
        metavar='PROFILE',
        help='; '.join(f'{name}: {", ".join(known)}' for name, known in PRESETS.items()),
    )
    parser.add_argument('--compression-mode', choices=COMPRESSION_MODES, default='none')
    parser.add_argument('--compression-format', choices=('', 'zstd'), default='')
    parser.add_argument(
        '-b', '--max-bag-size', type=int, default=0, metavar='BYTES', help='split files by size'
    )
    parser.add_argument(
        '-d', '--max-bag-duration', type=int, default=0, metavar='S', help='split files by time'
    )
    parser.add_argument(
        '--max-cache-size',
        type=int,
        default=100 * 1024 * 1024,
        metavar='BYTES',
        help='how much may wait to be written; what does not fit is dropped and counted',
    )
    parser.add_argument('--use-sim-time', action='store_true')
    parser.add_argument('--node-name', default='rosbag2_recorder')
    parser.add_argument('--custom-data', nargs='+', default=[], metavar='KEY=VALUE')
    return parser


def choice_from(arguments: argparse.Namespace) -> Choice:
    """
    Return which topics are wanted.

    :raises StandinError: if none are, or an expression is not one.
    """
    topics = tuple(full_name(name) for name in (*arguments.topics, *arguments.more_topics))
    everything = arguments.all or arguments.all_topics
    if not (everything or topics or arguments.regex):
        raise StandinError('Must specify only one option out of --all, topics or --regex')
    if everything and topics:
        raise StandinError('--all and topics exclude each other')
    for text in (arguments.regex, arguments.exclude_regex):
        try:
            re.compile(text)
        except re.error as error:
            raise StandinError(f"'{text}' is no regular expression: {error}") from error
    return Choice(
        everything=everything,
        topics=topics,
        regex=arguments.regex,
        exclude_regex=arguments.exclude_regex,
        exclude_topics=tuple(full_name(name) for name in arguments.exclude_topics),
        hidden=arguments.include_hidden_topics,
    )


def custom_data(pairs: Sequence[str]) -> dict[str, str]:
    """
    Return ``KEY=VALUE`` texts as a dictionary.

    :raises StandinError: if one has no ``=``.
    """
    wrong = [pair for pair in pairs if '=' not in pair]
    if wrong:
        raise StandinError(f"--custom-data '{wrong[0]}' is not KEY=VALUE")
    return dict(pair.split('=', 1) for pair in pairs)


def record(argv: Sequence[str]) -> int:
    """Record until a signal comes."""
    arguments = build_parser().parse_args(argv)
    choice = choice_from(arguments)
    if arguments.compression_mode != 'none' and arguments.compression_format != 'zstd':
        raise StandinError('--compression-mode needs --compression-format zstd')
    options = StorageOptions(
        storage=arguments.storage,
        preset=arguments.storage_preset_profile,
        compression_mode=arguments.compression_mode,
    )
    limits = Limits(
        file_bytes=arguments.max_bag_size,
        file_ns=arguments.max_bag_duration * 1_000_000_000,
        cache_bytes=arguments.max_cache_size,
    )
    folder = arguments.output or Path(f'rosbag2_{datetime.now():%Y_%m_%d-%H_%M_%S}')
    files = BagFiles(folder, options, custom_data(arguments.custom_data))
    stopped: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: stopped.append(number))
    files.open()
    return _run(arguments, files, choice, limits, stopped)


def _run(
    arguments: argparse.Namespace,
    files: BagFiles,
    choice: Choice,
    limits: Limits,
    stopped: list[int],
) -> int:
    context = Context()
    context.init(args=[])
    node = Node(
        arguments.node_name,
        context=context,
        use_global_arguments=False,
        enable_rosout=False,
        parameter_overrides=[Parameter('use_sim_time', value=arguments.use_sim_time)],
    )
    say = node.get_logger().info
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    recorder = Recorder(node, files, choice, limits, say)
    recorder.start()
    say('Listening for topics...')
    say('Recording...')
    looked = 0.0
    try:
        while not stopped:
            if time.monotonic() - looked >= DISCOVERY_S:
                recorder.discover()
                looked = time.monotonic()
            executor.spin_once(timeout_sec=DISCOVERY_S / 2)
        # What has arrived already belongs to the recording.
        end = time.monotonic() + DISCOVERY_S
        while time.monotonic() < end:
            executor.spin_once(timeout_sec=0.0)
    finally:
        try:
            recorder.stop()
        finally:
            executor.shutdown()
            node.destroy_node()
            context.try_shutdown()
    if recorder.dropped:
        print(
            f'[WARNING] {recorder.dropped} messages were dropped: the disk was too slow; '
            'raise --max-cache-size',
            file=sys.stderr,
        )
    return 0

"""``ros2 bag record``: write the messages of topics into a bag."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import datetime
import math
from pathlib import Path
import time

from rclpy.executors import SingleThreadedExecutor

from ros2_standin.bagging.files import BagFiles, COMPRESSION_MODES, StorageOptions
from ros2_standin.bagging.node import bag_node
from ros2_standin.bagging.recording import Choice, Limits, Recorder
from ros2_standin.bagging.storages import LEAST_SPLIT, PRESETS
from ros2_standin.errors import StandinError
from ros2_standin.graph import full_name
from ros2_standin.verbs.bag_options import (
    add_log_level,
    not_negative_integer,
    Parser,
    regular_expression,
    stop_signals,
    warn,
)

SPIN_S = 0.05
#: What was sent before the signal belongs to the recording, if it takes no longer. On a busy
#: machine messages are under way for up to 0.3 s.
LAST_S, SILENCE_S = 2.0, 0.4


def build_parser() -> Parser:
    """Return the parser of ``ros2 bag record``."""
    parser = Parser(
        prog='ros2 bag record',
        description='Record ROS data to a bag',
        epilog='example: ros2 bag record -o monday --topics /camera/image_raw /action_events',
    )
    add = parser.add_argument
    add('topics_positional', nargs='*', metavar='TOPIC', help='topics to record (deprecated)')
    add('-o', '--output', type=Path, help='folder of the bag (default: rosbag2_ and the time)')
    _add_choice(parser)
    _add_storage(parser)
    add('--use-sim-time', action='store_true', help='stamp messages with /clock')
    add('--node-name', default='rosbag2_recorder')
    add('--custom-data', nargs='*', default=[], metavar='KEY=VALUE', help='into metadata.yaml')
    add('--disable-keyboard-controls', action='store_true', help='accepted: there are none')
    add_log_level(parser)
    parser.leave_to_real_ros2(
        ['--services'],
        ['--all-services'],
        ['--exclude-services'],
        ['--no-discovery'],
        ['--include-unpublished-topics'],
        ['--ignore-leaf-topics'],
        ['--start-paused'],
        ['--snapshot-mode'],
        ['--qos-profile-overrides-path'],
        ['--storage-config-file'],
        ['-f', '--serialization-format'],
    )
    return parser


def _add_choice(parser: Parser) -> None:
    add = parser.add_argument
    add('--topics', nargs='+', default=[], metavar='TOPIC', help='topics to record')
    add('--topic-types', nargs='+', default=[], metavar='TYPE', help='topics of these types')
    add('-a', '--all', action='store_true', help='all topics, but no hidden ones')
    add('--all-topics', action='store_true', help='the same')
    add('-e', '--regex', type=regular_expression, default='', help='topics that contain it')
    add('--exclude-regex', type=regular_expression, default='', help='no topics that contain it')
    add('--exclude-topics', nargs='+', default=[], metavar='TOPIC')
    add('--exclude-topic-types', nargs='+', default=[], metavar='TYPE')
    add('--include-hidden-topics', action='store_true', help='those with an underscore, too')
    add(
        '-p',
        '--polling-interval',
        type=not_negative_integer,
        default=100,
        metavar='MS',
        help='look for topics so often',
    )


def _add_storage(parser: Parser) -> None:
    add = parser.add_argument
    integer = not_negative_integer
    profiles = '; '.join(f'{name}: {", ".join(known)}' for name, known in PRESETS.items())
    add('-s', '--storage', choices=tuple(PRESETS), default='mcap')
    add('--storage-preset-profile', default='none', metavar='PROFILE', help=profiles)
    add('--compression-mode', choices=COMPRESSION_MODES, default='none')
    add('--compression-format', choices=('', 'zstd'), default='', help='needed with a mode')
    for name in ('--compression-queue-size', '--compression-threads'):
        add(name, type=integer, default=0, metavar='N', help='accepted, no effect')
    add('--compression-threads-priority', type=int, metavar='N', help='accepted, no effect')
    add('-b', '--max-bag-size', type=integer, default=0, metavar='BYTES', help='split by size')
    add('-d', '--max-bag-duration', type=integer, default=0, metavar='S', help='split by time')
    add(
        '--max-cache-size',
        type=integer,
        default=100 * 1024 * 1024,
        metavar='BYTES',
        help='what may wait to be written; what does not fit is dropped and counted; 0: no limit',
    )


def choice_from(arguments: argparse.Namespace) -> Choice:
    """
    Return which topics are wanted.

    :raises StandinError: if none are, or there is nothing from which to exclude.
    """
    topics = tuple(full_name(n) for n in (*arguments.topics_positional, *arguments.topics))
    everything = arguments.all or arguments.all_topics
    if not (everything or topics or arguments.topic_types or arguments.regex):
        raise StandinError(
            'Need to specify at least one option out of --all, --all-topics, --topics, '
            '--topic-types or --regex'
        )
    for name in ('exclude_regex', 'exclude_topics', 'exclude_topic_types'):
        if getattr(arguments, name) and not (
            everything or arguments.topic_types or arguments.regex
        ):
            raise StandinError(
                f'--{name.replace("_", "-")} argument requires either --all, --all-topics, '
                '--topic-types or --regex'
            )
    return Choice(
        everything=everything,
        topics=topics,
        types=tuple(arguments.topic_types),
        regex=arguments.regex,
        exclude_regex=arguments.exclude_regex,
        exclude_topics=tuple(full_name(name) for name in arguments.exclude_topics),
        exclude_types=tuple(arguments.exclude_topic_types),
        hidden=arguments.include_hidden_topics,
    )


def storage_from(arguments: argparse.Namespace) -> StorageOptions:
    """
    Return how messages are stored.

    :raises StandinError: if options do not fit each other.
    """
    if arguments.compression_mode != 'none' and not arguments.compression_format:
        raise StandinError('--compression-mode needs --compression-format zstd')
    if arguments.compression_mode == 'none' and arguments.compression_format:
        raise StandinError(
            'Invalid choice: Cannot specify compression format without a compression mode.'
        )
    least = LEAST_SPLIT[arguments.storage]
    if 0 < arguments.max_bag_size < least:
        raise StandinError(
            f'--max-bag-size is {arguments.max_bag_size}, must be at least {least} '
            f'with the storage {arguments.storage}'
        )
    return StorageOptions(
        storage=arguments.storage,
        preset=arguments.storage_preset_profile,
        compression_mode=arguments.compression_mode,
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
    stopped = stop_signals()
    arguments = build_parser().parse_args(argv)
    folder = arguments.output or Path(f'rosbag2_{datetime.now():%Y_%m_%d-%H_%M_%S}')
    files = BagFiles(folder, storage_from(arguments), custom_data(arguments.custom_data))
    choice = choice_from(arguments)
    limits = Limits(
        file_bytes=arguments.max_bag_size,
        file_ns=arguments.max_bag_duration * 1_000_000_000,
        cache_bytes=arguments.max_cache_size,
    )
    _warn(arguments)
    sim_time = arguments.use_sim_time
    with bag_node(arguments.node_name, log_level=arguments.log_level, sim_time=sim_time) as (
        node,
        executor,
    ):
        recorder = Recorder(node, files, choice, limits, sim_time=sim_time)
        files.make_folder()
        recorder.start()
        try:
            _spin(recorder, executor, stopped, arguments.polling_interval / 1000)
        finally:
            recorder.stop()
        node.get_logger().info('Recording stopped')
        if recorder.dropped:
            warn(
                f'{recorder.dropped} messages were dropped: they came faster than they could be '
                'written; raise --max-cache-size'
            )
    return 0


def _spin(
    recorder: Recorder, executor: SingleThreadedExecutor, stopped: list[int], interval_s: float
) -> None:
    (node,) = executor.get_nodes()
    say = node.get_logger().info
    say('Listening for topics...')
    say('Recording...')
    due = time.monotonic()
    slice_s = min(SPIN_S, max(interval_s, 0.001))
    while not stopped:
        recorder.check()
        if time.monotonic() >= due:
            recorder.discover()
            due = time.monotonic() + interval_s
            if recorder.is_complete:
                due = math.inf
                say('All requested topics are subscribed. Stopping discovery...')
        executor.spin_once(timeout_sec=slice_s)
    _take_the_rest(recorder, executor)


def _take_the_rest(recorder: Recorder, executor: SingleThreadedExecutor) -> None:
    began = heard = time.monotonic()
    while (now := time.monotonic()) < min(began + LAST_S, heard + SILENCE_S):
        before = recorder.received
        executor.spin_once(timeout_sec=SPIN_S)
        if recorder.received != before:
            heard = now


def _warn(arguments: argparse.Namespace) -> None:
    """Say what the real tool says of options that go without effect."""
    if arguments.topics_positional:
        warn(
            'Positional "topics" argument deprecated. Please use optional "--topics" argument '
            'instead.'
        )
    if arguments.all or arguments.all_topics:
        if arguments.topics or arguments.topics_positional:
            warn('--all or --all-topics will override --topics')
        if arguments.regex:
            warn('--all, --all-topics or --all-services will override --regex')

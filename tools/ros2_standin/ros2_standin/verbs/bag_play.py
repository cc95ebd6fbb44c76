"""``ros2 bag play``: publish what was recorded, at the pace at which it came."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
import math
import os
from pathlib import Path
import re

from ros2_standin.bagging.node import bag_node
from ros2_standin.bagging.playing import CLOCK_TOPIC, Pace, Player
from ros2_standin.bagging.reading import bag_files, bag_metadata, topics_of
from ros2_standin.errors import StandinError
from ros2_standin.graph import full_name
from ros2_standin.verbs.bag_options import (
    add_log_level,
    not_negative,
    not_negative_integer,
    Parser,
    positive,
    regular_expression,
    stop_signals,
    warn_of_unlisted,
)


def build_parser() -> Parser:
    """Return the parser of ``ros2 bag play``."""
    parser = Parser(
        prog='ros2 bag play',
        description='Play back ROS data from a bag',
        epilog='example: ros2 bag play monday -r 2.0 --topics /toroidal_dot/image_raw',
    )
    add = parser.add_argument
    add('bag_path', type=Path, nargs='?', help='bag to play: a folder or a storage file')
    add('-i', '--input', nargs='+', action='append', metavar='BAG', help='the same, once')
    add('--topics', nargs='+', default=[], metavar='TOPIC', help='play only these')
    add('-e', '--regex', type=regular_expression, default='', help='play what contains it')
    add('-x', '--exclude-regex', type=regular_expression, default='', help='leave out such')
    add('--exclude-topics', nargs='+', default=[], metavar='TOPIC', help='leave these out')
    add('-m', '--remap', nargs='+', default=[], metavar='OLD:=NEW', help='other topic names')
    _add_pace(parser)
    add(
        '--wait-for-all-acked',
        type=not_negative_integer,
        metavar='MS',
        help='wait so long for subscribers at the end; 0: without limit',
    )
    for name in ('--disable-keyboard-controls', '--disable-loan-message'):
        add(name, action='store_true', help='accepted: there are none')
    add('--read-ahead-queue-size', type=not_negative_integer, help='accepted, no effect')
    add('-s', '--storage', choices=('mcap', 'sqlite3'), help='accepted: told by the bag')
    add_log_level(parser)
    parser.leave_to_real_ros2(
        ['-p', '--start-paused'],
        ['--services'],
        ['--exclude-services'],
        ['--publish-service-requests'],
        ['--service-requests-source'],
        ['--clock-topics'],
        ['--clock-topics-all'],
        ['--qos-profile-overrides-path'],
        ['--storage-config-file'],
    )
    return parser


def _add_pace(parser: Parser) -> None:
    add = parser.add_argument
    add('-r', '--rate', type=positive, default=1.0, help='speed; above 0')
    add('-l', '--loop', action='store_true', help='begin again at the end')
    add('-d', '--delay', type=not_negative, default=0.0, help='sleep before play [s]')
    add('--start-offset', type=not_negative, default=0.0, help='begin so far in [s]')
    add('--playback-duration', type=float, default=-1.0, help='end after so long [s]; -1: not')
    until = parser.add_mutually_exclusive_group()
    until.add_argument(
        '--playback-until-sec', type=float, default=-1.0, help='end at this time [s]; -1: not'
    )
    until.add_argument(
        '--playback-until-nsec', type=int, default=-1, help='end at this time [ns]; -1: not'
    )
    add('--clock', type=positive, nargs='?', const=40.0, default=0.0, help='/clock [Hz]')


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


def pace_from(arguments: argparse.Namespace, start_ns: int) -> Pace:
    """Return the pace; of two ends the later one counts."""
    ends = []
    if arguments.playback_duration >= 0:
        ends.append(arguments.start_offset + arguments.playback_duration)
    if arguments.playback_until_sec >= 0:
        ends.append(arguments.playback_until_sec - start_ns / 1e9)
    if arguments.playback_until_nsec >= 0:
        ends.append((arguments.playback_until_nsec - start_ns) / 1e9)
    return Pace(
        start_ns=start_ns,
        rate=arguments.rate,
        loop=arguments.loop,
        offset_s=arguments.start_offset,
        end_s=max(ends, default=None),
        clock_hz=arguments.clock,
    )


def play(argv: Sequence[str]) -> int:
    """Play a bag until its end or a signal."""
    stopped = stop_signals()
    arguments = build_parser().parse_args(argv)
    bag = _bag(arguments)
    names = remapping(arguments.remap)
    facts = bag_metadata(bag)
    bag_files(bag)
    warn_of_unlisted(bag, facts)
    chosen = [topic for topic in topics_of(facts) if is_wanted(topic.name, arguments)]
    if not chosen:
        raise StandinError(f"no topic of '{bag}' is to be played")
    pace = pace_from(arguments, facts['starting_time']['nanoseconds_since_epoch'])
    name = f'rosbag2_player_{os.getpid()}'
    with bag_node(name, log_level=arguments.log_level) as (node, executor):
        player = Player(node, executor, bag, pace, stopped)
        known = [player.add(topic, names.get(topic.name, topic.name)) for topic in chosen]
        if not any(known):
            raise StandinError(f"'{bag}' has no topic of a type that is known here")
        player.wait(arguments.delay)
        player.run()
        if arguments.wait_for_all_acked is not None:
            player.acknowledge(arguments.wait_for_all_acked / 1000 or math.inf)
    return 0


def is_wanted(topic: str, arguments: argparse.Namespace) -> bool:
    """Return whether a topic is to be played."""
    if topic in {full_name(name) for name in arguments.exclude_topics}:
        return False
    if arguments.exclude_regex and re.search(arguments.exclude_regex, topic):
        return False
    if topic == CLOCK_TOPIC and arguments.clock:
        return False
    listed = {full_name(name) for name in arguments.topics}
    if not listed and not arguments.regex:
        return True
    return topic in listed or bool(arguments.regex and re.search(arguments.regex, topic))


def _bag(arguments: argparse.Namespace) -> Path:
    bags = [Path(names[0]) for names in arguments.input or []]
    if arguments.bag_path is not None:
        bags.append(arguments.bag_path)
    if len(bags) != 1:
        raise StandinError(
            'Must specify one bag' if not bags else 'several bags at once need the real ros2'
        )
    return bags[0]

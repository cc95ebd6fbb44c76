"""``ros2 topic echo``: print the messages of a topic."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
import re
import time
from typing import Any

from ros2_standin.errors import StandinError
from ros2_standin.graph import add_graph_options, full_name, session
from ros2_standin.messages import load_interface, Style, to_yaml
from ros2_standin.quality import add_quality_options, choose
from ros2_standin.verbs.topic import type_of

_STEP = re.compile(r'([A-Za-z_]\w*)((?:\[\d+\])*)')


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of ``ros2 topic echo``."""
    parser = argparse.ArgumentParser(prog='ros2 topic echo')
    add_graph_options(parser)
    add_quality_options(parser)
    parser.add_argument('topic_name')
    parser.add_argument('message_type', nargs='?', help='type, if nobody publishes yet')
    parser.add_argument('--once', action='store_true', help='end after the first message')
    parser.add_argument('--timeout', type=float, metavar='SECONDS', help='end after this time')
    parser.add_argument('--field', metavar='NAME[.NAME…]', help='print only this field')
    parser.add_argument('--no-arr', action='store_true', help='print the length of arrays only')
    parser.add_argument('--no-str', action='store_true', help='print the length of strings only')
    parser.add_argument('--flow-style', action='store_true', help='print lists in one line')
    parser.add_argument('-f', '--full-length', action='store_true', help='shorten nothing')
    parser.add_argument(
        '-l',
        '--truncate-length',
        type=int,
        default=128,
        metavar='N',
        help='shorten arrays and strings to this length',
    )
    parser.add_argument('--no-lost-messages', action='store_true', help='accepted, no effect')
    return parser


def pick(message: Any, field: str | None) -> Any:
    """
    Return the value at a path like ``header.stamp`` or ``actions[1].label``.

    :raises StandinError: if there is no such field.
    """
    for step in field.split('.') if field else ():
        match = _STEP.fullmatch(step)
        if match is None or not hasattr(message, match[1]):
            raise StandinError(f"there is no field '{step}' in {type(message).__name__}")
        message = getattr(message, match[1])
        for index in re.findall(r'\d+', match[2]):
            try:
                message = message[int(index)]
            except (IndexError, TypeError):
                raise StandinError(f"there is no '{step}' in the message") from None
    return message


def render(message: Any, arguments: argparse.Namespace) -> str:
    """Return the text of one message, with the separator."""
    value = pick(message, arguments.field)
    if not hasattr(value, 'get_fields_and_field_types'):
        return f'{value}\n---'
    style = Style(
        truncate_length=None if arguments.full_length else arguments.truncate_length,
        no_arr=arguments.no_arr,
        no_str=arguments.no_str,
        flow_style=arguments.flow_style,
    )
    return f'{to_yaml(value, style)}---'


def echo(argv: Sequence[str]) -> int:
    """Print messages until interrupted."""
    arguments = build_parser().parse_args(argv)
    topic = full_name(arguments.topic_name)
    received: list[Any] = []
    with session() as graph:
        type_name = arguments.message_type or type_of(graph, topic)
        # Until a publisher is known, nothing tells whether its messages are latched.
        graph.wait_for(lambda: graph.node.count_publishers(topic))
        graph.node.create_subscription(
            load_interface(type_name, 'msg'),
            topic,
            received.append,
            choose(graph.node, topic, arguments),
        )
        end = time.monotonic() + (arguments.timeout or float('inf'))
        while time.monotonic() < end:
            graph.spin()
            if _print_all(received, lambda message: render(message, arguments), arguments.once):
                return 0
    return 1


def _print_all(received: list[Any], text: Callable[[Any], str], once: bool) -> bool:
    """Print and forget the received messages; return whether that was all."""
    while received:
        print(text(received.pop(0)), flush=True)
        if once:
            return True
    return False

"""``ros2 topic hz``: measure how often messages come."""

from __future__ import annotations

import argparse
from collections import deque
from collections.abc import Sequence
import math
import time

from rclpy.qos import qos_profile_sensor_data

from ros2_standin.errors import StandinError
from ros2_standin.graph import add_graph_options, full_name, session
from ros2_standin.messages import load_interface
from ros2_standin.verbs.topic import type_of

DEFAULT_WINDOW = 10000
PRINT_PERIOD_S = 1.0


class RateMeter:
    """The distances between the last arrivals."""

    def __init__(self, window: int = DEFAULT_WINDOW) -> None:
        self._intervals: deque[float] = deque(maxlen=window)
        self._last: float | None = None
        self._is_new = False

    def add(self, now_s: float) -> None:
        """Note an arrival."""
        if self._last is not None:
            self._intervals.append(now_s - self._last)
            self._is_new = True
        self._last = now_s

    def report(self) -> str | None:
        """Return the text about the window, ``None`` when nothing came since the last one."""
        if not self._is_new:
            return None
        self._is_new = False
        count = len(self._intervals)
        mean = sum(self._intervals) / count
        deviation = math.sqrt(sum((value - mean) ** 2 for value in self._intervals) / count)
        return (
            f'average rate: {1.0 / mean if mean > 0.0 else 0.0:.3f}\n'
            f'\tmin: {min(self._intervals):.3f}s max: {max(self._intervals):.3f}s '
            f'std dev: {deviation:.5f}s window: {count}'
        )


def rate(argv: Sequence[str]) -> int:
    """Print the rate of a topic once a second until interrupted."""
    parser = argparse.ArgumentParser(prog='ros2 topic hz')
    add_graph_options(parser)
    parser.add_argument('-w', '--window', type=int, default=DEFAULT_WINDOW, metavar='N')
    parser.add_argument('--wall-time', action='store_true', help='accepted: it always is')
    parser.add_argument('topic_name')
    arguments = parser.parse_args(argv)
    if arguments.window < 1:
        raise StandinError(f'--window must be at least 1, got {arguments.window}')
    meter = RateMeter(arguments.window)
    topic = full_name(arguments.topic_name)
    with session() as graph:
        message_type = load_interface(type_of(graph, topic), 'msg')
        graph.node.create_subscription(
            message_type,
            topic,
            lambda _: meter.add(time.monotonic()),
            qos_profile_sensor_data,
            raw=True,
        )
        printed = time.monotonic()
        while True:
            graph.spin()
            if time.monotonic() - printed >= PRINT_PERIOD_S:
                printed = time.monotonic()
                text = meter.report()
                if text is not None:
                    print(text, flush=True)

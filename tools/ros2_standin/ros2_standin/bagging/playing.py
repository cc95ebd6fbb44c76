"""Play a bag: publish serialised messages at the pace at which they came."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
import time
from typing import Any

from rclpy.duration import Duration
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node

from ros2_standin.bagging.qualities import for_playing
from ros2_standin.bagging.reading import messages_of, Topic
from ros2_standin.errors import StandinError
from ros2_standin.messages import load_interface

CLOCK_TOPIC = '/clock'
SLICE_S = 0.05
#: Shorter than this, waiting in the executor takes longer than asked for.
LEAST_SPIN_S = 0.005
_NS = 1_000_000_000


@dataclass(frozen=True, kw_only=True)
class Pace:
    """When what is published; times in seconds of the bag, from its begin."""

    start_ns: int
    rate: float = 1.0
    loop: bool = False
    offset_s: float = 0.0
    end_s: float | None = None
    clock_hz: float = 0.0


class Player:
    """Publishes the messages of a bag; a node spins in between."""

    def __init__(
        self,
        node: Node,
        executor: SingleThreadedExecutor,
        bag: Path,
        pace: Pace,
        stopped: list[int],
    ) -> None:
        self._node = node
        self._executor = executor
        self._bag = bag
        self._pace = pace
        self._stopped = stopped
        self._publishers: dict[str, Any] = {}
        self._clock: Any = None
        self._clock_at = 0.0
        if pace.clock_hz:
            kind = load_interface('rosgraph_msgs/msg/Clock', 'msg')
            self._clock = node.create_publisher(kind, CLOCK_TOPIC, 10)

    def add(self, topic: Topic, name: str) -> bool:
        """Offer a topic; return whether its type is known here."""
        try:
            kind = load_interface(topic.msgtype, 'msg')
        except StandinError as error:
            self._node.get_logger().warning(f"Ignoring a topic '{topic.name}': {error}")
            return False
        profile = for_playing(topic.profiles)
        self._publishers[topic.name] = self._node.create_publisher(kind, name, profile)
        return True

    def run(self) -> None:
        """Publish all messages, again and again with ``loop``."""
        while not self._stopped and self._play_once() and self._pace.loop:
            pass

    def wait(self, seconds: float) -> None:
        """Let time pass, unless a signal comes."""
        end = time.monotonic() + seconds
        while not self._stopped and (left := end - time.monotonic()) > 0:
            if left > LEAST_SPIN_S:
                self._executor.spin_once(timeout_sec=min(left, SLICE_S) / 2)

    def acknowledge(self, seconds: float) -> None:
        """Wait until subscribers have everything, at most so long for each topic."""
        for topic, publisher in self._publishers.items():
            end = time.monotonic() + seconds
            while not publisher.wait_for_all_acked(Duration(seconds=SLICE_S)):
                if self._stopped:
                    return
                if time.monotonic() >= end:
                    self._node.get_logger().error(
                        'Timed out while waiting for all published messages to be acknowledged '
                        f'for topic {topic}'
                    )
                    break

    def _play_once(self) -> bool:
        """Return whether anything was published."""
        pace = self._pace
        published = False
        begin = 0.0
        for message in messages_of(self._bag, self._publishers):
            since_s = (message.stamp_ns - pace.start_ns) / _NS
            if since_s < pace.offset_s:
                continue
            if pace.end_s is not None and since_s > pace.end_s:
                break
            # The time that it takes to open the bag is none of the recording.
            begin = begin or time.monotonic()
            self._wait_until(begin + (since_s - pace.offset_s) / pace.rate, begin)
            if self._stopped:
                break
            self._publishers[message.topic].publish(message.data)
            published = True
        return published

    def _wait_until(self, due: float, begin: float) -> None:
        step = min(SLICE_S, 1 / self._pace.clock_hz) if self._clock else SLICE_S
        while not self._stopped:
            self._tick(begin, due)
            left = due - time.monotonic()
            if left <= 0:
                return
            self.wait(min(step, left))

    def _tick(self, begin: float, due: float) -> None:
        """Publish the time of the bag, never ahead of the message that is next."""
        now = time.monotonic()
        if self._clock is None or now < self._clock_at:
            return
        step = 1 / self._pace.clock_hz
        self._clock_at = self._clock_at + step if self._clock_at + step > now else now + step
        since_s = self._pace.offset_s + (min(now, due) - begin) * self._pace.rate
        message = self._clock.msg_type()
        stamp_ns = self._pace.start_ns + int(since_s * _NS)
        message.clock.sec, message.clock.nanosec = divmod(stamp_ns, _NS)
        self._clock.publish(message)

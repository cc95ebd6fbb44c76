"""Topics: a channel for each, a ROS subscription only while somebody looks."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from devrobot_bringup.foxglove.schemas import SchemaError, SchemaLibrary
from devrobot_bringup.foxglove.types import interface_class, UnknownTypeError
import foxglove
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy

DEPTH = 10
LATCHED_LIMIT = 25
# Each announcement waits in a viewer's queue, which is as short as that for messages.
MOST_OPENED_AT_ONCE = 4


@dataclass(frozen=True, kw_only=True)
class TopicQos:
    """What a subscription may ask for, so that every publisher of the topic reaches it."""

    reliable: bool
    latched: bool
    publishers: int

    @classmethod
    def of(cls, profiles: list[QoSProfile]) -> 'TopicQos':
        """Return what all publishers with these profiles have in common."""
        return cls(
            reliable=all(p.reliability == ReliabilityPolicy.RELIABLE for p in profiles),
            latched=bool(profiles)
            and all(p.durability == DurabilityPolicy.TRANSIENT_LOCAL for p in profiles),
            publishers=len(profiles),
        )

    def profile(self) -> QoSProfile:
        """Return the profile to subscribe with."""
        return QoSProfile(
            history=HistoryPolicy.KEEP_LAST,
            depth=DEPTH,
            reliability=(
                ReliabilityPolicy.RELIABLE if self.reliable else ReliabilityPolicy.BEST_EFFORT
            ),
            durability=(
                DurabilityPolicy.TRANSIENT_LOCAL if self.latched else DurabilityPolicy.VOLATILE
            ),
        )


class TopicBridge:
    """
    One topic. Lives as long as the topic; its methods belong to the executor's thread.

    Latched messages are kept, as many as there are publishers, and logged again when another
    viewer joins, since the subscription of the first one has already consumed them.
    """

    def __init__(
        self, node: Node, topic: str, message_class: Any, channel: foxglove.Channel
    ) -> None:
        self._node = node
        self._topic = topic
        self._message_class = message_class
        self._channel = channel
        self._viewers: set[int] = set()
        self._subscription: Any = None
        self._qos: TopicQos | None = None
        self._latched: deque[bytes] = deque(maxlen=1)

    @property
    def is_subscribed(self) -> bool:
        """Whether a ROS subscription exists at the moment."""
        return self._subscription is not None

    def viewer_joined(self, viewer: int) -> None:
        """Subscribe for the first viewer; repeat latched messages for a later one."""
        self._viewers.add(viewer)
        if self._subscription is None:
            self._subscribe(self._find_qos())
            return
        for data in tuple(self._latched):
            self._log(data)

    def viewer_left(self, viewer: int) -> None:
        """Unsubscribe when the last viewer has left."""
        self._viewers.discard(viewer)
        if not self._viewers:
            self._unsubscribe()

    def refresh(self) -> None:
        """Subscribe anew if the publishers have changed so that the old way does not fit."""
        if self._subscription is None or self._qos is None:
            return
        qos = self._find_qos()
        if qos.publishers == 0 or qos == self._qos:
            return
        if qos.profile() == self._qos.profile():
            self._qos = qos
            self._latched = deque(self._latched, maxlen=_latched_depth(qos))
            return
        self._unsubscribe()
        self._subscribe(qos)

    def close(self) -> None:
        """Remove the subscription and take the channel away from the viewers."""
        self._unsubscribe()
        self._channel.close()

    def _find_qos(self) -> TopicQos:
        publishers = self._node.get_publishers_info_by_topic(self._topic)
        return TopicQos.of([info.qos_profile for info in publishers])

    def _subscribe(self, qos: TopicQos) -> None:
        self._qos = qos
        self._latched = deque(maxlen=_latched_depth(qos))
        self._subscription = self._node.create_subscription(
            self._message_class, self._topic, self._on_message, qos.profile(), raw=True
        )

    def _unsubscribe(self) -> None:
        if self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
            self._subscription = None
        self._latched.clear()

    def _on_message(self, data: bytes) -> None:
        if self._qos is not None and self._qos.latched:
            self._latched.append(data)
        self._log(data)

    def _log(self, data: bytes) -> None:
        self._channel.log(data, log_time=self._node.get_clock().now().nanoseconds)


def _latched_depth(qos: TopicQos) -> int:
    return min(max(qos.publishers, 1), LATCHED_LIMIT)


class TopicRegistry:
    """All topics on show, kept equal to the ROS graph; belongs to the executor's thread."""

    def __init__(
        self,
        node: Node,
        schemas: SchemaLibrary,
        context: foxglove.Context,
        make_bridge: Callable[..., TopicBridge] = TopicBridge,
    ) -> None:
        self._node = node
        self._schemas = schemas
        self._context = context
        self._make_bridge = make_bridge
        self._types: dict[str, str] = {}
        self._channels: dict[str, int] = {}
        self._bridges: dict[int, TopicBridge] = {}

    def update(self, topics: Mapping[str, str]) -> bool:
        """
        Show ``topics`` (name → type), withdraw others, check the subscriptions.

        :return: whether all are on show; otherwise call again soon, so that viewers can follow.
        """
        for topic in [t for t, type_name in self._types.items() if topics.get(t) != type_name]:
            self._close(topic)
        for bridge in self._bridges.values():
            bridge.refresh()
        missing = [topic for topic in topics if topic not in self._types]
        for topic in missing[:MOST_OPENED_AT_ONCE]:
            self._open(topic, topics[topic])
        return len(missing) <= MOST_OPENED_AT_ONCE

    def viewer_joined(self, channel: int, viewer: int) -> None:
        """Note that a viewer looks at a channel; ignored if the channel is gone."""
        if channel in self._bridges:
            self._bridges[channel].viewer_joined(viewer)

    def viewer_left(self, channel: int, viewer: int) -> None:
        """Note that a viewer has turned away from a channel."""
        if channel in self._bridges:
            self._bridges[channel].viewer_left(viewer)

    def announce_again(self, channel: int) -> None:
        """Replace a channel, so that a viewer whose subscription was lost subscribes again."""
        for topic, number in self._channels.items():
            if number == channel:
                type_name = self._types[topic]
                self._close(topic)
                self._open(topic, type_name)
                return

    def close(self) -> None:
        """Withdraw every topic."""
        self.update({})

    def _close(self, topic: str) -> None:
        del self._types[topic]
        channel = self._channels.pop(topic, None)
        if channel is not None:
            self._bridges.pop(channel).close()

    def _open(self, topic: str, type_name: str) -> None:
        self._types[topic] = type_name
        try:
            schema = self._schemas.message(type_name)
            message_class = interface_class(type_name)
        except (SchemaError, UnknownTypeError) as error:
            self._node.get_logger().warning(f'cannot show topic {topic}: {error}')
            return
        channel = foxglove.Channel(
            topic,
            schema=foxglove.Schema(
                name=schema.name, encoding='ros2msg', data=schema.text.encode()
            ),
            message_encoding='cdr',
            context=self._context,
        )
        self._channels[topic] = channel.id()
        self._bridges[channel.id()] = self._make_bridge(self._node, topic, message_class, channel)

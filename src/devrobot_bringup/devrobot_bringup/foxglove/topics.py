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
        self._bridges: dict[str, TopicBridge] = {}

    def update(self, topics: Mapping[str, str]) -> None:
        """Show ``topics`` (name → type), withdraw others, check the subscriptions."""
        for topic in [t for t, type_name in self._types.items() if topics.get(t) != type_name]:
            del self._types[topic]
            bridge = self._bridges.pop(topic, None)
            if bridge is not None:
                bridge.close()
        for topic, type_name in topics.items():
            if topic not in self._types:
                self._types[topic] = type_name
                self._open(topic, type_name)
        for bridge in self._bridges.values():
            bridge.refresh()

    def viewer_joined(self, topic: str, viewer: int) -> None:
        """Note that a viewer looks at ``topic``; ignored if the topic is gone."""
        if topic in self._bridges:
            self._bridges[topic].viewer_joined(viewer)

    def viewer_left(self, topic: str, viewer: int) -> None:
        """Note that a viewer has turned away from ``topic``."""
        if topic in self._bridges:
            self._bridges[topic].viewer_left(viewer)

    def close(self) -> None:
        """Withdraw every topic."""
        self.update({})

    def _open(self, topic: str, type_name: str) -> None:
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
        self._bridges[topic] = self._make_bridge(self._node, topic, message_class, channel)

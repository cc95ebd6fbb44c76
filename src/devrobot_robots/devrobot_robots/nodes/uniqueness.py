"""
Let one driver per name drive a robot.

A driver latches its action space, so a living one is heard as soon as it is discovered. Mostly
that takes a few hundredths of a second, sometimes two seconds: so a driver listens a little
before it touches the robot, and goes on listening while it already works. Of two drivers the one
that came later gives way. One that was killed and still haunts the ROS graph latches nothing, and
hinders nobody.
"""

from __future__ import annotations

from collections.abc import Callable

from devrobot_interfaces.msg import ActionSpace
from devrobot_interfaces_py import conversions, topics
from devrobot_robots.clock import Clock
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.subscription import Subscription

LISTEN_S = 5.0
POLL_INTERVAL_S = 0.05
ALL_DRIVERS = QoSProfile(
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
    history=HistoryPolicy.KEEP_LAST,
    # A reader's history is shared by all writers: with depth 1, the own message ousts the other's.
    depth=10,
)


class NameTakenError(RuntimeError):
    """Another driver of this name is at work."""


def refuse_if_taken(node: Node, *, clock: Clock, time_s: float) -> None:
    """
    Listen for a driver of the same name for a while.

    :raises NameTakenError: as soon as one is heard.
    """
    heard: list[ActionSpace] = []
    listener = rclpy.create_node(
        'driver_listener', context=node.context, use_global_arguments=False
    )
    topic = node.resolve_topic_name(topics.ACTION_SPACE)
    listener.create_subscription(ActionSpace, topic, heard.append, ALL_DRIVERS)
    executor = SingleThreadedExecutor(context=node.context)
    executor.add_node(listener)
    end = clock.now() + time_s
    while not heard and clock.now() < end:
        executor.spin_once(timeout_sec=POLL_INTERVAL_S)
    executor.shutdown()
    listener.destroy_node()
    if heard:
        raise NameTakenError(refusal(node))


def refusal(node: Node) -> str:
    """Return the line that says why this driver does not drive."""
    return (
        f'another driver {node.get_fully_qualified_name()} is at work (it publishes '
        f'{node.resolve_topic_name(topics.ACTION_SPACE)}); stop it first, or start this one in '
        'another namespace: --ros-args -r __ns:=/NAME'
    )


class NameWatch:
    """After the own action space is latched: listens for an older driver's, for a few seconds."""

    def __init__(
        self, node: Node, *, own_stamp_ns: int, clock: Clock, on_taken: Callable[[], None]
    ) -> None:
        self._own_stamp_ns = own_stamp_ns
        self._clock = clock
        self._on_taken = on_taken
        self._end = clock.now() + LISTEN_S
        self.subscription: Subscription = node.create_subscription(
            ActionSpace, topics.ACTION_SPACE, self._on_action_space, ALL_DRIVERS
        )

    def _on_action_space(self, message: ActionSpace) -> None:
        # Only who is new gives way, and only to who is older: never two at once. Later on, what
        # comes is a newcomer, or a bag that is played where it should not be.
        is_older = conversions.stamp_to_ns(message.header.stamp) < self._own_stamp_ns
        if is_older and self._clock.now() < self._end:
            self._on_taken()

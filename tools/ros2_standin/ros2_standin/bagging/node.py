"""The node that records or plays."""

from __future__ import annotations

from collections.abc import Iterator
import contextlib

from rclpy.exceptions import InvalidNodeNameException
from rclpy.executors import SingleThreadedExecutor
from rclpy.logging import LoggingSeverity
from rclpy.node import Node
from rclpy.parameter import Parameter

from ros2_standin.errors import StandinError
from ros2_standin.own_node import own_node


@contextlib.contextmanager
def bag_node(
    name: str, *, log_level: str, sim_time: bool = False
) -> Iterator[tuple[Node, SingleThreadedExecutor]]:
    """
    Give a node and what spins it.

    :raises StandinError: if that is no name for a node.
    """
    use_sim_time = Parameter('use_sim_time', value=sim_time)
    try:
        with own_node(name, parameter_overrides=[use_sim_time]) as (node, executor):
            node.get_logger().set_level(LoggingSeverity[log_level.upper()])
            yield node, executor
    except InvalidNodeNameException as error:
        raise StandinError(f"'{name}' is no name for a node") from error

"""The node that records or plays."""

from __future__ import annotations

from collections.abc import Iterator
import contextlib

from rclpy.context import Context
from rclpy.exceptions import InvalidNodeNameException
from rclpy.executors import SingleThreadedExecutor
from rclpy.logging import LoggingSeverity
from rclpy.node import Node
from rclpy.parameter import Parameter

from ros2_standin.errors import StandinError
from ros2_standin.leaving import leave_last


@contextlib.contextmanager
def bag_node(
    name: str, *, log_level: str, sim_time: bool = False
) -> Iterator[tuple[Node, SingleThreadedExecutor]]:
    """
    Give a node and what spins it; signals are left to Python, and leaving ROS to the very end.

    :raises StandinError: if that is no name for a node.
    """
    leaving = contextlib.ExitStack()
    try:
        context = Context()
        context.init(args=[])
        leaving.callback(context.try_shutdown)
        node = Node(
            name,
            context=context,
            use_global_arguments=False,
            enable_rosout=False,
            parameter_overrides=[Parameter('use_sim_time', value=sim_time)],
        )
        leaving.callback(node.destroy_node)
        node.get_logger().set_level(LoggingSeverity[log_level.upper()])
        executor = SingleThreadedExecutor(context=context)
        leaving.callback(executor.shutdown)
        executor.add_node(node)
        yield node, executor
    except InvalidNodeNameException as error:
        raise StandinError(f"'{name}' is no name for a node") from error
    finally:
        leave_last(leaving)

"""The node of a command, and what spins it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, ExitStack
from typing import Any

from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node

from ros2_standin.leaving import leave_last


@contextmanager
def own_node(name: str, **options: Any) -> Iterator[tuple[Node, SingleThreadedExecutor]]:
    """
    Give a node with its executor, in a context of its own.

    Signals are left to Python, so Ctrl-C raises as usual; leaving ROS is left to the very end.

    :param options: of ``rclpy.node.Node``.
    :raises InvalidNodeNameException: if that is no name for a node.
    """
    leaving = ExitStack()
    try:
        context = Context()
        context.init(args=[])
        leaving.callback(context.try_shutdown)
        node = Node(
            name, context=context, use_global_arguments=False, enable_rosout=False, **options
        )
        leaving.callback(node.destroy_node)
        executor = SingleThreadedExecutor(context=context)
        leaving.callback(executor.shutdown)
        executor.add_node(node)
        yield node, executor
    finally:
        leave_last(leaving)

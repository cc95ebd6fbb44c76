"""Run the node as a process that ends cleanly on SIGINT and SIGTERM."""

from collections.abc import Callable
from contextlib import ExitStack
import sys

from devrobot_interfaces_py.configs import ConfigError
from devrobot_interfaces_py.leaving import leaving_ros
from devrobot_interfaces_py.process_end import ProcessEnd, SIGNAL_LATENCY_S
import rclpy
from rclpy.exceptions import ParameterException
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.lifecycle import LifecycleNode
from rclpy.signals import SignalHandlerOptions


class ManagedNode(LifecycleNode):
    """What ``run`` needs beside a lifecycle node."""

    autostart: bool

    def bring_up(self) -> bool:
        """Configure and activate; return whether both succeeded."""
        raise NotImplementedError

    def close(self) -> None:
        """End what runs; called once, while ROS still works."""
        raise NotImplementedError


def run(make_node: Callable[[], ManagedNode], args: list[str] | None = None) -> int:
    """
    Run a node until a signal comes; return the exit code.

    A signal only sets a flag, so that the callback in hand ends as usual and the node can still
    publish and save; a terminal and a launch file may both send one.
    """
    end = ProcessEnd()
    end.take_signals()
    rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
    code = 1
    leaving = ExitStack()
    leaving.callback(rclpy.try_shutdown)
    try:
        node = make_node()
        leaving.callback(node.destroy_node)
        try:
            code = 0 if _spin(node, end) else 1
        finally:
            node.close()
    except (ConfigError, ParameterException) as error:
        print(' '.join(str(error).split()), file=sys.stderr)
    except (ExternalShutdownException, KeyboardInterrupt):
        code = 0
    finally:
        with leaving_ros(code):
            leaving.close()
    return code


def _spin(node: ManagedNode, end: ProcessEnd) -> bool:
    """Bring the node up if it wants to, then spin; return False if it could not come up."""
    if node.autostart and not node.bring_up():
        return False
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    while not end.asked:
        executor.spin_once(timeout_sec=SIGNAL_LATENCY_S)
    return True

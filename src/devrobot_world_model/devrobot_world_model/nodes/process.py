"""Run the node as a process that ends cleanly on SIGINT and SIGTERM."""

from collections.abc import Callable
import signal
import sys
import threading

from devrobot_interfaces_py.configs import ConfigError
import rclpy
from rclpy.exceptions import ParameterException
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.lifecycle import LifecycleNode
from rclpy.signals import SignalHandlerOptions

SIGNAL_LATENCY_S = 0.2


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
    publish and save. A second signal ends the process at once.
    """
    stop = threading.Event()

    def on_signal(number: int, _: object) -> None:
        stop.set()
        signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
    try:
        node = make_node()
        try:
            return 0 if _spin(node, stop) else 1
        finally:
            node.close()
            node.destroy_node()
    except (ConfigError, ParameterException) as error:
        print(' '.join(str(error).split()), file=sys.stderr)
        return 1
    except (ExternalShutdownException, KeyboardInterrupt):
        return 0
    finally:
        rclpy.try_shutdown()


def _spin(node: ManagedNode, stop: threading.Event) -> bool:
    """Bring the node up if it wants to, then spin; return False if it could not come up."""
    if node.autostart and not node.bring_up():
        return False
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    while not stop.is_set():
        executor.spin_once(timeout_sec=SIGNAL_LATENCY_S)
    return True

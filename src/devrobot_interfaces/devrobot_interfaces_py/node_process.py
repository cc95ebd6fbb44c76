"""Run one node as a process that stops cleanly on SIGINT and SIGTERM."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
import sys
import threading
from typing import cast, Protocol

from devrobot_interfaces_py.configs import ConfigError, flatten
from devrobot_interfaces_py.leaving import leaving_ros
from devrobot_interfaces_py.process_end import ProcessEnd
import rclpy
from rclpy.executors import ExternalShutdownException, ShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from rclpy.utilities import remove_ros_args

SPIN_JOIN_TIMEOUT_S = 10.0


class StoppableNode(Protocol):
    """A Node that can be told to stop what it does."""

    def stop_working(self) -> None:
        """Stop what moves and what runs, while ROS still works; called once, before the end."""
        ...

    def destroy_node(self) -> None:
        """End the node."""
        ...


def run_node(
    make_node: Callable[[ProcessEnd], StoppableNode],
    description: str,
    config_classes: Sequence[type],
    args: Sequence[str] | None = None,
) -> int:
    """
    Run the node until it asks for the end or a signal comes; return the exit code.

    :param description: what the node does, for ``--help``, which lists ``config_classes`` too.
    :param args: the command line with the program's name, by default ``sys.argv``.

    The node spins in a thread and this one waits, so that a signal finds it at once, and the
    context is still valid when the node says its last word: an aborted action reaches the bag.
    """
    argv = list(sys.argv if args is None else args)
    parser = build_parser(description, config_classes)
    try:
        parser.parse_args(remove_ros_args(argv)[1:])
    except RuntimeError as error:  # rclpy has no public name for what it raises here
        parser.exit(2, f'{parser.prog}: wrong ROS arguments: {" ".join(str(error).split())}\n')
    end = ProcessEnd()
    end.take_signals()
    rclpy.init(args=argv, signal_handler_options=SignalHandlerOptions.NO)
    try:
        node = make_node(end)
    except ConfigError as error:
        rclpy.logging.get_logger(Path(argv[0]).name).fatal(str(error))
        rclpy.try_shutdown()
        return 1
    _spin_until(node, end)
    with leaving_ros(end.exit_code):
        node.destroy_node()
        rclpy.try_shutdown()
    return end.exit_code


def build_parser(description: str, config_classes: Sequence[type]) -> argparse.ArgumentParser:
    """Return a parser that knows ``--help`` and refuses everything that is no ROS argument."""
    lines = ['parameters (--ros-args -p NAME:=VALUE), and their defaults:']
    for info in (info for config_class in config_classes for info in flatten(config_class)):
        allowed = f' ({info.allowed()})' if info.allowed() else ''
        lines.append(f'  {info.name} = {info.default!r}: {info.doc}{allowed}')
    return argparse.ArgumentParser(
        description=description,
        epilog='\n'.join(lines),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _spin_until(node: StoppableNode, end: ProcessEnd) -> None:
    executor = SingleThreadedExecutor()
    executor.add_node(cast(Node, node))
    over = threading.Event()
    spinner = threading.Thread(target=_spin, args=(executor, end, over), name='spin', daemon=True)
    spinner.start()
    end.wait()
    node.stop_working()
    over.set()
    executor.shutdown()
    spinner.join(SPIN_JOIN_TIMEOUT_S)


def _spin(executor: SingleThreadedExecutor, end: ProcessEnd, over: threading.Event) -> None:
    try:
        executor.spin()
    except (ExternalShutdownException, ShutdownException):
        pass
    except Exception:  # a fault in a callback: say where, and let the launch file see it
        # rclpy takes an executor apart though a callback of it still runs, which then fails.
        if not over.is_set():
            sys.excepthook(*sys.exc_info())
            end.ask(1)
    finally:
        end.ask()

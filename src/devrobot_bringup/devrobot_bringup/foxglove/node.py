"""The node that shows the ROS graph to Foxglove and Lichtblick; see the package README."""

import argparse
import contextlib
import sys
import threading

from ament_index_python.packages import get_package_share_directory
from devrobot_bringup.foxglove.config import FoxgloveConfig
from devrobot_bringup.foxglove.graph import Connections, GraphReader
from devrobot_bringup.foxglove.jobs import JobQueue
from devrobot_bringup.foxglove.listener import ViewerListener
from devrobot_bringup.foxglove.names import Whitelist
from devrobot_bringup.foxglove.own_viewer import OwnViewer
from devrobot_bringup.foxglove.parameters import ParameterBridge
from devrobot_bringup.foxglove.schemas import SchemaLibrary
from devrobot_bringup.foxglove.sdk_log import SdkLog
from devrobot_bringup.foxglove.server import ServerStartError, start_server
from devrobot_bringup.foxglove.services import ServiceRegistry
from devrobot_bringup.foxglove.topics import TopicRegistry
from devrobot_interfaces_py.configs import ConfigError
from devrobot_interfaces_py.leaving import leaving_ros
from devrobot_interfaces_py.params import declare_config
from devrobot_interfaces_py.process_end import ProcessEnd
from devrobot_interfaces_py.topics import FOXGLOVE_NODE
import foxglove
from foxglove.websocket import WebSocketServer
import rclpy
from rclpy.clock import Clock, ClockType
from rclpy.executors import ExternalShutdownException, ShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from rclpy.utilities import remove_ros_args

TIME_PERIOD_S = 0.1
NEXT_TOPICS_S = 0.02
JOIN_TIMEOUT_S = 10.0


class FoxgloveServer(Node):
    """Serves topics, services, parameters and the node graph; ``start`` opens the port."""

    def __init__(self, **node_options) -> None:
        super().__init__(FOXGLOVE_NODE, **node_options)
        self._settings = declare_config(self, FoxgloveConfig())
        self._sends_time = bool(self.get_parameter('use_sim_time').value)
        self._jobs = JobQueue(self)
        self._reader = GraphReader(self, self._settings)
        self._graph_subscribed = False
        self._connections: Connections | None = None
        self._server: WebSocketServer | None = None
        self._sdk_log = SdkLog(
            on_dropped_subscription=self._on_dropped_subscription, on_line=self.get_logger().info
        )

    @property
    def port(self) -> int:
        """The port in use, also when the configured one is 0; only after ``start``."""
        if self._server is None:
            raise RuntimeError('the server has not been started')
        return self._server.port

    def start(self) -> None:
        """
        Open the port and begin to follow the graph.

        :raises ServerStartError: if the server cannot listen.
        """
        context = foxglove.Context()
        schemas = SchemaLibrary(get_package_share_directory)
        self._topic_registry = TopicRegistry(self, schemas, context)
        self._parameter_bridge = ParameterBridge(
            self,
            self._jobs,
            Whitelist(self._settings.param_whitelist),
            push=self._push_parameters,
            warn=self._warn_viewers,
        )
        listener = ViewerListener(
            self._jobs,
            self._topic_registry,
            self._parameter_bridge,
            on_graph_subscribed=self._on_graph_subscribed,
        )
        self._server = start_server(
            self._settings, listener=listener, context=context, sends_time=self._sends_time
        )
        self._service_registry = ServiceRegistry(
            self, self._jobs, schemas, self._server, timeout_s=self._settings.service_timeout
        )
        self._sdk_log.attach()
        self._start_own_viewer(listener)
        self._start_timers()
        self._announce()

    def stop(self) -> None:
        """Close the port and let go of everything; safe to call twice."""
        if self._server is None:
            return
        self._jobs.close()
        self._own_viewer.stop()
        self._service_registry.close()
        self._topic_registry.close()
        self._parameter_bridge.close()
        self._server.stop()
        self._server = None
        self._own_viewer.join()
        self._sdk_log.detach()

    def _start_own_viewer(self, listener: ViewerListener) -> None:
        self._own_viewer = OwnViewer(
            self._settings.address,
            self.port,
            uses_tls=bool(self._settings.certfile),
            on_problem=self.get_logger().warning,
        )
        listener.expect_own_viewer(self._own_viewer.token)
        self._own_viewer.start()

    def _start_timers(self) -> None:
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(self._settings.update_period, self._update, clock=steady)
        if self._sends_time:
            self.create_timer(TIME_PERIOD_S, self._send_time, clock=steady)
        self._jobs.post(self._update)

    def _announce(self) -> None:
        scheme = 'wss' if self._settings.certfile else 'ws'
        address = self._settings.address
        host = 'localhost' if self._settings.is_local else address
        self.get_logger().info(f'open {scheme}://{host}:{self.port} in Foxglove or Lichtblick')
        if not self._settings.is_local:
            self.get_logger().warning(
                f'listening on {address}: everybody who reaches this machine can watch the robot '
                'and call its services, there is no password; narrow the whitelists'
            )

    def _update(self) -> None:
        if self._server is None:
            return
        snapshot = self._reader.snapshot()
        if not self._topic_registry.update(snapshot.topics):
            self._jobs.post_later(NEXT_TOPICS_S, self._update)
        self._service_registry.update(snapshot.services)
        self._parameter_bridge.update(snapshot.parameter_nodes)
        if self._graph_subscribed:
            connections = self._reader.connections(snapshot)
            if connections != self._connections:
                self._connections = connections
                self._server.publish_connection_graph(connections.to_message())

    def _on_graph_subscribed(self, subscribed: bool) -> None:
        self._graph_subscribed = subscribed
        self._connections = None

    def _on_dropped_subscription(self, channel: int) -> None:
        self._jobs.post(lambda: self._topic_registry.announce_again(channel))

    def _send_time(self) -> None:
        if self._server is not None:
            self._server.broadcast_time(self.get_clock().now().nanoseconds)

    def _push_parameters(self, names: list[str]) -> None:
        if self._server is not None:
            self._own_viewer.push(names)

    def _warn_viewers(self, message: str) -> None:
        self.get_logger().warning(message)
        if self._server is not None:
            self._server.publish_status(message, foxglove.StatusLevel.Warning)


def run(end: ProcessEnd) -> int:
    """Run the server until ``end`` is asked for, then leave ROS; return the exit code."""
    code = 1
    leaving = contextlib.ExitStack()
    leaving.callback(rclpy.try_shutdown)
    try:
        node = FoxgloveServer()
        leaving.callback(node.destroy_node)
        try:
            node.start()
            code = _spin_until(node, end)
        finally:
            node.stop()
    except (ConfigError, ServerStartError) as error:
        rclpy.logging.get_logger(FOXGLOVE_NODE).error(str(error))
    finally:
        with leaving_ros(code):
            leaving.close()
    return code


def _spin_until(node: Node, end: ProcessEnd) -> int:
    """Spin in a thread, so that ROS still works when a signal comes and everything is closed."""
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    failures: list[BaseException] = []

    def spin() -> None:
        try:
            executor.spin()
        except (ExternalShutdownException, ShutdownException):
            pass
        except Exception as error:
            failures.append(error)
        finally:
            end.ask()

    thread = threading.Thread(target=spin, name='spin', daemon=True)
    thread.start()
    end.wait()
    executor.shutdown()
    thread.join(JOIN_TIMEOUT_S)
    if failures:
        node.get_logger().error(f'the Foxglove server failed: {failures[0]!r}')
    return 1 if failures else 0


def main(args: list[str] | None = None) -> int:
    """Run the node until it gets SIGINT or SIGTERM."""
    argv = sys.argv if args is None else args
    parser = argparse.ArgumentParser(prog='foxglove_server', description=__doc__)
    parser.parse_args(remove_ros_args(argv)[1:])
    end = ProcessEnd()
    end.take_signals()
    rclpy.init(args=argv, signal_handler_options=SignalHandlerOptions.NO)
    return run(end)

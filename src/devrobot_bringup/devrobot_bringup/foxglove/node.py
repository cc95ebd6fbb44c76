"""The node that shows the ROS graph to Foxglove and Lichtblick; see the package README."""

from ament_index_python.packages import get_package_share_directory
from devrobot_bringup.foxglove.config import FoxgloveConfig
from devrobot_bringup.foxglove.graph import Connections, GraphReader
from devrobot_bringup.foxglove.jobs import JobQueue
from devrobot_bringup.foxglove.listener import ViewerListener
from devrobot_bringup.foxglove.names import Whitelist
from devrobot_bringup.foxglove.parameters import ParameterBridge
from devrobot_bringup.foxglove.schemas import SchemaLibrary
from devrobot_bringup.foxglove.server import ServerStartError, start_server
from devrobot_bringup.foxglove.services import ServiceRegistry
from devrobot_bringup.foxglove.topics import TopicRegistry
from devrobot_interfaces_py.configs import ConfigError
from devrobot_interfaces_py.params import declare_config
from devrobot_interfaces_py.topics import FOXGLOVE_NODE
import foxglove
from foxglove.websocket import WebSocketServer
import rclpy
from rclpy.clock import Clock, ClockType
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node

TIME_PERIOD_S = 0.1


class FoxgloveServer(Node):
    """Serves topics, services, parameters and the node graph; ``start`` opens the port."""

    def __init__(self, **node_options) -> None:
        super().__init__(FOXGLOVE_NODE, **node_options)
        self._settings = declare_config(self, FoxgloveConfig())
        self._sends_time = bool(self.get_parameter('use_sim_time').value)
        self._jobs = JobQueue(self)
        self._reader = GraphReader(self, self._settings)
        self._graph_wanted = False
        self._connections: Connections | None = None
        self._server: WebSocketServer | None = None

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
            publish=self._publish_parameters,
            warn=self._warn_viewers,
        )
        listener = ViewerListener(
            self._jobs,
            self._topic_registry,
            self._parameter_bridge,
            on_graph_wanted=self._want_graph,
        )
        self._server = start_server(
            self._settings, listener=listener, context=context, sends_time=self._sends_time
        )
        self._service_registry = ServiceRegistry(
            self, self._jobs, schemas, self._server, timeout_s=self._settings.service_timeout
        )
        self._start_timers()
        self._announce()

    def stop(self) -> None:
        """Close the port and let go of everything; safe to call twice."""
        if self._server is None:
            return
        self._jobs.close()
        self._service_registry.close()
        self._topic_registry.close()
        self._parameter_bridge.close()
        self._server.stop()
        self._server = None

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
        self._topic_registry.update(snapshot.topics)
        self._service_registry.update(snapshot.services)
        self._parameter_bridge.update(snapshot.parameter_nodes)
        if self._graph_wanted:
            connections = self._reader.connections(snapshot)
            if connections != self._connections:
                self._connections = connections
                self._server.publish_connection_graph(connections.to_message())

    def _want_graph(self, wanted: bool) -> None:
        self._graph_wanted = wanted
        if wanted:
            self._update()

    def _send_time(self) -> None:
        if self._server is not None:
            self._server.broadcast_time(self.get_clock().now().nanoseconds)

    def _publish_parameters(self, parameters: list[foxglove.Parameter]) -> None:
        if self._server is not None and parameters:
            self._server.publish_parameter_values(parameters)

    def _warn_viewers(self, message: str) -> None:
        self.get_logger().warning(message)
        if self._server is not None:
            self._server.publish_status(message, foxglove.StatusLevel.Warning)


def run(context: Context, **node_options) -> int:
    """Run the server until ``context`` is shut down; return the exit code."""
    logger = rclpy.logging.get_logger(FOXGLOVE_NODE)
    node = None
    try:
        node = FoxgloveServer(context=context, **node_options)
        node.start()
        executor = SingleThreadedExecutor(context=context)
        executor.add_node(node)
        executor.spin()
    except (ConfigError, ServerStartError) as error:
        logger.error(str(error))
        return 1
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        if node is not None:
            node.stop()
            node.destroy_node()
    return 0


def main(args: list[str] | None = None) -> int:
    """Run the node until it is interrupted."""
    context = rclpy.get_default_context()
    rclpy.init(args=args)
    try:
        return run(context)
    finally:
        rclpy.try_shutdown()

"""A driver, a selector and a probe in one process, spinning in a thread of their own."""

from collections.abc import Callable
from contextlib import suppress
import os
import threading
import time
from typing import Any

from devrobot_interfaces.msg import ActionEvent as ActionEventMsg
from devrobot_interfaces.msg import DiscreteAction
from devrobot_interfaces.srv import ExecuteAction
from devrobot_interfaces_py import conversions, qos, topics
from devrobot_interfaces_py.actions import ActionEvent, Phase
from devrobot_interfaces_py.process_end import ProcessEnd
from devrobot_robots.nodes.driver_node import DriverNode
from devrobot_robots.nodes.selector_node import SelectorNode
import rclpy
from rclpy.executors import ExternalShutdownException, ShutdownException, SingleThreadedExecutor
from rclpy.parameter import Parameter
from sensor_msgs.msg import Image
from std_srvs.srv import Trigger

NAMESPACE = '/bot'
DEADLINE_S, FIRST_ANSWER_S = 20.0, 15.0
SMALL_WORLD = {
    'discovery_time': 0.0,
    'frame_rate': 0.0,
    'robot.width': 40,
    'robot.height': 24,
    'robot.radius': 3,
    'robot.initial_x': 0,
    'robot.initial_y': 9,
}


class Graph:
    """An own context whose nodes spin until it is closed."""

    def __init__(self) -> None:
        self.context = rclpy.Context()
        domain_id = int(os.environ.get('ROS_DOMAIN_ID', '43'))
        rclpy.init(context=self.context, domain_id=domain_id)
        self._executor = SingleThreadedExecutor(context=self.context)
        self._nodes: list[Any] = []
        self._thread = threading.Thread(target=self._spin)
        self._thread.start()
        self._probe: Any = None
        self._clients: dict[str, Any] = {}

    @property
    def probe(self) -> Any:
        if self._probe is None:
            self._probe = self.add(
                rclpy.create_node('probe', namespace=NAMESPACE, context=self.context)
            )
        return self._probe

    @property
    def drivers(self) -> list[Any]:
        return [node for node in self._nodes if isinstance(node, DriverNode)]

    def driver(self, **settings: Any) -> Any:
        """Start a driver; ``a__b`` in a keyword is the parameter ``a.b``."""
        return self._start(DriverNode, SMALL_WORLD, settings)

    def start_driver(self, settings: dict[str, Any]) -> Any:
        """Start a driver of any robot, with these settings only."""
        return self._start(DriverNode, {}, settings)

    def selector(self, **settings: Any) -> Any:
        return self._start(SelectorNode, {}, settings)

    def _start(self, node_class: Any, defaults: dict[str, Any], settings: dict[str, Any]) -> Any:
        values = defaults | {name.replace('__', '.'): v for name, v in settings.items()}
        node = node_class(
            ProcessEnd(),
            namespace=NAMESPACE,
            context=self.context,
            parameter_overrides=[Parameter(name, value=value) for name, value in values.items()],
        )
        return self.add(node)

    def add(self, node: Any) -> Any:
        self._nodes.append(node)
        self._executor.add_node(node)
        return node

    def remove(self, node: Any) -> None:
        """End one node as its process would."""
        node.stop_working()
        self._executor.remove_node(node)
        self._nodes.remove(node)
        node.destroy_node()

    def subscribe(self, kind: type, topic: str, profile: Any) -> list[Any]:
        """Return a list that fills with what arrives."""
        arrived: list[Any] = []
        self.probe.create_subscription(kind, topic, arrived.append, profile)
        return arrived

    def offers(self, service: str) -> bool:
        """Whether somebody offers a service that was called."""
        return self._clients[service].service_is_ready()

    def call(self, kind: type, service: str, request: Any) -> Any:
        """
        Return the answer of a service.

        The first one is lost if the server does not know the client as early as the client knows
        the server (ros2/rmw_fastrtps issue 842), so that one is asked for twice.
        """
        is_first = service not in self._clients
        client = self._client(kind, service)
        future = client.call_async(request)
        if is_first:
            with suppress(AssertionError):
                wait(future.done, 'the first answer', FIRST_ANSWER_S)
            future = future if future.done() else client.call_async(request)
        wait(future.done, f'an answer of {service}')
        return future.result()

    def _client(self, kind: type, service: str) -> Any:
        """
        Return the one client of a service, when it is connected.

        A client made while other endpoints of the same participant come and go was seen to stay
        unconnected for ever: another one is tried then.
        """
        if service not in self._clients:
            self._clients[service] = self.probe.create_client(kind, service)
        try:
            wait(self._clients[service].service_is_ready, f'service {service}')
        except AssertionError:
            self.probe.destroy_client(self._clients[service])
            self._clients[service] = self.probe.create_client(kind, service)
            wait(self._clients[service].service_is_ready, f'service {service}, second client')
        return self._clients[service]

    def execute(self, action: int, source: str = 'test') -> Any:
        request = ExecuteAction.Request(action=DiscreteAction(index=action), source=source)
        return self.call(ExecuteAction, topics.EXECUTE_ACTION, request)

    def trigger(self, service: str) -> Any:
        return self.call(Trigger, service, Trigger.Request())

    def close(self) -> None:
        for node in self._nodes:
            if hasattr(node, 'stop_working'):
                node.stop_working()
        self._executor.shutdown()
        self._thread.join(DEADLINE_S)
        for node in self._nodes:
            node.destroy_node()
        self.context.try_shutdown()

    def _spin(self) -> None:
        with suppress(ExternalShutdownException, ShutdownException):
            self._executor.spin()


class Observer:
    """What a learner would see: events and frames of the driver."""

    def __init__(self, graph: Graph) -> None:
        self._events = graph.subscribe(ActionEventMsg, topics.ACTION_EVENTS, qos.EVENTS)
        self.images = graph.subscribe(Image, topics.IMAGE_RAW, qos.IMAGES)
        names = (topics.ACTION_EVENTS, topics.IMAGE_RAW)
        self._topics = [graph.probe.resolve_topic_name(name) for name in names]

    def is_heard_by(self, driver: Any) -> bool:
        """Whether the driver knows that somebody listens, so that nothing is lost."""
        counts = {p.topic_name: p.get_subscription_count() for p in driver.publishers}
        return all(counts.get(name, 0) > 0 for name in self._topics)

    @property
    def events(self) -> list[ActionEvent]:
        return [conversions.action_event_from_msg(message) for message in self._events]

    @property
    def frame_stamps(self) -> list[int]:
        return [conversions.stamp_to_ns(image.header.stamp) for image in self.images]

    def find(self, phase: Phase, sequence: int) -> ActionEvent | None:
        found = [e for e in self.events if (e.phase, e.sequence) == (phase, sequence)]
        return found[0] if found else None

    def wait_for(self, phase: Phase, sequence: int) -> ActionEvent:
        return wait(lambda: self.find(phase, sequence), f'{phase.name} of {sequence}')

    def wait_for_start(self) -> int:
        """Return the sequence number of the first action that started."""

        def started() -> list[int]:
            return [event.sequence for event in self.events if event.phase is Phase.STARTED]

        return wait(started, 'an action to start')[0]

    def wait_for_images(self, count: int) -> None:
        wait(lambda: len(self.images) >= count, f'{count} images')


def wait(condition: Callable[[], Any], what: str, deadline_s: float = DEADLINE_S) -> Any:
    """Wait until the condition returns something true, and return that."""
    end = time.monotonic() + deadline_s
    while not (result := condition()):
        assert time.monotonic() < end, f'waited {deadline_s} s for {what}'
        time.sleep(0.002)
    return result

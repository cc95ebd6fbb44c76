"""A world model node beside a hand-driven robot: one process, one thread, an own context."""

from collections.abc import Callable, Iterator
import os
from pathlib import Path
import time
from typing import Any

import numpy as np
import pytest

rclpy = pytest.importorskip('rclpy')

from devrobot_interfaces.msg import ActionEvent as ActionEventMsg  # noqa: E402
from devrobot_interfaces.msg import ActionSpace as ActionSpaceMsg  # noqa: E402
from devrobot_interfaces_py import conversions, qos, topics  # noqa: E402
from devrobot_interfaces_py.actions import (  # noqa: E402
    ActionDefinition,
    ActionEvent,
    ActionSpace,
    Phase,
)
from devrobot_world_model.nodes.world_model_node import WorldModelNode  # noqa: E402
from rclpy.executors import SingleThreadedExecutor  # noqa: E402
from rclpy.parameter import Parameter  # noqa: E402
from sensor_msgs.msg import Image  # noqa: E402

NAMESPACE = '/toroidal_dot'
DEADLINE_S = 20.0
HEIGHT, WIDTH, STEP_PX = 16, 24, 5
ACTIONS = ActionSpace(
    robot_name='toroidal_dot',
    robot_type='toroidal_dot',
    actions=(
        ActionDefinition(label='stay', separator_color=(255, 0, 0)),
        ActionDefinition(label='move', separator_color=(0, 255, 0)),
    ),
)
SMALL = {
    'preset': 'tiny',
    'canvas.frame_height': HEIGHT,
    'canvas.frame_width': WIDTH,
    'canvas.separator_width': 8,
    'model.patch_size': 8,
    'model.encoder_width': 16,
    'model.encoder_depth': 1,
    'model.decoder_width': 16,
    'model.decoder_depth': 1,
    'model.encoder_heads': 1,
    'model.decoder_heads': 1,
    'online.quality_gate': 0.0,
}


class Robot:
    """A dot on a torus that acts when the test says so, in its own time."""

    def __init__(self, node: Any, camera_topics: tuple[str, ...] = (topics.IMAGE_RAW,)) -> None:
        self._cameras = [node.create_publisher(Image, name, qos.IMAGES) for name in camera_topics]
        self._events = node.create_publisher(ActionEventMsg, topics.ACTION_EVENTS, qos.EVENTS)
        self._spaces = node.create_publisher(ActionSpaceMsg, topics.ACTION_SPACE, qos.LATCHED)
        self.x = 3
        self.now_ns = 10**9
        self.sequence = 0

    @property
    def connected(self) -> bool:
        publishers = [*self._cameras, self._events, self._spaces]
        return all(publisher.get_subscription_count() for publisher in publishers)

    def offer(self, action_space: ActionSpace = ACTIONS) -> None:
        self._spaces.publish(conversions.action_space_to_msg(action_space))

    def picture(self) -> np.ndarray:
        image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        columns = np.arange(WIDTH)
        distance = np.minimum((columns - self.x) % WIDTH, (self.x - columns) % WIDTH)
        rows = np.arange(HEIGHT)[:, None] - 8
        image[distance**2 + rows**2 <= 9] = 255
        return image

    def show(self, message: Image | None = None) -> None:
        self.now_ns += 1000
        for camera in self._cameras:
            camera.publish(
                message or conversions.image_to_msg(self.picture(), self.now_ns, 'camera')
            )

    def tell(self, phase: Phase, action: int) -> int:
        self.now_ns += 1000
        event = ActionEvent(
            stamp_ns=self.now_ns, sequence=self.sequence, phase=phase, action=action
        )
        self._events.publish(conversions.action_event_to_msg(event))
        return self.now_ns

    def start(self, action: int) -> int:
        self.sequence += 1
        self.tell(Phase.ACCEPTED, action)
        return self.tell(Phase.STARTED, action)

    def finish(self, action: int) -> None:
        self.x = (self.x + STEP_PX * action) % WIDTH
        self.tell(Phase.FINISHED, action)
        self.show()

    def act(self, *actions: int) -> None:
        for action in actions:
            self.start(action)
            self.finish(action)

    def send_raw_event(self, message: ActionEventMsg) -> None:
        self._events.publish(message)


class Stage:
    """Everything a test needs: the node under test, a robot, and what arrived where."""

    small = SMALL

    def __init__(self, context: Any, folder: Path) -> None:
        self._context = context
        self.folder = folder
        self.executor = SingleThreadedExecutor(context=context)
        self.probe = self._added(rclpy.create_node('probe', namespace=NAMESPACE, context=context))
        self.node: Any = None
        self.robot: Any = None

    def launch(self, *, active: bool = True, **changes: Any) -> WorldModelNode:
        """Create the node under test; ``a__b`` in a keyword is the parameter ``a.b``."""
        settings = SMALL | {'checkpoint_dir': str(self.folder)}
        settings |= {name.replace('__', '.'): value for name, value in changes.items()}
        self.node = WorldModelNode(
            namespace=NAMESPACE,
            context=self._context,
            parameter_overrides=[Parameter(name, value=value) for name, value in settings.items()],
        )
        self._added(self.node)
        if active:
            assert self.node.bring_up()
        return self.node

    def meet(self, *camera_topics: str) -> Robot:
        """Start a robot and wait until the model is built for it."""
        self.appear(*camera_topics)
        self.wait(lambda: self.node.session is not None, 'the model')
        return self.robot

    def appear(self, *camera_topics: str) -> Robot:
        """Start a robot and let it offer its actions as soon as somebody listens."""
        self.robot = Robot(self.probe, camera_topics or (topics.IMAGE_RAW,))
        self.wait(lambda: self.robot.connected, 'somebody to listen to the robot')
        self.robot.offer()
        return self.robot

    def listen(self, kind: type, name: str, profile: Any = qos.RESULTS) -> list[Any]:
        """Return a list that fills with what arrives."""
        arrived: list[Any] = []
        self.probe.create_subscription(kind, name, arrived.append, profile)
        self.wait(lambda: self.probe.count_publishers(name) > 0, f'a publisher of {name}')
        self.wait(lambda: self._is_heard(name), f'{name} to be connected')
        return arrived

    def call(self, kind: type, name: str, /, **request: Any) -> Any:
        """Return the response of a service."""
        client = self.probe.create_client(kind, name)
        self.wait(client.service_is_ready, f'service {name}')
        future = client.call_async(kind.Request(**request))
        self.wait(future.done, f'the response of {name}')
        self.probe.destroy_client(client)
        return future.result()

    def wait(self, condition: Callable[[], Any], what: str) -> Any:
        """Spin until ``condition`` returns something true, and return that."""
        end = time.monotonic() + DEADLINE_S
        while not (result := condition()):
            if time.monotonic() > end:
                pytest.fail(f'waited {DEADLINE_S} s for {what}')
            self.executor.spin_once(timeout_sec=0.05)
        return result

    def settle(self, transitions: int) -> None:
        """Wait until so many transitions were seen and the learner is idle."""
        self.wait(
            lambda: self.node.session.loop.stats.transitions >= transitions,
            f'{transitions} transitions',
        )
        assert self.node.session.wait_idle(DEADLINE_S)

    def _is_heard(self, name: str) -> bool:
        """Return whether a publisher of the node knows of a subscriber."""
        wanted = self.probe.resolve_topic_name(name)
        return any(
            publisher.topic_name == wanted and publisher.get_subscription_count() > 0
            for publisher in self.node.publishers
        )

    def _added(self, node: Any) -> Any:
        self.executor.add_node(node)
        return node

    def close(self) -> None:
        for node in (self.node, self.probe):
            if node is not None:
                if node is self.node:
                    node.close()
                self.executor.remove_node(node)
                node.destroy_node()
        self.executor.shutdown()


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=int(os.environ.get('ROS_DOMAIN_ID', '46')))
    stage = Stage(context, tmp_path / 'checkpoints')
    try:
        yield stage
    finally:
        stage.close()
        rclpy.try_shutdown(context=context)

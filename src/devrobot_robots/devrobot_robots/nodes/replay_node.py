"""A recorded session stands in for a robot: the same topics, from a bag."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
import sys
import threading
import time
from typing import Any

from devrobot_interfaces.msg import ActionEvent as ActionEventMsg
from devrobot_interfaces.msg import ActionSpace as ActionSpaceMsg
from devrobot_interfaces.msg import Prediction
from devrobot_interfaces.msg import SessionInfo as SessionInfoMsg
from devrobot_interfaces_py import conversions, qos, topics
from devrobot_interfaces_py.actions import Phase
from devrobot_interfaces_py.bags import Bag, BagError, BagFrame, open_bag
from devrobot_interfaces_py.configs import ConfigError
from devrobot_interfaces_py.images import ImageError
from devrobot_interfaces_py.node_process import run_node
from devrobot_interfaces_py.params import declare_config
from devrobot_interfaces_py.process_end import ProcessEnd
from devrobot_robots.replay.config import ReplayConfig
from devrobot_robots.replay.player import Due, Loops
from rclpy.duration import Duration
from rclpy.node import Node
from sensor_msgs.msg import Image

DESCRIPTION = 'Publish a recorded session as the robot did. The parameter bag is needed.'
NODE = 'replay'
SLICE_S = 0.05
ACKNOWLEDGED = Duration(seconds=5)
PREDICTED_S = 2.0
LINGER_S = 0.5


class ReplayNode(Node):
    """
    Publishes images, action events, action space and session info of a bag, in its namespace.

    A thread reads and publishes; the node itself only listens to predictions, which tell at the
    pace ``fast`` that the world model has kept up.
    """

    def __init__(self, end: ProcessEnd | None = None, **node_arguments: Any) -> None:
        super().__init__(NODE, **node_arguments)
        self._end = end or ProcessEnd()
        self._config = declare_config(self, ReplayConfig())
        try:
            if not self._config.bag:
                raise ConfigError('bag is not set: name the bag to be replayed, bag:=FOLDER')
            self._bag = open_bag(self._config.bag, namespace=self._config.bag_namespace)
        except BagError as error:
            raise ConfigError(str(error)) from error
        self._stopping = threading.Event()
        self._predicted = threading.Condition()
        self._prediction = -1
        self._counts = {'frames': 0, 'events': 0}
        self._cameras = [
            self.create_publisher(Image, _own_name(topic, self._bag), qos.IMAGES)
            for topic in self._bag.image_topics
        ]
        self._events = self.create_publisher(ActionEventMsg, topics.ACTION_EVENTS, qos.EVENTS)
        self._space = self.create_publisher(ActionSpaceMsg, topics.ACTION_SPACE, qos.LATCHED)
        self._session = self.create_publisher(SessionInfoMsg, topics.SESSION_INFO, qos.LATCHED)
        self.create_subscription(
            Prediction, topics.WORLD_MODEL_PREDICTION, self._on_prediction, qos.RESULTS
        )
        for note in self._bag.notes:
            self.get_logger().warning(note)
        self._thread = threading.Thread(target=self._run, name='replay')
        self._thread.start()

    def stop_working(self) -> None:
        """Stop publishing."""
        self._stopping.set()
        with self._predicted:
            self._predicted.notify_all()
        self._thread.join()
        self._bag.close()

    def _run(self) -> None:
        code = 1
        try:
            self._introduce()
            self._wait_for_subscribers()
            self._publish_all()
            code = 0
        except (BagError, ImageError) as error:
            self.get_logger().error(f'the replay ends early: {error}')
        finally:
            self._end.ask(code)

    def _introduce(self) -> None:
        stamp = self._bag.start_ns
        info = replace(
            self._bag.session_info,
            image_topics=tuple(publisher.topic_name for publisher in self._cameras),
        )
        self._space.publish(conversions.action_space_to_msg(self._bag.action_space, stamp))
        self._session.publish(conversions.session_info_to_msg(info, stamp))

    def _wait_for_subscribers(self) -> None:
        end = time.monotonic() + self._config.subscriber_timeout
        wanted = (*self._cameras, self._events)
        while not all(publisher.get_subscription_count() for publisher in wanted):
            if self._stopping.is_set():
                return
            if time.monotonic() >= end:
                self.get_logger().warning('nobody listens to the images and events')
                break
            self._stopping.wait(SLICE_S)
        self._stopping.wait(self._config.start_delay)

    def _publish_all(self) -> None:
        self.get_logger().info(
            f'replaying {self._bag.path}: {self._bag.frame_count} frames, '
            f'{self._bag.event_count} events, pace {self._config.pace}'
        )
        begin = time.monotonic()
        for due in Loops(self._bag.items, loop=self._config.loop):
            if self._config.pace == 'recorded':
                self._wait_until(begin + due.seconds / self._config.rate)
            if self._stopping.is_set():
                break
            self._publish(due)
        for publisher in (*self._cameras, self._events):
            publisher.wait_for_all_acked(ACKNOWLEDGED)
        self.get_logger().info(
            f'replayed {self._counts["frames"]} frames and {self._counts["events"]} events in '
            f'{time.monotonic() - begin:.1f} s'
        )
        self._stopping.wait(LINGER_S)

    def _publish(self, due: Due) -> None:
        item = due.item
        fast = self._config.pace == 'fast'
        if isinstance(item, BagFrame):
            for publisher, image in zip(self._cameras, item.images(), strict=True):
                publisher.publish(conversions.image_to_msg(image, item.stamp_ns))
            self._counts['frames'] += 1
            if fast:
                self._stopping.wait(1.0 / self._config.fast_limit)
            return
        self._events.publish(conversions.action_event_to_msg(item))
        self._counts['events'] += 1
        if fast and item.phase == Phase.STARTED:
            self._wait_for_prediction(item.sequence)

    def _wait_for_prediction(self, sequence: int) -> None:
        """Wait until a world model, if there is one, has predicted what this action does."""
        if not self.count_publishers(topics.WORLD_MODEL_PREDICTION):
            return
        # The first actions have too little history to be predicted.
        patience = PREDICTED_S if self._prediction >= 0 else PREDICTED_S / 10
        with self._predicted:
            self._predicted.wait_for(
                lambda: self._prediction >= sequence or self._stopping.is_set(), patience
            )

    def _on_prediction(self, message: Prediction) -> None:
        with self._predicted:
            self._prediction = max(self._prediction, message.sequence)
            self._predicted.notify_all()

    def _wait_until(self, when: float) -> None:
        left = when - time.monotonic()
        if left > 0:
            self._stopping.wait(left)


def _own_name(topic: str, bag: Bag) -> str:
    """Return the name of an image topic relative to the robot's namespace."""
    name = topic.removesuffix(topics.COMPRESSED_SUFFIX)
    return name.removeprefix(f'{bag.namespace}/').lstrip('/')


def main(args: Sequence[str] | None = None) -> None:
    """Replay until the end of the bag."""
    sys.exit(run_node(ReplayNode, DESCRIPTION, (ReplayConfig,), args))

"""What the node listens to: messages become plain data, bad ones become one log line."""

from collections.abc import Callable
from functools import partial
import time
from typing import Any

from devrobot_interfaces.msg import ActionEvent as ActionEventMsg
from devrobot_interfaces.msg import ActionSpace as ActionSpaceMsg
from devrobot_interfaces_py import qos, topics
from devrobot_interfaces_py.actions import ActionEvent, ActionSpace
from devrobot_interfaces_py.camera_stack import CameraStack
from devrobot_interfaces_py.conversions import (
    action_event_from_msg,
    action_space_from_msg,
    image_from_msg,
    stamp_to_ns,
)
from devrobot_interfaces_py.images import ImageError
import numpy as np
from rclpy.lifecycle import LifecycleNode
from sensor_msgs.msg import Image

THROTTLE_S = 5.0


class Inputs:
    """The subscriptions of the node, and the stacking of its cameras."""

    def __init__(
        self,
        node: LifecycleNode,
        image_topics: tuple[str, ...],
        *,
        wanted: Callable[[], bool],
        on_action_space: Callable[[ActionSpace], None],
        on_frame: Callable[[int, np.ndarray, str], None],
        on_event: Callable[[ActionEvent, float], None],
    ) -> None:
        """
        Subscribe.

        :param wanted: whether frames and events are of any use now.
        :param on_frame: takes stamp, (H, W, 3) RGB image and frame id.
        :param on_event: takes the event and how long it has been waiting here, in s.
        """
        self._log = node.get_logger()
        self._wanted = wanted
        self._on_action_space = on_action_space
        self._on_frame = on_frame
        self._on_event = on_event
        self._cameras = CameraStack(image_topics)
        self._node = node
        subscribe: Callable[..., Any] = node.create_subscription
        self._subscriptions = [
            subscribe(ActionSpaceMsg, topics.ACTION_SPACE, self._action_space, qos.LATCHED),
            subscribe(ActionEventMsg, topics.ACTION_EVENTS, self._event, qos.EVENTS),
            *(
                subscribe(Image, name, partial(self._image, name), qos.IMAGES)
                for name in image_topics
            ),
        ]

    @property
    def dropped(self) -> int:
        """Moments at which not every camera gave an image."""
        return self._cameras.dropped

    def destroy(self) -> None:
        """Take the subscriptions down."""
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)

    def _action_space(self, msg: ActionSpaceMsg) -> None:
        try:
            action_space = action_space_from_msg(msg)
        except ValueError as error:
            self._log.error(f'{topics.ACTION_SPACE} ignored: {error}')
            return
        self._on_action_space(action_space)

    def _image(self, topic: str, msg: Image) -> None:
        if not self._wanted():
            return
        stamp_ns = stamp_to_ns(msg.header.stamp)
        try:
            image = self._cameras.add(topic, stamp_ns, image_from_msg(msg))
        except ImageError as error:
            self._log.warning(f'{topic} ignored: {error}', throttle_duration_sec=THROTTLE_S)
            return
        if image is not None:
            self._on_frame(stamp_ns, image, msg.header.frame_id)

    def _event(self, msg: ActionEventMsg, info: dict[str, int]) -> None:
        if not self._wanted():
            return
        try:
            event = action_event_from_msg(msg)
        except ValueError as error:
            self._log.warning(
                f'{topics.ACTION_EVENTS} {msg.sequence} ignored: {error}',
                throttle_duration_sec=THROTTLE_S,
            )
            return
        self._on_event(event, (time.time_ns() - info['received_timestamp']) * 1e-9)

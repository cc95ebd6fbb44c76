"""Listens to the robot and the world model on behalf of the demo."""

from collections.abc import Callable
import time

from devrobot_bringup.demo.monitor import DemoMonitor
from devrobot_interfaces.msg import ActionEvent, ActionSpace, TrainingMetrics
from devrobot_interfaces_py import conversions, qos, topics
from rclpy.node import Node
from sensor_msgs.msg import Image


class DemoNode(Node):
    """Feeds a monitor from topics; the monitor appears with the action space."""

    def __init__(self, namespace: str, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__('demo', namespace=namespace)
        self._wall = clock
        self.monitor: DemoMonitor | None = None
        self.first_action: float | None = None
        self.samples_seen = 0
        self.samples_per_second = float('nan')
        self.create_subscription(
            ActionSpace, topics.ACTION_SPACE, self._on_action_space, qos.LATCHED
        )
        self.create_subscription(ActionEvent, topics.ACTION_EVENTS, self._on_event, qos.EVENTS)
        self.create_subscription(Image, topics.IMAGE_RAW, self._on_image, qos.IMAGES)
        self.create_subscription(
            Image,
            topics.WORLD_MODEL_COUNTERFACTUALS,
            self._on_counterfactuals,
            qos.PREDICTED_IMAGES,
        )
        self.create_subscription(
            TrainingMetrics, topics.WORLD_MODEL_TRAINING_METRICS, self._on_metrics, qos.RESULTS
        )

    @property
    def elapsed(self) -> float:
        """Seconds since the first action; 0 before it."""
        return 0.0 if self.first_action is None else self._wall() - self.first_action

    def _on_action_space(self, message: ActionSpace) -> None:
        space = conversions.action_space_from_msg(message)
        if self.monitor is None or self.monitor.space.digest != space.digest:
            self.monitor = DemoMonitor(space)

    def _on_event(self, message: ActionEvent) -> None:
        if self.monitor is None:
            return
        if self.first_action is None and message.phase == ActionEvent.PHASE_STARTED:
            self.first_action = self._wall()
        self.monitor.on_event(conversions.action_event_from_msg(message), self.elapsed)

    def _on_image(self, message: Image, info: dict) -> None:
        if self.monitor is not None:
            self.monitor.on_frame(
                conversions.stamp_to_ns(message.header.stamp),
                conversions.image_from_msg(message),
                info['source_timestamp'],
                self.elapsed,
            )

    def _on_counterfactuals(self, message: Image, info: dict) -> None:
        if self.monitor is not None:
            self.monitor.on_counterfactuals(
                conversions.stamp_to_ns(message.header.stamp),
                conversions.image_from_msg(message),
                info['source_timestamp'],
                self.elapsed,
            )

    def _on_metrics(self, message: TrainingMetrics) -> None:
        self.samples_seen = message.samples_seen
        self.samples_per_second = message.samples_per_second

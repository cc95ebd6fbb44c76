"""The topic ``cmd_vel`` of a driver that may be driven by hand."""

from __future__ import annotations

from devrobot_interfaces_py import qos, topics
from devrobot_robots.driving import DrivingExecutor
from geometry_msgs.msg import Twist
from rclpy.node import Node

WARN_EVERY_S = 2.0


class VelocityTopic:
    """Hands velocities to the executor; what it refuses is told, but not for each message."""

    def __init__(self, node: Node, execution: DrivingExecutor) -> None:
        self._node = node
        self._execution = execution
        self._subscription = node.create_subscription(
            Twist, topics.CMD_VEL, self._on_velocity, qos.COMMANDS
        )

    def destroy(self) -> None:
        """Withdraw the topic."""
        self._node.destroy_subscription(self._subscription)

    def _on_velocity(self, message: Twist) -> None:
        refusal = self._execution.drive(message.linear.x, message.angular.z)
        if refusal:
            self._node.get_logger().warning(
                f'cmd_vel is refused: {refusal}', throttle_duration_sec=WARN_EVERY_S
            )

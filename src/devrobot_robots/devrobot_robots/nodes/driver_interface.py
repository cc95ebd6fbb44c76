"""The topics and services of a configured driver."""

from __future__ import annotations

from collections.abc import Callable

from devrobot_interfaces.msg import ActionEvent as ActionEventMsg
from devrobot_interfaces.msg import ActionSpace as ActionSpaceMsg
from devrobot_interfaces.msg import SessionInfo as SessionInfoMsg
from devrobot_interfaces.srv import ExecuteAction
from devrobot_interfaces_py import conversions, qos, topics
from devrobot_interfaces_py.actions import ActionEvent, SessionInfo
from devrobot_robots.clock import Clock
from devrobot_robots.driver_config import DriverConfig
from devrobot_robots.execution import ActionExecutor
from devrobot_robots.nodes.cameras import CameraPublishers
from devrobot_robots.nodes.diagnostics import DriverDiagnostics
from devrobot_robots.nodes.uniqueness import NameWatch
from devrobot_robots.outcomes import Outcome
from devrobot_robots.robot import Frames, ReportsHealth, Robot
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
import rclpy.clock
from rclpy.clock import ClockType
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.task import Future
from std_srvs.srv import Trigger

DIAGNOSTICS_PERIOD_S = 1.0
#: How long listeners may take to receive the last events; one that hangs is waited for no longer.
#: Fast DDS repeats what a busy one has missed after 3 s, ros2 launch loses patience after 5 s.
LAST_EVENTS = Duration(seconds=4)


class DriverInterface:
    """Made by *configure*, withdrawn by *cleanup*."""

    def __init__(
        self,
        node: Node,
        robot: Robot,
        config: DriverConfig,
        *,
        clock: Clock,
    ) -> None:
        self._node = node
        self._robot = robot
        self._clock = clock
        self._diagnostics = DriverDiagnostics(
            node.get_fully_qualified_name(), robot.action_space.robot_name
        )
        self._publishers = [
            node.create_publisher(ActionSpaceMsg, topics.ACTION_SPACE, qos.LATCHED),
            node.create_publisher(ActionEventMsg, topics.ACTION_EVENTS, qos.EVENTS),
            node.create_publisher(SessionInfoMsg, topics.SESSION_INFO, qos.LATCHED),
            node.create_publisher(DiagnosticArray, topics.DIAGNOSTICS, qos.DIAGNOSTICS),
        ]
        self._space, self._events, self._session, self._health = self._publishers
        self._cameras = CameraPublishers(
            node, robot.camera_names, jpeg_quality=config.jpeg_quality
        )
        self._services: list[rclpy.service.Service] = []
        self._timers: list[rclpy.timer.Timer] = []
        self._watch: NameWatch | None = None

    @property
    def image_topics(self) -> tuple[str, ...]:
        """The resolved image topics, in stacking order."""
        return self._cameras.image_topics

    def serve(self, execution: ActionExecutor) -> None:
        """Offer the services, and report health once a second."""
        self._execution = execution
        node = self._node
        self._services = [
            node.create_service(ExecuteAction, topics.EXECUTE_ACTION, self._on_execute),
            node.create_service(Trigger, topics.private(topics.DRIVER_STOP), self._on_stop),
            node.create_service(
                Trigger,
                topics.private(topics.DRIVER_RESET),
                self._on_reset,
                # Its own group: a stop must get through while a reset takes its time.
                callback_group=MutuallyExclusiveCallbackGroup(),
            ),
        ]
        self._timers = [
            node.create_timer(
                DIAGNOSTICS_PERIOD_S,
                self._on_diagnostics,
                clock=rclpy.clock.Clock(clock_type=ClockType.STEADY_TIME),
            )
        ]

    def publish_session(self, session: SessionInfo, on_taken: Callable[[], None]) -> None:
        """
        Latch what the robot can do and what this session is.

        :param on_taken: called if it turns out that an older driver of this name is at work.
        """
        stamp = self._node.get_clock().now().nanoseconds
        self._watch = NameWatch(
            self._node, own_stamp_ns=stamp, clock=self._clock, on_taken=on_taken
        )
        self._space.publish(conversions.action_space_to_msg(self._robot.action_space, stamp))
        self._session.publish(conversions.session_info_to_msg(session, stamp))

    def publish_event(self, event: ActionEvent) -> None:
        """Publish one phase of an action; the debug log tells it too, to compare a bag with."""
        self._events.publish(conversions.action_event_to_msg(event))
        self._node.get_logger().debug(
            f'action event {event.sequence} {event.phase.name} action {event.action} '
            f'stamp_ns {event.stamp_ns}'
        )

    def publish_frames(self, frames: Frames, stamp_ns: int) -> None:
        """Publish one frame per camera."""
        self._cameras.publish(frames, stamp_ns)

    def destroy(self) -> None:
        """Withdraw everything, when the last events have arrived: they go with their publisher."""
        self._events.wait_for_all_acked(LAST_EVENTS)
        if self._watch is not None:
            self._node.destroy_subscription(self._watch.subscription)
        for timer in self._timers:
            self._node.destroy_timer(timer)
        for service in self._services:
            self._node.destroy_service(service)
        self._cameras.destroy(self._node)
        for publisher in self._publishers:
            self._node.destroy_publisher(publisher)

    def _on_execute(
        self, request: ExecuteAction.Request, response: ExecuteAction.Response
    ) -> ExecuteAction.Response:
        submission = self._execution.submit(request.action.index, request.source)
        response.result = int(submission.answer)
        response.message = submission.message
        response.sequence = submission.sequence
        return response

    def _on_stop(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        outcome = self._execution.stop('stopped by request')
        response.success, response.message = outcome.success, outcome.message
        return response

    async def _on_reset(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        done = Future(executor=self._node.executor)
        done.add_done_callback(lambda _: None)  # a callback is what wakes the executor
        self._execution.reset(done.set_result)
        outcome: Outcome = await done
        response.success, response.message = outcome.success, outcome.message
        return response

    def _on_diagnostics(self) -> None:
        self._health.publish(
            self._diagnostics.build(
                self._execution.health(),
                self._robot.health() if isinstance(self._robot, ReportsHealth) else (),
                now_s=self._clock.now(),
                stamp=self._node.get_clock().now().to_msg(),
            )
        )

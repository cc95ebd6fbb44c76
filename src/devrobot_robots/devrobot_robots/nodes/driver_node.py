"""One lifecycle driver for every robot: camera topics, actions, events."""

from __future__ import annotations

from collections.abc import Sequence
import contextlib
from datetime import datetime, UTC
import sys
import threading
from typing import Any

from devrobot_interfaces_py import topics
from devrobot_interfaces_py.configs import ConfigError, flatten
from devrobot_interfaces_py.node_process import run_node
from devrobot_interfaces_py.params import declare_config
from devrobot_interfaces_py.process_end import ProcessEnd
from devrobot_robots.clock import SystemClock
from devrobot_robots.driver_config import DriverConfig, StartConfig
from devrobot_robots.driving import DrivingExecutor
from devrobot_robots.execution import ActionExecutor
from devrobot_robots.nodes.driver_interface import DriverInterface
from devrobot_robots.nodes.robot_log import RobotLog
from devrobot_robots.nodes.uniqueness import NameTakenError, refusal, refuse_if_taken
from devrobot_robots.nodes.velocity import VelocityTopic
from devrobot_robots.outcomes import describe, Outputs
from devrobot_robots.registry import load_robot_class, RobotLoadError, UnknownRobotError
from devrobot_robots.robot import Robot, RobotError
from devrobot_robots.session import make_session_info
from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn

EXPECTED_ERRORS = (ConfigError, UnknownRobotError, RobotLoadError, RobotError, NameTakenError)
ROBOT_PREFIX = 'robot'
DESCRIPTION = (
    'Drive a robot: publish its cameras, execute its actions. The parameters of the robot itself '
    'are called robot.NAME.'
)
TRANSITION_TIMEOUT_S = 10.0


class DriverNode(LifecycleNode):
    """
    Drives one robot; see README.md for topics, services and parameters.

    *configure* builds and connects the robot, *activate* accepts actions and publishes frames,
    *deactivate* stops the motors, *cleanup* releases the hardware.
    """

    def __init__(self, end: ProcessEnd | None = None, **node_arguments: Any) -> None:
        super().__init__(topics.DRIVER_NODE, **node_arguments)
        self._end = end or ProcessEnd()
        self._steady = SystemClock()
        self._config: DriverConfig | None = None
        self._robot_config: Any = None
        self._robot: Robot | None = None
        self._execution: ActionExecutor | None = None
        self._interface: DriverInterface | None = None
        self._velocity: VelocityTopic | None = None
        self._stopping = False
        self._transition = threading.RLock()
        self._start = declare_config(self, StartConfig())
        self._robot_log = RobotLog(self.get_logger())
        # Steady: with use_sim_time and no /clock yet, the driver comes up all the same.
        self._autostart_timer = self.create_timer(
            0.0, self._on_autostart, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Read the parameters, connect the robot, make the topics."""
        with self._transition:
            try:
                self._configure()
            except EXPECTED_ERRORS as error:
                self._refuse_to_configure(str(error))
            except Exception as error:  # from a robot's own code; rclpy would swallow it
                self._refuse_to_configure(describe(error))
            else:
                return super().on_configure(state)
            self._release()
        return TransitionCallbackReturn.FAILURE

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Publish a frame and accept actions from now on."""
        with self._transition:
            if self._execution is None or self._stopping:
                return TransitionCallbackReturn.FAILURE
            try:
                self._execution.start()
            except RobotError as error:
                self.get_logger().error(f'cannot activate: {error}')
                return TransitionCallbackReturn.FAILURE
        self.get_logger().info('active: waiting for actions')
        return super().on_activate(state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Abort the action, stop the motors."""
        with self._transition:
            self._shut_down_execution('deactivated')
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Release the robot, withdraw the topics."""
        with self._transition:
            self._release()
        return super().on_cleanup(state)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop the motors, release the robot, withdraw the topics."""
        with self._transition:
            self._release()
        return super().on_shutdown(state)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop and release everything; the driver can be configured again."""
        with self._transition:
            self._release()
        return super().on_error(state)

    def stop_working(self) -> None:
        """Stop the motors at once, then release; called from outside the spinning thread."""
        self._stopping = True
        self._shut_down_execution('the driver is stopping')
        if self._robot is not None and self._execution is None:
            # Being connected, which may wait for a robot for a long time.
            self._close_robot(self._robot)
        if self._transition.acquire(timeout=TRANSITION_TIMEOUT_S):
            try:
                self._release()
            finally:
                self._transition.release()

    def _on_autostart(self) -> None:
        self._autostart_timer.cancel()
        if not self._start.autostart:
            return
        for step in (self.trigger_configure, self.trigger_activate):
            if step() != TransitionCallbackReturn.SUCCESS:
                if self._start.exit_on_failure and not self._stopping:
                    self._end.ask(1)
                return

    def _give_way(self) -> None:
        """Leave the robot to an older driver of this name, which was heard after all."""
        self.get_logger().error(refusal(self))
        self._shut_down_execution('another driver is at work')
        if self._start.autostart and self._start.exit_on_failure:
            self._end.ask(1)
            return
        for step in (self.trigger_deactivate, self.trigger_cleanup):
            with contextlib.suppress(RuntimeError):  # not a transition of this state
                step()

    def _configure(self) -> None:
        config, robot_config, robot_class = self._read_parameters()
        robot = robot_class.from_config(
            robot_config, clock=self._steady, name=self._robot_name(config)
        )
        refuse_if_taken(self, clock=self._steady, time_s=config.discovery_time)
        interface = DriverInterface(self, robot, config, clock=self._steady)
        self._interface = interface
        self._robot = robot
        self._robot_log.open()
        robot.connect()
        execution = self._make_execution(robot, interface, config)
        self._execution = execution
        interface.serve(execution)
        if isinstance(execution, DrivingExecutor):
            self._velocity = VelocityTopic(self, execution)
        interface.publish_session(
            make_session_info(
                config,
                action_space=robot.action_space,
                robot_config=robot_config,
                image_topics=interface.image_topics,
                now=datetime.now(UTC),
            ),
            on_taken=self._give_way,
        )
        self.get_logger().info(
            f'configured {config.robot} as {robot.action_space.robot_name}: '
            f'{len(robot.action_space)} actions, images on {", ".join(interface.image_topics)}'
        )

    def _make_execution(
        self, robot: Robot, interface: DriverInterface, config: DriverConfig
    ) -> ActionExecutor:
        executor_class = DrivingExecutor if config.cmd_vel else ActionExecutor
        return executor_class(
            robot,
            Outputs(
                event=interface.publish_event,
                frames=interface.publish_frames,
                problem=self.get_logger().error,
            ),
            clock=self._steady,
            stamp_ns=lambda: self.get_clock().now().nanoseconds,
            max_duration_s=config.max_action_duration,
            frame_period_s=1.0 / config.frame_rate if config.frame_rate else 0.0,
        )

    def _read_parameters(self) -> tuple[DriverConfig, Any, Any]:
        """Declare the parameters the first time; they are read-only, so they stay."""
        if self._config is None:
            self._config = declare_config(self, DriverConfig())
        robot_class = load_robot_class(self._config.robot)
        if self._robot_config is None:
            default = robot_class.config_class()
            self._robot_config = declare_config(self, default, prefix=ROBOT_PREFIX)
            self._refuse_unknown_robot_parameters(default)
        return self._config, self._robot_config, robot_class

    def _refuse_unknown_robot_parameters(self, config: Any) -> None:
        """Refuse a mistyped name; ROS would drop it in silence."""
        known = [f'{ROBOT_PREFIX}.{info.name}' for info in flatten(config)]
        for name in self._parameter_overrides:
            if name.startswith(f'{ROBOT_PREFIX}.') and name not in known:
                raise ConfigError(f'parameter {name} is unknown; known are: {", ".join(known)}')

    def _robot_name(self, config: DriverConfig) -> str:
        return config.robot_name or self.get_namespace().rpartition('/')[2] or config.robot

    def _shut_down_execution(self, reason: str) -> None:
        if self._execution is not None and not self._execution.shutdown(reason):
            self.get_logger().error('the robot does not come back from its last action')

    def _refuse_to_configure(self, reason: str) -> None:
        if not self._stopping:
            self.get_logger().error(f'cannot configure: {reason}')

    def _close_robot(self, robot: Robot) -> None:
        try:
            robot.close()
        except Exception as error:  # a robot may raise anything; the rest must be released too
            self.get_logger().error(f'closing the robot failed: {describe(error)}')

    def _release(self) -> None:
        self._shut_down_execution('released')
        if self._robot is not None:
            self._close_robot(self._robot)
        if self._interface is not None:
            self._interface.destroy()
        if self._velocity is not None:
            self._velocity.destroy()
            self._velocity = None
        self._robot_log.close()
        self._execution = self._robot = self._interface = None


def main(args: Sequence[str] | None = None) -> None:
    """Run the driver until it is told to stop."""
    sys.exit(run_node(DriverNode, DESCRIPTION, (StartConfig, DriverConfig), args))

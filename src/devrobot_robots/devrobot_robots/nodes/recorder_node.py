"""Record the sessions of the robot in the same namespace with ``ros2 bag record``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
import concurrent.futures
import contextlib
import os
import sys
from typing import Any

from devrobot_interfaces.msg import SessionInfo as SessionInfoMsg
from devrobot_interfaces.srv import StartRecording
from devrobot_interfaces_py import conversions, qos, topics
from devrobot_interfaces_py.node_process import run_node
from devrobot_interfaces_py.params import declare_config, live_config_callback
from devrobot_interfaces_py.process_end import ProcessEnd
from devrobot_robots.clock import SystemClock
from devrobot_robots.nodes.recorder_diagnostics import recorder_diagnostics
from devrobot_robots.recording.config import RecorderConfig
from devrobot_robots.recording.recorder import (
    RecordingError,
    RecordingRequest,
    SessionRecorder,
)
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.task import Future
from std_srvs.srv import Trigger

DESCRIPTION = 'Record the sessions of the robot in the same namespace with ros2 bag record.'
CHECK_PERIOD_S = 1.0


class RecorderNode(Node):
    """
    Records when told to, and a new session for each start of the driver.

    All recording happens in one worker thread, in the order it was asked for; so the node answers
    while a bag is opened or closed.
    """

    def __init__(self, end: ProcessEnd | None = None, **node_arguments: Any) -> None:
        super().__init__(topics.RECORDER_NODE, **node_arguments)
        self._end = end or ProcessEnd()
        self._live = live_config_callback(
            self, declare_config(self, RecorderConfig()), lambda _: None
        )
        self._extra_topics = tuple(map(self.resolve_topic_name, self._live.config.extra_topics))
        self._use_sim_time = self.get_parameter('use_sim_time').value
        self._stopping = False
        self._recorder = SessionRecorder(
            clock=SystemClock(), log=self.get_logger(), should_stop=lambda: self._stopping
        )
        self._wanted = self._live.config.autostart
        self._name = ''
        self._count = 0
        self._session: SessionInfoMsg | None = None
        self._worker = concurrent.futures.ThreadPoolExecutor(1, 'recorder')
        self._health = self.create_publisher(DiagnosticArray, topics.DIAGNOSTICS, qos.DIAGNOSTICS)
        self.create_subscription(
            SessionInfoMsg, topics.SESSION_INFO, self._on_session_info, qos.LATCHED
        )
        self._serve(StartRecording, topics.RECORDER_START, self._on_start)
        self._serve(Trigger, topics.RECORDER_STOP, self._on_stop)
        self._check = self._worker.submit(self._recorder.check, self._live.config)
        self.create_timer(
            CHECK_PERIOD_S, self._on_timer, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )

    def stop_working(self) -> None:
        """Close the bag, if one is open."""
        self._stopping = True
        self._worker.submit(self._stop_if_recording).result()

    def destroy_node(self) -> None:
        """End the node, and the worker after its last job."""
        self._worker.shutdown()
        super().destroy_node()

    def _serve(self, kind: type, name: str, work: Callable[[Any, Any], None]) -> None:
        """Offer a service whose work is done in the worker thread."""

        async def answer(request: Any, response: Any) -> Any:
            done = Future(executor=self.executor)
            done.add_done_callback(lambda _: None)  # a callback is what wakes the executor
            job = self._worker.submit(work, request, response)
            job.add_done_callback(lambda _: done.set_result(None))
            await done
            job.result()
            return response

        self.create_service(kind, topics.private(name), answer)

    def _on_session_info(self, message: SessionInfoMsg) -> None:
        job = self._worker.submit(self._take_session, message)
        job.add_done_callback(self._end_if_faulty)

    def _end_if_faulty(self, job: concurrent.futures.Future[None]) -> None:
        """Let nobody believe that a recorder works whose worker met a fault."""
        if error := job.exception():
            sys.excepthook(type(error), error, error.__traceback__)
            self._end.ask(1)

    def _on_timer(self) -> None:
        if self._check.done():
            self._check.result()
            self._check = self._worker.submit(self._recorder.check, self._live.config)
        self._health.publish(
            recorder_diagnostics(
                self.get_fully_qualified_name(),
                self._recorder.status,
                hardware_id=self._session.robot_name if self._session else '',
                stamp=self.get_clock().now().to_msg(),
            )
        )

    def _on_start(
        self, request: StartRecording.Request, response: StartRecording.Response
    ) -> None:
        try:
            response.bag_path = self._start(request.session_id)
        except RecordingError as error:
            response.message = str(error)
            self.get_logger().error(response.message)
        else:
            self._name = request.session_id
            response.success = self._wanted = True

    def _on_stop(self, _: Trigger.Request, response: Trigger.Response) -> None:
        self._wanted = False
        try:
            response.message = self._recorder.stop(self._live.config)
            response.success = True
        except RecordingError as error:
            response.message = str(error)

    def _take_session(self, message: SessionInfoMsg) -> None:
        """Remember who drives; of a driver that was started anew, record a new session."""
        if self._stopping or message == self._session:
            return
        self._session = message
        self._stop_if_recording()
        if self._wanted:
            try:
                self._start(self._name)
            except RecordingError as error:
                self.get_logger().error(str(error))

    def _start(self, name: str) -> str:
        if self._stopping:
            raise RecordingError('the recorder is ending')
        if self._session is None:
            topic = self.resolve_topic_name(topics.SESSION_INFO)
            raise RecordingError(f'nothing heard on {topic} yet: is the driver running?')
        self._count += 1
        # A name of its own: one that was killed haunts the graph for a while.
        node_name = f'rosbag2_recorder_{os.getpid()}_{self._count}'
        request = RecordingRequest(
            session=conversions.session_info_from_msg(self._session),
            name=name,
            namespace=self.get_namespace(),
            extra_topics=self._extra_topics,
            node_name=node_name,
            is_listening=lambda topic: self._subscribes(node_name, topic),
            use_sim_time=self._use_sim_time,
        )
        return str(self._recorder.start(request, self._live.config))

    def _subscribes(self, node_name: str, topic: str) -> bool:
        infos = self.get_subscriptions_info_by_topic(topic)
        return any(info.node_name == node_name for info in infos)

    def _stop_if_recording(self) -> None:
        if self._recorder.status.recording:
            with contextlib.suppress(RecordingError):  # it has been logged
                self._recorder.stop(self._live.config)


def main(args: Sequence[str] | None = None) -> None:
    """Run the recorder until it is told to stop."""
    sys.exit(run_node(RecorderNode, DESCRIPTION, (RecorderConfig,), args))

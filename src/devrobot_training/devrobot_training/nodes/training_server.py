"""Train and evaluate on request, one job at a time: by actions, or by services for panels."""

from __future__ import annotations

from collections.abc import Sequence
import os
import sys
import time
from typing import Any

from devrobot_interfaces.action import Evaluate, Train
from devrobot_interfaces.msg import EvaluationSummary, TrainingMetrics
from devrobot_interfaces.srv import GetTrainingStatus, StartEvaluation, StartTraining
from devrobot_interfaces_py import qos, topics
from devrobot_interfaces_py.node_process import run_node
from devrobot_interfaces_py.params import declare_config
from devrobot_interfaces_py.process_end import ProcessEnd
from devrobot_training.jobs import BusyError, JobRunner, Report, Task
from devrobot_training.nodes import job_messages
from devrobot_training.nodes.job_action import Begun, Dealings, JobAction
from devrobot_training.tasks.evaluation import EvaluationRequest, EvaluationTask
from devrobot_training.tasks.kinds import RunTask, training_task
from devrobot_training.tasks.metrics import Metrics
from devrobot_training.tasks.outcome import Outcome, refused_by, TaskError
from devrobot_training.tasks.places import ServerConfig
from devrobot_training.tasks.plans import TrainingRequest
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.task import Future
from std_srvs.srv import Trigger

DESCRIPTION = 'Train world models on recorded sessions, and measure them, on request.'
LAST_WORDS_S = 0.3
LOOK_S = 0.02


class TrainingServer(Node):
    """
    Starts, follows and stops jobs; see README.md for topics, services and actions.

    A job runs in a thread of its own, everything else in the executor's: so the node answers
    while a model is trained. A job that a service began is the same as one of an action.
    """

    def __init__(self, end: ProcessEnd | None = None, **node_arguments: Any) -> None:
        super().__init__(topics.TRAINING_NODE, **node_arguments)
        self._end = end or ProcessEnd()
        self._config = declare_config(self, ServerConfig())
        self._runner: JobRunner[Outcome] = JobRunner()
        self._last: Begun | None = None
        self._told: Metrics | None = None
        self._metrics = self.create_publisher(
            TrainingMetrics, topics.private(topics.TRAINING_METRICS), qos.RESULTS
        )
        self._evaluation = self.create_publisher(
            EvaluationSummary, topics.private(topics.TRAINING_EVALUATION), qos.LATCHED
        )
        self._actions = self._offer_actions()
        for kind, name, handler in (
            (StartTraining, topics.TRAINING_START, self._on_start),
            (StartEvaluation, topics.TRAINING_START_EVALUATION, self._on_start_evaluation),
            (Trigger, topics.TRAINING_STOP, self._on_stop),
            (GetTrainingStatus, topics.TRAINING_STATUS, self._on_status),
        ):
            self.create_service(kind, topics.private(name), handler)
        self.create_timer(
            self._config.feedback_period, self._tell, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )
        self.get_logger().info(f'is ready: runs go to {self._config.runs_dir.absolute()}')

    @property
    def busy(self) -> bool:
        """Whether a job is running."""
        return self._last is not None and not self._last.job.ended

    def stop_working(self) -> None:
        """Stop the job, and wait until it has saved and those who follow it know; bounded."""
        self._runner.close()
        until = time.monotonic() + self._config.stop_timeout
        job = self._runner.job
        if not self._runner.join(self._config.stop_timeout):
            assert job is not None
            self.get_logger().fatal(
                f'the {job.task.title} did not stop within {self._config.stop_timeout:g} s: it is '
                'left as it is, a training goes on from its last checkpoint'
            )
            self._end.ask(1)
            return
        while any(action.active for action in self._actions) and time.monotonic() < until:
            time.sleep(LOOK_S)
        if job is not None:
            time.sleep(LAST_WORDS_S)  # the middleware sends results in threads of its own

    def destroy_node(self) -> None:
        """End the node with its actions."""
        for action in self._actions:
            action.destroy()
        super().destroy_node()

    def _offer_actions(self) -> tuple[JobAction, ...]:
        def offer(kind: Any, name: str, begin: Any, feedback: Any, result: Any) -> JobAction:
            dealings = Dealings(
                obstacle=lambda: self._runner.obstacle,
                begin=begin,
                feedback=feedback,
                result=result,
            )
            return JobAction(self, kind, name, dealings)

        return (
            offer(
                Train,
                topics.TRAINING_TRAIN,
                lambda goal: self._begin(self._training(goal), Train.Result),
                job_messages.train_feedback,
                job_messages.train_result,
            ),
            offer(
                Evaluate,
                topics.TRAINING_EVALUATE,
                lambda goal: self._begin(self._evaluation_of(goal), Evaluate.Result),
                job_messages.evaluate_feedback,
                job_messages.evaluate_result,
            ),
        )

    def _training(self, message: Any) -> RunTask:
        request = job_messages.request_from_msg(TrainingRequest, message)
        with refused_by():
            return training_task(request, self._config, lambda: self.get_clock().now().nanoseconds)

    def _evaluation_of(self, message: Any) -> EvaluationTask:
        request = job_messages.request_from_msg(EvaluationRequest, message)
        with refused_by():
            return EvaluationTask(request, self._config)

    def _begin(self, task: Task[Outcome], result_class: Any) -> Begun:
        """
        Start a job.

        :raises BusyError: if another one is running.
        """
        done = Future(executor=self.executor)
        job = self._runner.start(task, lambda _: done.set_result(None))
        begun = self._last = Begun(job=job, done=done, result_class=result_class)
        done.add_done_callback(lambda _: self._on_end(begun))  # also wakes the executor
        self.get_logger().info(f'began the {task.title}')
        return begun

    def _on_end(self, begun: Begun) -> None:
        """Tell everybody how a job ended."""
        outcome, title = begun.outcome, begun.job.task.title
        self._tell_metrics(begun.job.report)
        if outcome.evaluation is not None:
            self._evaluation.publish(job_messages.summary_to_msg(outcome))
        if outcome.succeeded:
            self.get_logger().info(f'ended the {title}: {outcome.report}')
        elif outcome.stopped:
            self.get_logger().info(f'ended the {title}: {outcome.message}')
        else:
            self.get_logger().error(f'the {title} failed: {outcome.message}')

    def _tell(self) -> None:
        """Tell how far the job is."""
        for action in self._actions:
            action.tell()
        if self._last is not None:
            self._tell_metrics(self._last.job.report)

    def _tell_metrics(self, report: Report) -> None:
        if report.metrics is not None and report.metrics is not self._told:
            self._told = report.metrics
            self._metrics.publish(job_messages.metrics_to_msg(report.metrics))

    def _on_start(
        self, request: StartTraining.Request, response: StartTraining.Response
    ) -> StartTraining.Response:
        try:
            self._runner.check_free()
            task = self._training(request)
            self._begin(task, Train.Result)
        except (TaskError, BusyError) as error:
            return self._refused(response, error)
        response.success, response.run_id = True, task.run_id
        return response

    def _on_start_evaluation(
        self, request: StartEvaluation.Request, response: StartEvaluation.Response
    ) -> StartEvaluation.Response:
        try:
            self._runner.check_free()
            self._begin(self._evaluation_of(request), Evaluate.Result)
        except (TaskError, BusyError) as error:
            return self._refused(response, error)
        response.success = True
        return response

    def _refused(self, response: Any, error: Exception) -> Any:
        response.message = str(error)
        self.get_logger().warning(f'nothing was started: {error}')
        return response

    def _on_stop(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        job = self._runner.job
        if job is not None and self._runner.stop():
            response.success, response.message = True, f'stopping the {job.task.title}'
        else:
            response.message = 'nothing is running'
        return response

    def _on_status(
        self, _: GetTrainingStatus.Request, response: GetTrainingStatus.Response
    ) -> GetTrainingStatus.Response:
        outcome = Outcome()
        response.progress = float('nan')
        response.metrics = job_messages.metrics_to_msg(None)
        if self._last is not None:
            job, report = self._last.job, self._last.job.report
            response.active = self.busy
            response.job = job.task.title
            response.activity = report.activity
            response.progress = float(report.progress)
            response.metrics = job_messages.metrics_to_msg(report.metrics)
            if not response.active:
                outcome = self._last.outcome
                codes = self._last.result_class
                response.error_code = job_messages.error_code(codes, outcome.problem)
                response.error_msg = outcome.message
        job_messages.tell_products(response, outcome)
        response.evaluation = job_messages.summary_to_msg(outcome)
        return response


def main(args: Sequence[str] | None = None) -> None:
    """Run the server until it is told to stop."""
    servers: list[TrainingServer] = []

    def make_node(end: ProcessEnd) -> TrainingServer:
        servers.append(TrainingServer(end))
        return servers[-1]

    code = run_node(make_node, DESCRIPTION, (ServerConfig,), args)
    if any(server.busy for server in servers):
        # Python would take torch down under the thread that computes, which was seen to crash.
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


if __name__ == '__main__':
    main()

"""An action whose goals are jobs: one at a time, with feedback, stopped by a cancel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from devrobot_interfaces_py import topics
from devrobot_training.jobs import BusyError, Job, Report
from devrobot_training.tasks.outcome import Outcome, Problem, TaskError
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.node import Node
from rclpy.task import Future


@dataclass(frozen=True, kw_only=True)
class Begun:
    """A job that runs; ``done`` is set in the executor's thread after its end."""

    job: Job[Outcome]
    done: Future
    result_class: Any

    @property
    def outcome(self) -> Outcome:
        """How it ended; only once it has."""
        return self.job.result or Outcome(
            problem=Problem.UNKNOWN, message='the job ended without a result: see the log'
        )


@dataclass(frozen=True, kw_only=True)
class Dealings:
    """
    What a goal of one action is dealt with.

    ``obstacle`` says why none can be accepted now, '' if one can. ``begin`` starts the job of a
    goal; it raises TaskError or BusyError. The others make the action's messages.
    """

    obstacle: Callable[[], str]
    begin: Callable[[Any], Begun]
    feedback: Callable[[Report], Any]
    result: Callable[[Outcome], Any]


class JobAction:
    """Offers the action; a goal that is accepted but cannot be done is aborted with its code."""

    def __init__(self, node: Node, kind: Any, name: str, dealings: Dealings) -> None:
        self._log = node.get_logger()
        self._name = name
        self._dealings = dealings
        self._goal: tuple[ServerGoalHandle, Begun] | None = None
        self._server = ActionServer(
            node,
            kind,
            topics.private(name),
            execute_callback=self._unexpected,
            goal_callback=self._on_goal,
            handle_accepted_callback=self._on_accepted,
            cancel_callback=self._on_cancel,
        )

    @property
    def active(self) -> bool:
        """Whether a goal is being followed."""
        return self._goal is not None

    def tell(self) -> None:
        """Send feedback to whoever follows the goal, if there is one."""
        if self._goal is not None:
            goal, begun = self._goal
            goal.publish_feedback(self._dealings.feedback(begun.job.report))

    def destroy(self) -> None:
        """Take the action down."""
        self._server.destroy()

    def _on_goal(self, _: Any) -> GoalResponse:
        reason = self._dealings.obstacle()
        if reason:
            self._log.warning(f'rejected a goal of {self._name}: {reason}')
            return GoalResponse.REJECT
        return GoalResponse.ACCEPT

    def _on_accepted(self, goal: ServerGoalHandle) -> None:
        try:
            begun = self._dealings.begin(goal.request)
        except TaskError as error:
            self._refuse(goal, Outcome(problem=error.problem, message=str(error)))
        except BusyError as error:
            self._refuse(goal, Outcome(problem=Problem.BUSY, message=str(error)))
        else:
            self._goal = goal, begun
            goal.execute(partial(self._follow, begun))

    def _refuse(self, goal: ServerGoalHandle, outcome: Outcome) -> None:
        self._log.error(f'cannot do a goal of {self._name}: {outcome.message}')
        goal.execute(lambda goal: self._finish(goal, outcome))

    def _on_cancel(self, goal: ServerGoalHandle) -> CancelResponse:
        if self._goal is None or self._goal[0] != goal:
            return CancelResponse.REJECT
        self._goal[1].job.stop()
        return CancelResponse.ACCEPT

    async def _follow(self, begun: Begun, goal: ServerGoalHandle) -> Any:
        await begun.done
        self.tell()
        self._goal = None
        return self._finish(goal, begun.outcome)

    def _finish(self, goal: ServerGoalHandle, outcome: Outcome) -> Any:
        if outcome.succeeded:
            goal.succeed()
        elif outcome.stopped and goal.is_cancel_requested:
            goal.canceled()
        else:
            goal.abort()
        return self._dealings.result(outcome)

    def _unexpected(self, goal: ServerGoalHandle) -> Any:
        """Every goal is executed with a callback of its own."""
        raise AssertionError(f'a goal of {self._name} was executed that never began')

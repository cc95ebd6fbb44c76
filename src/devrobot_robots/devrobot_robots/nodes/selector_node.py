"""Ask a selector for actions and have the driver carry them out, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
import sys
from typing import Any

from devrobot_interfaces.msg import ActionEvent as ActionEventMsg
from devrobot_interfaces.msg import ActionSpace as ActionSpaceMsg
from devrobot_interfaces.srv import ExecuteAction
from devrobot_interfaces_py import conversions, qos, topics
from devrobot_interfaces_py.node_process import run_node
from devrobot_interfaces_py.params import declare_config
from devrobot_interfaces_py.process_end import ProcessEnd
from devrobot_robots.clock import SystemClock
from devrobot_robots.outcomes import Answer
from devrobot_robots.selectors.config import SelectorConfig
from devrobot_robots.selectors.pacing import CallAction, CallReset, Pacer, State
from devrobot_robots.selectors.registry import make_selector
from rclpy.client import Client
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.task import Future
from std_srvs.srv import SetBool, Trigger

DESCRIPTION = 'Choose actions for the driver in the same namespace, one after the other.'
TICK_S = 0.1
SHORTEST_TICK_S = 0.001
WAITING_LINE_S = 5.0


class SelectorNode(Node):
    """Waits for a driver, then keeps it busy; goes on with a driver that was restarted."""

    def __init__(self, end: ProcessEnd | None = None, **node_arguments: Any) -> None:
        super().__init__(topics.SELECTOR_NODE, **node_arguments)
        self._end = end or ProcessEnd()
        self._steady = SystemClock()
        self._config = declare_config(self, SelectorConfig())
        self._running = self._config.autostart
        self._digest = ''
        self._pacer: Pacer | None = None
        self._call: Future | None = None
        self._waiting_since = self._last_line = self._steady.now()
        self._execute = self.create_client(ExecuteAction, topics.EXECUTE_ACTION)
        self._reset = self.create_client(Trigger, topics.DRIVER_RESET)
        self.create_subscription(
            ActionSpaceMsg, topics.ACTION_SPACE, self._on_action_space, qos.LATCHED
        )
        self.create_subscription(ActionEventMsg, topics.ACTION_EVENTS, self._on_event, qos.EVENTS)
        self.create_service(
            SetBool, topics.private(topics.SELECTOR_SET_RUNNING), self._on_set_running
        )
        self._timer = self.create_timer(
            TICK_S, self._advance, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )

    @property
    def completed(self) -> int:
        """How many actions that this selector began were heard to end."""
        return self._pacer.completed if self._pacer else 0

    def stop_working(self) -> None:
        """Ask for no more actions."""
        self._running = False

    def _on_action_space(self, message: ActionSpaceMsg) -> None:
        try:
            space = conversions.action_space_from_msg(message)
            if self._pacer is not None and space.digest == self._digest:
                self.get_logger().info('the driver was restarted: going on')
                self._pacer.on_driver_restarted()
                return
            selector = make_selector(self._config, space)
        except ValueError as error:  # SelectorError, or an action space that contradicts itself
            self._give_up(str(error))
            return
        self._digest = space.digest
        self._pacer = Pacer(
            selector,
            clock=self._steady,
            period_s=self._config.period,
            reset_every=self._config.reset_every,
        )
        self.get_logger().info(
            f'{self._config.selector} chooses for {space.robot_name} among '
            + ', '.join(f'{i} ({action.label})' for i, action in enumerate(space.actions))
        )
        self._advance()

    def _on_event(self, message: ActionEventMsg) -> None:
        if self._pacer is not None:
            self._pacer.on_event(conversions.action_event_from_msg(message))
            self._advance()

    def _on_set_running(
        self, request: SetBool.Request, response: SetBool.Response
    ) -> SetBool.Response:
        self._running = request.data
        self._waiting_since = self._steady.now()
        response.success = True
        response.message = 'choosing actions' if request.data else 'paused after this action'
        self._advance()
        return response

    def _advance(self) -> None:
        """Do what is due now, and come back when the next thing is."""
        due_s = TICK_S
        if self._running and self._is_driver_there():
            assert self._pacer is not None
            was_ended = self._pacer.state is State.ENDED
            command = self._pacer.poll()
            if self._pacer.state is State.ENDED and not was_ended:
                self.get_logger().info(
                    f'{self._config.selector} is at its end after {self._pacer.accepted} actions'
                )
            if isinstance(command, CallAction):
                request = ExecuteAction.Request(source=f'selector:{self._config.selector}')
                request.action.index = command.action
                self._send(self._execute, request, self._on_answer)
            elif isinstance(command, CallReset):
                self._send(self._reset, Trigger.Request(), self._on_reset_answer)
            due_s = min(due_s, self._pacer.next_call_in_s)
        self._timer.timer_period_ns = int(max(due_s, SHORTEST_TICK_S) * 1e9)
        self._timer.reset()

    def _is_driver_there(self) -> bool:
        if self._pacer is not None and self._execute.service_is_ready():
            self._waiting_since = self._last_line = self._steady.now()
            return True
        now = self._steady.now()
        waited, limit = now - self._waiting_since, self._config.driver_timeout
        if limit and waited >= limit:
            self._give_up(f'no driver after {waited:.0f} s: missing is {self._missing()}')
        elif now - self._last_line >= WAITING_LINE_S:
            self._last_line = now
            self.get_logger().info(f'waiting for the driver: missing is {self._missing()}')
        return False

    def _missing(self) -> str:
        missing = []
        if not self._execute.service_is_ready():
            missing.append(f'service {self.resolve_service_name(topics.EXECUTE_ACTION)}')
        if self._pacer is None:
            missing.append(f'topic {self.resolve_topic_name(topics.ACTION_SPACE)}')
        return ' and '.join(missing)

    def _send(self, client: Client, request: Any, on_done: Any) -> None:
        if self._call is not None and not self._call.done():
            self._call.cancel()  # never answered: its driver is gone
        self._call = client.call_async(request)
        self._call.add_done_callback(partial(self._on_done, client, on_done))

    def _on_done(self, client: Client, on_done: Any, call: Future) -> None:
        if call.cancelled():
            client.remove_pending_request(call)
        elif call is self._call and self._pacer is not None:
            on_done(self._pacer, call.result())
            self._advance()

    def _on_answer(self, pacer: Pacer, response: ExecuteAction.Response) -> None:
        answer = Answer(response.result)
        pacer.on_answer(answer, response.sequence)
        if answer is Answer.INACTIVE:
            self.get_logger().info(
                'the driver is not active yet: asking again', throttle_duration_sec=WAITING_LINE_S
            )
        elif pacer.state is State.ENDED:
            self.get_logger().error(f'stopped choosing: {response.message}')

    def _on_reset_answer(self, pacer: Pacer, response: Trigger.Response) -> None:
        pacer.on_reset_answer(response.success)
        if not response.success:
            self.get_logger().warning(f'going on without a reset: {response.message}')

    def _give_up(self, reason: str) -> None:
        self._running = False
        self.get_logger().error(reason)
        self._end.ask(1)


def main(args: Sequence[str] | None = None) -> None:
    """Run the selector until it is told to stop."""
    sys.exit(run_node(SelectorNode, DESCRIPTION, (SelectorConfig,), args))

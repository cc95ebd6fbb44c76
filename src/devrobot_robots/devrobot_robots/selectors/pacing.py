"""
When to ask for the next action: the state machine of the selector node, without ROS.

Inputs are methods named ``on_…``; ``poll()`` says what to do now. A call's answer and the events
travel on different ways, so the end of an action may be heard before its acceptance.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import auto, Enum

from devrobot_interfaces_py.actions import ActionEvent, Phase
from devrobot_robots.clock import Clock
from devrobot_robots.outcomes import Answer
from devrobot_robots.selectors.base import Selector

BUSY_RETRY_S = 0.02
INACTIVE_RETRY_S = 0.5
CALL_TIMEOUT_S = 5.0
HEARING_TIMEOUT_S = 1.0
ACTION_TIMEOUT_S = 120.0


class State(Enum):
    """What the pacer waits for."""

    IDLE = auto()  # for the time of the next call
    CALLING = auto()  # for the answer to a call
    RUNNING = auto()  # for the end of the action
    RESETTING = auto()  # for the RESET event
    ENDED = auto()  # for nothing: the selector is at its end, or asked for the impossible


@dataclass(frozen=True, kw_only=True)
class CallAction:
    """Call ``execute_action``."""

    action: int


@dataclass(frozen=True, kw_only=True)
class CallReset:
    """Call ``driver/reset``."""


class Pacer:
    """Asks for one action at a time: call, wait for its end, wait the period, call again."""

    def __init__(
        self, selector: Selector, *, clock: Clock, period_s: float = 0.0, reset_every: int = 0
    ) -> None:
        self._selector = selector
        self._clock = clock
        self._period_s = period_s
        self._reset_every = reset_every
        self._state = State.IDLE
        self._until = clock.now()  # IDLE: when to call; else: when to give up waiting
        self._pending: int | None = None  # chosen, not yet accepted
        self._sequence = 0  # of the action that runs
        self._heard_sequence = 0  # of the last event
        self._ended_sequence = 0  # of the last end that was heard of
        self._since_reset = 0
        self.accepted = 0
        self.completed = 0  # of them, those whose end was heard

    @property
    def state(self) -> State:
        """What the pacer waits for."""
        return self._state

    @property
    def next_call_in_s(self) -> float:
        """Return how long it is until ``poll`` may have something to do."""
        return max(0.0, self._until - self._clock.now())

    def poll(self) -> CallAction | CallReset | None:
        """Return what to do now, or None; a returned call counts as made."""
        if self._state is State.ENDED or self._clock.now() < self._until:
            return None
        if self._state is not State.IDLE:  # nothing came back in time: the driver is gone or hangs
            self._go_on()
        if self._reset_every and self._since_reset >= self._reset_every:
            self._wait_for(State.RESETTING, CALL_TIMEOUT_S)
            return CallReset()
        if self._pending is None:
            self._pending = self._selector.next_action()
        if self._pending is None:
            self._state = State.ENDED
            return None
        self._wait_for(State.CALLING, CALL_TIMEOUT_S)
        return CallAction(action=self._pending)

    def on_answer(self, answer: Answer, sequence: int = 0) -> None:
        """Take the answer to ``CallAction``."""
        if self._state is not State.CALLING:
            return
        if answer is Answer.ACCEPTED:
            self._pending = None
            self._sequence = sequence
            # Here, not at its end: that is not heard while the events are not connected yet.
            self.accepted += 1
            self._since_reset += 1
            # The service may be connected before the events are: then ask again, soon.
            heard = self._heard_sequence >= sequence
            self._wait_for(State.RUNNING, ACTION_TIMEOUT_S if heard else HEARING_TIMEOUT_S)
            if self._ended_sequence >= sequence:
                self._on_end()
        elif answer is Answer.UNKNOWN_ACTION:
            self._state = State.ENDED
        else:
            self._go_on(BUSY_RETRY_S if answer is Answer.BUSY else INACTIVE_RETRY_S)

    def on_reset_answer(self, success: bool) -> None:
        """Take the answer to ``CallReset``; where resetting fails, go on without it."""
        if self._state is State.RESETTING and not success:
            self._since_reset = 0
            self._go_on()

    def on_event(self, event: ActionEvent) -> None:
        """Take an event of the driver."""
        self._heard_sequence = event.sequence
        if self._state is State.RUNNING and event.sequence == self._sequence:
            self._wait_for(State.RUNNING, ACTION_TIMEOUT_S)
        if event.phase in (Phase.FINISHED, Phase.ABORTED):
            self._ended_sequence = event.sequence
            if self._state is State.RUNNING and event.sequence >= self._sequence:
                self._on_end()
        elif event.phase is Phase.RESET:
            self._since_reset = 0
            if self._state is State.RESETTING:
                self._go_on()

    def on_driver_restarted(self) -> None:
        """Forget what was asked of a driver that is gone; its numbers begin anew."""
        self._heard_sequence = self._ended_sequence = 0
        if self._state is not State.ENDED:
            self._go_on()

    def _on_end(self) -> None:
        self.completed += 1
        self._go_on(self._period_s)

    def _go_on(self, delay_s: float = 0.0) -> None:
        self._wait_for(State.IDLE, delay_s)

    def _wait_for(self, state: State, duration_s: float) -> None:
        self._state = state
        self._until = self._clock.now() + duration_s

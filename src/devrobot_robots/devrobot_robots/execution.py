"""
Run a robot's actions one at a time, and say on the way what happens.

One worker thread owns the robot: it executes, resets and observes. Only ``robot.stop()`` is
called from other threads. A watchdog thread stops an action that takes too long.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
import threading

from devrobot_interfaces_py.actions import Phase, UnknownActionError
from devrobot_robots.clock import Clock
from devrobot_robots.events import AcceptedAction, EventStream
from devrobot_robots.guarded import GuardedRobot
from devrobot_robots.outcomes import (
    Answer,
    describe,
    ExecutionHealth,
    Outcome,
    Outputs,
    Submission,
    WaitingReset,
)
from devrobot_robots.problems import Problems
from devrobot_robots.robot import Robot, RobotError

WATCHDOG_INTERVAL_S = 0.1
JOIN_TIMEOUT_S = 5.0
INACTIVE = 'the driver is not active'


class ActionExecutor:
    """
    Accepts an action or refuses it at once; runs it in its own thread; emits its phases.

    Between ``start()`` and ``shutdown()`` it is active. Sequence numbers grow by one per accepted
    action and per reset, over all activations.
    """

    def __init__(
        self,
        robot: Robot,
        outputs: Outputs,
        *,
        clock: Clock,
        stamp_ns: Callable[[], int],
        max_duration_s: float = 30.0,
        frame_period_s: float = 0.0,
    ) -> None:
        """
        Prepare; nothing runs before ``start()``.

        :param frame_period_s: time between frames while idle; 0 = none.
        """
        self._action_space = robot.action_space
        self._problems = Problems(outputs.problem, clock)
        self._guarded = GuardedRobot(robot, self._problems)
        self._outputs = outputs
        self._clock = clock
        self._events = EventStream(outputs.event, stamp_ns)
        self._max_duration_s = max_duration_s
        self._frame_period_s = frame_period_s
        self._wake = threading.Condition(threading.RLock())
        self._closing = threading.Event()
        self._threads: tuple[threading.Thread, ...] = ()
        self._active = False
        self._action: AcceptedAction | None = None
        self._reset: WaitingReset | None = None
        self._stop_reason: str | None = None
        self._counts = {'finished': 0, 'aborted': 0, 'frames': 0}
        self._camera_problem = ''
        self._last_abort = ''

    def start(self) -> None:
        """Become active: publish a frame, then accept actions."""
        with self._wake:
            if self._active:
                return
            if any(thread.is_alive() for thread in self._threads):
                raise RobotError('the robot has still not come back from its last action')
            if self._threads:
                # While inactive the robot may have been moved by hand: nothing may cross that.
                self._events.tell_reset('activated again')
            self._active = True
            self._closing.clear()
            self._threads = (
                threading.Thread(target=self._work, name='robot_worker', daemon=True),
                threading.Thread(target=self._watch, name='robot_watchdog', daemon=True),
            )
        for thread in self._threads:
            thread.start()

    def shutdown(self, reason: str = 'deactivated') -> bool:
        """Abort the action, stop the motors, join the threads; False if the robot hangs."""
        with self._wake:
            self._active = False
            self._stop_reason = self._stop_reason or reason
            self._closing.set()
            self._wake.notify_all()
        self._guarded.stop()
        for thread in self._threads:
            thread.join(JOIN_TIMEOUT_S)
        return not any(thread.is_alive() for thread in self._threads)

    def submit(self, action: int, source: str = '') -> Submission:
        """Accept the action and return at once, or say why not."""
        with self._wake:
            if not self._active:
                return Submission(answer=Answer.INACTIVE, message=INACTIVE)
            try:
                self._action_space.check(action)
            except UnknownActionError as error:
                return Submission(answer=Answer.UNKNOWN_ACTION, message=str(error))
            if self._reset is not None:
                return Submission(answer=Answer.BUSY, message='the robot is being reset')
            if self._action is not None:
                running = self._action
                return Submission(
                    answer=Answer.BUSY,
                    message=f'action {running.index} (sequence {running.sequence}) is not over',
                )
            accepted = AcceptedAction(self._events.next_sequence(), action, source)
            self._events.tell(Phase.ACCEPTED, accepted)
            self._action = accepted
            self._stop_reason = None
            self._wake.notify_all()
            return Submission(answer=Answer.ACCEPTED, sequence=accepted.sequence)

    def stop(self, reason: str = 'stopped') -> Outcome:
        """Stop the motors now and abort the action, if there is one."""
        with self._wake:
            running = self._action
            if running is not None:
                self._stop_reason = self._stop_reason or reason
        problem = self._guarded.stop()
        if problem:
            return Outcome(success=False, message=problem)
        text = f'action {running.index} is aborted' if running else 'no action was running'
        return Outcome(success=True, message=f'motors stopped; {text}')

    def reset(self, done: Callable[[Outcome], None], seed: int | None = None) -> None:
        """Abort the action, if there is one, and reset the robot; ``done`` is called once."""
        with self._wake:
            refusal = self._reset_refusal()
            if not refusal:
                self._reset = WaitingReset(seed, done)
                running = self._action is not None
                if running:
                    self._stop_reason = self._stop_reason or 'reset'
                self._wake.notify_all()
        if refusal:
            done(Outcome(success=False, message=refusal))
        elif running:
            self._guarded.stop()

    def check_watchdog(self) -> bool:
        """Stop an action that takes too long; return whether there is one."""
        with self._wake:
            running = self._action
            if running is None or not self._is_overdue(running):
                return False
            self._stop_reason = self._stop_reason or (
                f'took longer than {self._max_duration_s:g} s'
            )
        self._guarded.stop()
        return True

    def health(self) -> ExecutionHealth:
        """Return the counters and the state."""
        with self._wake:
            running = self._action
            busy_for_s = 0.0
            if running is not None and running.deadline_s is not None:
                busy_for_s = self._clock.now() - running.started_s
            return ExecutionHealth(
                active=self._active,
                busy_for_s=busy_for_s,
                overdue=running is not None and self._is_overdue(running),
                camera_problem=self._camera_problem,
                last_abort=self._last_abort,
                **self._counts,
            )

    def _reset_refusal(self) -> str:
        if not self._active:
            return INACTIVE
        return 'the robot is being reset already' if self._reset is not None else ''

    def _is_overdue(self, running: AcceptedAction) -> bool:
        return running.deadline_s is not None and self._clock.now() >= running.deadline_s

    # --- the worker thread -------------------------------------------------------------------

    def _work(self) -> None:
        try:
            self._observe()
            while (job := self._next_job()) is not None:
                job()
        except Exception as error:  # an output failed: nobody hears us any more, so stand still
            with self._wake:
                self._active = False
            self._guarded.stop()
            self._outputs.problem(f'the driver stopped working: {describe(error)}')
        finally:
            self._refuse_waiting_reset()

    def _next_job(self) -> Callable[[], None] | None:
        """Wait for something to do; None = the end."""
        with self._wake:
            while True:
                if self._action is not None:
                    return partial(self._run_action, self._action)
                if not self._active:
                    return None
                if self._reset is not None:
                    return partial(self._run_reset, self._reset)
                if (job := self._other_job()) is not None:
                    return job
                if not self._wake.wait(self._frame_period_s or None):
                    return self._observe

    def _other_job(self) -> Callable[[], None] | None:
        """Return what a subclass has to do between actions; called with the lock held."""
        return None

    def _run_action(self, action: AcceptedAction) -> None:
        problem = ''
        with self._wake:
            go = self._stop_reason is None
            if go:
                action.started_s = self._clock.now()
                action.deadline_s = action.started_s + self._max_duration_s
                self._events.tell(Phase.STARTED, action)
        if go:
            problem = self._guarded.execute(action.index, self._should_stop)
        self._end_action(action, problem)
        self._observe()

    def _should_stop(self) -> bool:
        if self._stop_reason is None:
            self.check_watchdog()
        return self._stop_reason is not None

    def _end_action(self, action: AcceptedAction, problem: str) -> None:
        reason = problem or self._stop_reason
        if reason is not None:
            # Also after a stop from outside: the action may have set the motors after it.
            reason = '; '.join(filter(None, (reason, self._guarded.stop())))
        with self._wake:
            if reason is None:
                reason = self._stop_reason
            aborted = reason is not None
            self._counts['aborted' if aborted else 'finished'] += 1
            # Free before it is told, so that who hears the end can go on at once. The next
            # action starts only after this one's frame: this same thread takes both.
            self._action = None
            self._last_abort = reason or self._last_abort
            self._events.tell(Phase.ABORTED if aborted else Phase.FINISHED, action, reason or '')
        if problem or not aborted:
            line = f'action {action.index} (sequence {action.sequence}): {reason}'
            self._problems.note('action', problem, line)

    def _run_reset(self, reset: WaitingReset) -> None:
        outcome, happened = self._guarded.reset(reset.seed)
        with self._wake:
            self._reset = None
            if happened:
                text = '' if outcome.success else outcome.message
                self._events.tell_reset(text)
        if happened:
            self._observe()
        reset.done(outcome)

    def _refuse_waiting_reset(self) -> None:
        with self._wake:
            waiting, self._reset = self._reset, None
        if waiting is not None:
            waiting.done(Outcome(success=False, message='the driver was deactivated'))

    def _observe(self) -> None:
        """Publish frames; stamped before the camera is asked, after all that was emitted."""
        if not self._active:
            return
        with self._wake:
            stamp = self._events.stamp()
        problem = self._guarded.observe(lambda frames: self._outputs.frames(frames, stamp))
        self._problems.note('camera', problem, f'no frame: {problem}')
        self._camera_problem = problem
        self._counts['frames'] += not problem

    # --- the watchdog thread -----------------------------------------------------------------

    def _watch(self) -> None:
        interval = min(WATCHDOG_INTERVAL_S, self._max_duration_s / 2)
        while not self._closing.wait(interval):
            self.check_watchdog()

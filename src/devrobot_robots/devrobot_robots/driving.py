"""Follow a velocity by hand while no action runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
import threading
from typing import Any

from devrobot_robots.execution import ActionExecutor, INACTIVE
from devrobot_robots.outcomes import Outcome

STALE_AFTER_S = 0.5
PERIOD_S = 0.02
STANDSTILL = (0.0, 0.0)


class DrivingExecutor(ActionExecutor):
    """
    An executor that also drives: as long as velocities keep coming, and no action is asked for.

    The robot then moves without an action, so a reset is told afterwards: no transition may
    cross it.
    """

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._velocity = STANDSTILL
        self._velocity_until_s = 0.0

    def drive(self, linear_m_s: float, angular_rad_s: float) -> str:
        """Go on like this for half a second; return why not, '' = accepted."""
        with self._wake:
            if not self._active:
                return INACTIVE
            if self._action is not None:
                return f'action {self._action.index} is not over'
            if self._reset is not None:
                return 'the robot is being reset'
            self._velocity = (linear_m_s, angular_rad_s)
            self._velocity_until_s = self._clock.now() + STALE_AFTER_S
            self._wake.notify_all()
        return ''

    def stop(self, reason: str = 'stopped') -> Outcome:
        """Stop the motors now and abort the action, if there is one."""
        with self._wake:
            self._velocity = STANDSTILL
        return super().stop(reason)

    def _other_job(self) -> Callable[[], None] | None:
        return self._run_drive if self._wants_to_drive() else None

    def _wants_to_drive(self) -> bool:
        return self._velocity != STANDSTILL and self._clock.now() < self._velocity_until_s

    def _is_free(self) -> bool:
        return self._active and self._action is None and self._reset is None

    def _run_drive(self) -> None:
        problem = ''
        with self._watching():
            while not problem and self._is_free() and self._wants_to_drive():
                problem = self._guarded.drive(*self._velocity)
                self._clock.sleep(PERIOD_S)
            self._guarded.stop()
        with self._wake:
            self._velocity = STANDSTILL
            self._events.tell_reset('driven by hand')
        self._problems.note('driving', problem, f'driving by hand: {problem}')
        self._observe()

    @contextmanager
    def _watching(self) -> Iterator[None]:
        """Publish frames beside the driving: a stop must not wait for a camera."""
        over = threading.Event()

        def watch() -> None:
            while not over.wait(PERIOD_S):
                self._observe()

        camera = threading.Thread(target=watch, name='robot_camera', daemon=True)
        camera.start()
        try:
            yield
        finally:
            over.set()
            camera.join()

"""A robot whose failures are texts: whatever its code raises, the executor gets on."""

from __future__ import annotations

from collections.abc import Callable

from devrobot_robots.outcomes import describe, Outcome
from devrobot_robots.problems import Problems
from devrobot_robots.robot import Drivable, Frames, ResetUnsupportedError, Robot, RobotError


class GuardedRobot:
    """Calls the robot and turns every exception into one line, '' = it went well."""

    def __init__(self, robot: Robot, problems: Problems) -> None:
        self._robot = robot
        self._problems = problems

    def execute(self, action: int, should_stop: Callable[[], bool]) -> str:
        """Carry out an action."""
        try:
            self._robot.execute(action, should_stop)
        except Exception as error:  # a robot may raise anything; its motors must not run on
            return self._described(error)
        return ''

    def stop(self) -> str:
        """Stop the motors."""
        try:
            self._robot.stop()
        except Exception as error:  # a robot may raise anything
            text = self._described(error, 'stopping the robot failed: ')
            self._problems.note('stop', text)
            return text
        self._problems.note('stop', '')
        return ''

    def drive(self, linear_m_s: float, angular_rad_s: float) -> str:
        """Follow a velocity."""
        if not isinstance(self._robot, Drivable):
            return 'this robot cannot follow a velocity'
        try:
            self._robot.drive(linear_m_s, angular_rad_s)
        except Exception as error:  # a robot may raise anything
            return self._described(error)
        return ''

    def reset(self, seed: int | None) -> tuple[Outcome, bool]:
        """Reset; return the outcome, and whether the robot's state may have changed."""
        try:
            self._robot.reset(seed)
        except ResetUnsupportedError as error:
            return Outcome(success=False, message=str(error) or 'not supported'), False
        except Exception as error:  # a robot may raise anything
            text = self._described(error, 'reset failed: ')
            self._problems.note('reset', text)
            self.stop()
            return Outcome(success=False, message=text), True
        self._problems.note('reset', '')
        return Outcome(success=True, message='the robot was reset'), True

    def observe(self, deliver: Callable[[Frames], None]) -> str:
        """Take frames and deliver them; a frame that cannot be delivered counts as none."""
        try:
            deliver(self._robot.observe())
        except Exception as error:  # a robot may raise anything; it can still act and stop
            return self._described(error)
        return ''

    def _described(self, error: Exception, before: str = '') -> str:
        text = before + describe(error)
        if isinstance(error, RobotError) and error.is_told:
            self._problems.know(text)
        return text

"""A JetBot as a robot."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
import logging
import math
import threading

from devrobot_robots.clock import Clock, wait_unless_stopped
from devrobot_robots.jetbot.actions import action_space
from devrobot_robots.jetbot.config import JetBotConfig
from devrobot_robots.jetbot.link import Link, Pauses
from devrobot_robots.jetbot.peer import Address, CallRefusedError, connect, LinkLostError
from devrobot_robots.jetbot.pictures import FrozenCamera, picture_from, PictureError
from devrobot_robots.jetbot.ramp import Ramp, Way
from devrobot_robots.robot import (
    JpegFrame,
    Level,
    PartHealth,
    ResetUnsupportedError,
    RobotError,
)

RETRY_START_S = 1.0
WAIT_FOR_LINK_S = 1.0
RESTART_PAUSE_S = 10.0
MOST_DOUBLINGS = 6
CLOSED_FIRST = 'it was closed before it could be reached'
SLOW = 'the network is slow, or this computer too busy'
NO_DEAD_MAN = 'the server is an older one, which lets the motors run on when the network is cut'


class JetBotRobot:
    """Drives a JetBot through its server: ours, or one with the two calls that all have."""

    config_class = JetBotConfig
    camera_names: tuple[str, ...] = ('',)

    def __init__(
        self, config: JetBotConfig, *, clock: Clock, name: str, log: logging.Logger | None = None
    ) -> None:
        self._config = config
        self._clock = clock
        self._log = log or logging.getLogger('devrobot_robots.jetbot')
        actions = config.motor_actions()
        self.action_space = action_space(actions, robot_name=name)
        self._ramps = [config.ramp(action) for action in actions]
        self._frozen = FrozenCamera(config.frozen_after)
        self._next_restart_s = -math.inf
        self._renewals = 0
        self._closed = threading.Event()
        address = Address(
            host=config.host,
            port=config.port,
            tls=config.tls,
            connect_timeout_s=config.connect_timeout,
            call_timeout_s=config.call_timeout,
        )
        self._address = str(address)
        self._link = Link(
            partial(connect, address),
            address=self._address,
            pauses=Pauses(
                call_s=config.call_timeout,
                retry_first_s=config.retry_first,
                retry_most_s=config.retry_most,
            ),
            tell=self._log.warning,
        )

    @classmethod
    def from_config(cls, config: JetBotConfig, *, clock: Clock, name: str) -> JetBotRobot:
        """Build the robot called ``name``."""
        return cls(config, clock=clock, name=name)

    def connect(self) -> None:
        """Connect; a server that starts, or obeys another client, is waited for as configured."""
        self._closed.clear()
        end = self._clock.now() + self._config.wait_for_robot
        waits = False
        while True:
            try:
                self._open()
                break
            except (CallRefusedError, LinkLostError) as error:
                remaining = end - self._clock.now()
                if remaining <= 0.0:
                    hint = 'is its server running? See' if type(error) is LinkLostError else 'see'
                    raise RobotError(f'{error}; {hint} docs/jetbot.md') from error
                if not waits:
                    self._log.warning(f'{error}; it is waited for, up to {remaining:.0f} s')
                    waits = True
            pause = min(RETRY_START_S, remaining)
            if not wait_unless_stopped(self._clock, pause, self._closed.is_set):
                raise RobotError(CLOSED_FIRST)
        if not self._link.version:
            self._log.warning(f'{NO_DEAD_MAN}; install the one in docs/jetbot.md')

    def _open(self) -> None:
        self._link.open()
        # Looked at after that: who closes later finds a link to close.
        if self._closed.is_set():
            self._link.close()
            raise RobotError(CLOSED_FIRST)

    def observe(self) -> dict[str, JpegFrame]:
        """Return a picture that was taken after this call began."""
        try:
            frame = self._picture()
            self._frozen.check(frame.jpeg, self._clock.now())
        except PictureError:
            self._restart_camera()
            raise
        self._renewals = 0
        return {'': frame}

    def execute(self, action: int, should_stop: Callable[[], bool]) -> None:
        """Run the ramp of the action; whatever happens, it ends with a stop."""
        self.action_space.check(action)
        # A selector asks again at once: without this, a lost robot would mean thousands of aborts.
        self._wait_for_link(should_stop)
        rests, ramp = False, self._ramps[action]
        try:
            if ramp.moves:
                self._link.settle()
            rests = self._run(ramp, should_stop)
        finally:
            if not rests:
                self.stop()

    def stop(self) -> None:
        """Stop the motors now."""
        self._link.motors(0.0, 0.0)

    def drive(self, linear_m_s: float, angular_rad_s: float) -> None:
        """Set the motors for a velocity, within ``max_speed``; the server ends it after 0.5 s."""
        config = self._config
        turn = angular_rad_s * config.wheel_distance / 2.0
        speeds = [(linear_m_s - turn) / config.top_speed, (linear_m_s + turn) / config.top_speed]
        if not all(map(math.isfinite, speeds)):
            raise RobotError(f'velocity {linear_m_s} m/s, {angular_rad_s} rad/s is not finite')
        # Both by the same factor: the robot goes slower, but where it was told to.
        left, right = config.trimmed(*speeds)
        excess = max(1.0, abs(left) / config.max_speed, abs(right) / config.max_speed)
        self._link.motors(left / excess, right / excess)

    def reset(self, seed: int | None = None) -> None:
        """Refuse: nobody can lift it."""
        raise ResetUnsupportedError('a JetBot cannot put itself into a new place; carry it there')

    def close(self) -> None:
        """Stop the motors and end the connections; ends waiting for the robot, too."""
        self._closed.set()
        with suppress(RobotError):
            self._link.motors(0.0, 0.0)
        self._link.close()

    def health(self) -> tuple[PartHealth, ...]:
        """Return the state of the connection."""
        problem = self._link.problem
        values = {
            'address': self._address,
            'server': self._link.version or ('an older one' if self._link.is_up else 'unknown'),
            'losses': str(self._link.losses),
        }
        level, message = Level.OK, 'connected'
        if problem:
            level, message = Level.ERROR, problem
        elif not self._link.version:
            level, message = Level.WARN, f'connected, but {NO_DEAD_MAN}'
        return (PartHealth(part='connection', level=level, message=message, values=values),)

    def _run(self, ramp: Ramp, should_stop: Callable[[], bool]) -> bool:
        """
        Return whether the ramp came to its end, at rest.

        :raises RobotError: if the motors did not follow it closely enough.
        """
        start = self._clock.now()
        due: float | None = None
        way = Way()
        for point, following in zip(ramp.setpoints, (*ramp.setpoints[1:], None), strict=True):
            remaining = start + point.at_s - self._clock.now()
            if not wait_unless_stopped(self._clock, remaining, should_stop):
                return False
            if point is ramp.setpoints[0]:
                # What held this one up must not shorten the motion.
                start = self._clock.now()
            due = start + point.at_s if due is None else due
            if following is not None and start + following.at_s <= self._clock.now():
                # Its time is over. To make up for it would prolong the motion.
                continue
            self._check_lateness(ramp, due)
            sent = self._clock.now()
            self._link.motors(point.left, point.right)
            # Not when it was sent but when it was answered: by then, the motors have it.
            self._check_lateness(ramp, due)
            due = None
            # Half of that time is the way there.
            way.note((sent + self._clock.now()) / 2.0, point.left, point.right)
        self._check_way(ramp, way)
        remaining = start + ramp.total_s - self._clock.now()
        wait_unless_stopped(self._clock, remaining, should_stop)
        return True

    def _check_lateness(self, ramp: Ramp, due: float) -> None:
        """Refuse to take for the action what has become another motion; rest is rest."""
        late, limit = self._clock.now() - due, self._config.max_lateness
        if ramp.moves and late > limit:
            raise RobotError(
                f'the motors were {late:.2f} s behind the action (robot.max_lateness {limit:g}): '
                f'{SLOW}'
            )

    def _check_way(self, ramp: Ramp, way: Way) -> None:
        """Refuse also what no setpoint alone shows: each a little late, and one way out."""
        limit = self._config.max_motion_error
        if abs(way.made_s - ramp.way_s) > limit * ramp.way_s:
            raise RobotError(
                f'the motors made {way.made_s / ramp.way_s:.0%} of the motion of the action '
                f'(robot.max_motion_error {limit:g}): {SLOW}'
            )

    def _wait_for_link(self, should_stop: Callable[[], bool]) -> None:
        wait_unless_stopped(
            self._clock, WAIT_FOR_LINK_S, lambda: self._link.is_up or should_stop()
        )

    def _picture(self) -> JpegFrame:
        if self._link.version:
            answer = self._link.camera('get_fresh_frame')
            if type(answer) is str:
                answer = answer.partition(' ')[2]
        else:
            self._clock.sleep(self._config.camera_delay)
            answer = self._link.camera('get_camera_frame')
        if not answer:
            raise PictureError('the camera gives no picture')
        return picture_from(answer)

    def _restart_camera(self) -> None:
        now = self._clock.now()
        if not self._link.is_up or now < self._next_restart_s:
            return
        self._next_restart_s = now + RESTART_PAUSE_S
        if not self._link.version:
            # An older server closes the camera when any client leaves. A new client is all that
            # may open it again; tried more and more seldom, for it costs the motors a pause.
            self._next_restart_s = now + RESTART_PAUSE_S * 2.0**self._renewals
            self._renewals = min(self._renewals + 1, MOST_DOUBLINGS)
            self._link.renew('its camera does not work')
            return
        self._log.warning('the camera does not work: asking the robot to open it anew')
        with suppress(RobotError):
            self._link.camera('restart_camera')

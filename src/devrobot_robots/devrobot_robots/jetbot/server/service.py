"""What a client may call. Plain values in, plain values out."""

import base64
import json
import logging
import threading
import time
from typing import Any, Callable, List, Optional

from . import VERSION
from .camera import CameraLoop
from .control import Control
from .motors import GuardedMotors, MotorError

FRESH_TIMEOUT_S = 1.0
STALE_AFTER_S = 2.0
LARGEST_SHOWN = 10**9
PREFIX = 'exposed_'
CALLS = frozenset(
    [
        'set_motors',
        'get_camera_frame',
        'get_fresh_frame',
        'take_control',
        'get_version',
        'get_health',
        'restart_camera',
    ]
)


class RobotParts:
    """The robot that all connections share."""

    def __init__(
        self,
        motors: GuardedMotors,
        camera: CameraLoop,
        control: Control,
        max_speed: float,
        log: logging.Logger,
    ) -> None:
        self.motors = motors
        self.camera = camera
        self.control = control
        self.max_speed = max_speed
        self.log = log
        self.started_s = time.monotonic()
        # No command may slip in between the question who moves the robot and its motion.
        self._moving = threading.Lock()

    def move(self, client: Any, name: str, left: float, right: float) -> None:
        """
        Set the motors for a client that has control, or gets it.

        :raises ControlError: if another client has it.
        :raises MotorError: if the motors do not do it.
        """
        with self._moving:
            self.control.take(client, name)
            self.motors.set(left, right)

    def stop(self, client: Any, name: str) -> None:
        """
        Stop the motors, whoever asks; somebody else's motion is over then.

        :raises MotorError: if the guard does not answer; then they are stopped by other means.
        """
        with self._moving:
            self.control.note_stop(client, name)
            self.motors.set(0.0, 0.0)

    def leave(self, client: Any) -> bool:
        """Stop the motors if it was this client that moved them, and return whether it was."""
        with self._moving:
            had = self.control.release(client)
            if had:
                self.motors.set(0.0, 0.0)
            return had


class RobotService:
    """The calls of one connection. Exactly those in ``CALLS`` can be reached from outside."""

    def __init__(self, parts: RobotParts, client: str) -> None:
        """``client`` is the address at the other end."""
        self._parts = parts
        self._client = client

    def _rpyc_getattr(self, name: str) -> Callable[..., Any]:
        if name.startswith(PREFIX):
            name = name[len(PREFIX) :]
        if name not in CALLS:
            raise AttributeError(f'this robot has no call {name[:50]!r}')
        return getattr(self, PREFIX + name)

    def on_disconnect(self, connection: Any) -> None:
        """Stop the motors if it was this client that moved them."""
        try:
            if self._parts.leave(self):
                self._parts.log.info('%s left: the motors are stopped', self._client)
        except MotorError as error:  # then they are being stopped by other means
            self._parts.log.info('%s left: %s', self._client, error)

    def exposed_set_motors(self, left: Any, right: Any) -> bool:
        """
        Set both motors, -1..1; zero stops, whoever asks.

        :raises ValueError: if a speed is not a number or too large; the motors are stopped then.
        :raises ControlError: if another client moves the robot.
        """
        parts = self._parts
        for speed in (left, right):
            if not _is_speed(speed, parts.max_speed):
                parts.stop(self, self._client)
                raise ValueError(
                    f'motor speed {_shown(speed)} is not between -{parts.max_speed} and '
                    f'{parts.max_speed}; the motors are stopped'
                )
        if left or right:
            parts.move(self, self._client, float(left), float(right))
        else:
            parts.stop(self, self._client)
        return True

    def exposed_get_camera_frame(self) -> Optional[str]:
        """Return the newest picture, a JPEG as base64; None = there is none from the last 2 s."""
        picture = self._parts.camera.newest(STALE_AFTER_S)
        return None if picture is None else base64.b64encode(picture.jpeg).decode('ascii')

    def exposed_get_fresh_frame(self) -> Optional[str]:
        """Return ``NUMBER BASE64`` of a picture taken after this call; None = none came in 1 s."""
        picture = self._parts.camera.fresh(FRESH_TIMEOUT_S)
        if picture is None:
            return None
        return '{} {}'.format(picture.number, base64.b64encode(picture.jpeg).decode('ascii'))

    def exposed_take_control(self) -> bool:
        """
        Become the client that moves the robot, or stay it; repeated, it is the sign of life.

        :raises ControlError: if another client is.
        """
        self._parts.control.take(self, self._client)
        return True

    def exposed_get_version(self) -> str:
        """Return name and version of this server."""
        return VERSION

    def exposed_get_health(self) -> str:
        """Return how the robot is, as JSON."""
        parts = self._parts
        speeds: Optional[List[float]] = None
        stops: Optional[int] = None
        problem = ''
        try:
            left, right, stops = parts.motors.state()
            speeds = [left, right]
        except MotorError as error:
            problem = str(error)
        return json.dumps(
            {
                'version': VERSION,
                'uptime_s': round(time.monotonic() - parts.started_s, 1),
                'controlled_by': parts.control.holder(),
                'motors': speeds,
                'motors_problem': problem[:200],
                'dead_man_stops': stops,
                'camera_frames': parts.camera.count,
                'camera_age_s': parts.camera.age_s(),
                'camera_restarts': parts.camera.restarts,
                'camera_problem': parts.camera.problem[:200],
            }
        )

    def exposed_restart_camera(self) -> bool:
        """Open the camera anew."""
        self._parts.log.info('%s restarts the camera', self._client)
        self._parts.camera.restart()
        return True


def _is_speed(value: Any, limit: float) -> bool:
    """Tell a plain number within the limit; what a client only pretends to be one is none."""
    # Compared as it is: what is no number is not compared, NaN fails, a huge int is not converted.
    return type(value) in (int, float) and -limit <= value <= limit


def _shown(value: Any) -> str:
    if type(value) not in (int, float, str):
        return 'no number'
    # Digits of a huge int would take long, or be refused.
    if type(value) is int and abs(value) > LARGEST_SHOWN:
        return 'of very many digits'
    return repr(value)[:30]

"""What a client may call. Plain values in, plain values out."""

import base64
import json
import logging
import math
import time
from typing import Any, Callable, Optional

from . import VERSION
from .camera import CameraLoop
from .control import Control
from .motors import GuardedMotors, MotorError

FRESH_TIMEOUT_S = 1.0
STALE_AFTER_S = 2.0
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
        if self._parts.control.release(self):
            self._parts.log.info('%s left: the motors are stopped', self._client)
            try:
                self._parts.motors.set(0.0, 0.0)
            except MotorError as error:  # then they are being stopped by other means
                self._parts.log.info('%s', error)

    def exposed_set_motors(self, left: Any, right: Any) -> bool:
        """
        Set both motors, -1..1; zero stops, whoever asks.

        :raises ValueError: if a speed is not a number or too large; the motors are stopped then.
        :raises ControlError: if another client moves the robot.
        """
        parts = self._parts
        for speed in (left, right):
            if not _is_speed(speed, parts.max_speed):
                parts.motors.set(0.0, 0.0)
                shown = repr(speed)[:30] if type(speed) in (int, float, str) else 'no number'
                raise ValueError(
                    f'motor speed {shown} is not between -{parts.max_speed} and '
                    f'{parts.max_speed}; the motors are stopped'
                )
        if left != 0.0 or right != 0.0:
            parts.control.take(self, self._client)
        parts.motors.set(float(left), float(right))
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
        left, right, stops = parts.motors.state()
        return json.dumps(
            {
                'version': VERSION,
                'uptime_s': round(time.monotonic() - parts.started_s, 1),
                'controlled_by': parts.control.holder(),
                'motors': [left, right],
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
    return type(value) in (int, float) and math.isfinite(value) and abs(value) <= limit

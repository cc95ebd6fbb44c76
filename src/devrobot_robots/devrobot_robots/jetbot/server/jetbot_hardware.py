"""Motors and camera of a real JetBot, through NVIDIA's package ``jetbot`` and its OpenCV."""

import time
from typing import Any, Optional

WIDTH = 224
HEIGHT = 224
JPEG_QUALITY = 90
POLL_S = 0.004
READ_TIMEOUT_S = 2.0


class JetbotMotors:
    """The two motors."""

    def __init__(self, robot: Any) -> None:
        self._left = robot.left_motor
        self._right = robot.right_motor

    def set(self, left: float, right: float) -> None:
        """
        Write both speeds, -1..1, to the chip.

        :raises Exception: of the bus, if one motor failed; the other one was set all the same.
        """
        problem: Optional[Exception] = None
        for motor, speed in ((self._left, left), (self._right, right)):
            try:
                _write(motor, speed)
            except Exception as error:  # the bus may raise anything
                problem = problem or error
        if problem is not None:
            raise problem


def _write(motor: Any, speed: float) -> None:
    """Write a speed, also where ``jetbot`` believes that the chip has it already."""
    if motor.value != speed:
        motor.value = speed
    else:
        # It only writes when its value changes. After a write that failed, or in a process that
        # begins while the chip still turns the motors, the value says nothing about the chip.
        change = {'type': 'change', 'name': 'value', 'owner': motor, 'old': speed, 'new': speed}
        motor.notify_change(change)


class JetbotCamera:
    """Turns the pictures of ``jetbot.Camera`` into JPEGs."""

    def __init__(self, camera: Any, cv2: Any) -> None:
        self._camera = camera
        self._cv2 = cv2
        self._last = camera.value

    def read(self) -> bytes:
        """
        Wait for a picture that was not read yet.

        :raises RuntimeError: if none comes in 2 s, or it cannot be written as JPEG.
        """
        end = time.monotonic() + READ_TIMEOUT_S
        while self._camera.value is self._last:
            if time.monotonic() > end:
                raise RuntimeError(f'no picture for {READ_TIMEOUT_S} s')
            time.sleep(POLL_S)
        self._last = self._camera.value
        quality = [self._cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
        done, data = self._cv2.imencode('.jpg', self._last, quality)
        if not done:
            raise RuntimeError('the picture cannot be written as JPEG')
        return data.tobytes()

    def close(self) -> None:
        """Stop the stream; a new one may be opened afterwards."""
        self._camera.stop()


def open_motors(option: str) -> JetbotMotors:
    """Return the motors."""
    from jetbot import Robot

    return JetbotMotors(Robot())


def open_camera(option: str) -> JetbotCamera:
    """Return the camera, running."""
    import cv2
    from jetbot import Camera

    # There is one such object in a process: after close() it is this one that starts again.
    camera = Camera.instance(width=WIDTH, height=HEIGHT)
    camera.start()
    return JetbotCamera(camera, cv2)

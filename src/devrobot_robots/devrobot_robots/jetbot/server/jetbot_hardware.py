"""Motors and camera of a real JetBot, through NVIDIA's package ``jetbot`` and its OpenCV."""

import time
from typing import Any

WIDTH = 224
HEIGHT = 224
JPEG_QUALITY = 90
POLL_S = 0.004


class JetbotMotors:
    """The two motors."""

    def __init__(self, robot: Any) -> None:
        self._robot = robot

    def set(self, left: float, right: float) -> None:
        """Set both speeds, -1..1."""
        self._robot.left_motor.value = left
        self._robot.right_motor.value = right


class JetbotCamera:
    """Turns the pictures of ``jetbot.Camera`` into JPEGs."""

    def __init__(self, camera: Any, cv2: Any) -> None:
        self._camera = camera
        self._cv2 = cv2
        self._last = camera.value

    def read(self) -> bytes:
        """Wait for a picture that was not read yet."""
        while self._camera.value is self._last:
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

    camera = Camera.instance(width=WIDTH, height=HEIGHT)
    camera.start()
    return JetbotCamera(camera, cv2)

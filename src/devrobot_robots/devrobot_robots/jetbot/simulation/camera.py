"""The camera of the simulated robot: draws the room as often as a real one takes pictures."""

from __future__ import annotations

from pathlib import Path
import time

from devrobot_interfaces_py.images import encode_jpeg
from devrobot_robots.jetbot.simulation.room import Room
from devrobot_robots.jetbot.simulation.state import StateFile
import numpy as np

PICTURE_PERIOD_S = 1.0 / 30.0
NOISE = 2
QUALITY = 90


class SimulatedCamera:
    """Pictures of the room with a little noise: no two are equal, as with a real camera."""

    def __init__(self, state_path: Path) -> None:
        self._state = StateFile(state_path)
        self._room = Room()
        self._noise = np.random.default_rng(0)
        self._due_s = 0.0

    def read(self) -> bytes:
        """Wait until the next picture is due, and return it as JPEG."""
        time.sleep(max(0.0, self._due_s - time.monotonic()))
        self._due_s = time.monotonic() + PICTURE_PERIOD_S
        picture = self._room.render(self._state.now())
        height, width = picture.shape[:2]
        # A stripe is enough to tell pictures apart, and costs nothing.
        stripe = self._noise.integers(-NOISE, NOISE, size=(1, width, 3), endpoint=True)
        picture[-1:] = np.clip(picture[-1:] + stripe, 0, 255)
        return encode_jpeg(picture, QUALITY)

    def close(self) -> None:
        """Nothing to release."""

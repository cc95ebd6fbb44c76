"""
The hardware module of the simulated robot, for the server's ``--hardware``.

Its option is the path of the state file; a file ``PATH.log`` beside it, if there is one, gets a
line ``MOMENT LEFT RIGHT`` for each command.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
import time
from typing import TYPE_CHECKING

from devrobot_robots.jetbot.simulation.drive import after, Pose
from devrobot_robots.jetbot.simulation.state import StateFile

if TYPE_CHECKING:
    from devrobot_robots.jetbot.simulation.camera import SimulatedCamera


class SimulatedMotors:
    """Wheels that turn in the state file."""

    def __init__(self, path: Path) -> None:
        self._state = StateFile(path)
        log = path.with_name(f'{path.name}.log')
        self._log = log if log.exists() else None
        if not path.exists():
            self._state.write(Pose(), time.monotonic())

    def set(self, left: float, right: float) -> None:
        """Run on until now, then turn with other speeds."""
        pose, moment_s = self._state.read()
        now = time.monotonic()
        pose = after(pose, max(0.0, now - moment_s))
        self._state.write(replace(pose, left=left, right=right), now)
        if self._log is not None:
            with self._log.open('a') as lines:
                lines.write(f'{now!r} {left!r} {right!r}\n')


def robot_name(option: str) -> str:
    """Return what tells this robot from others: the one place of its state."""
    return str(Path(option).resolve())


def open_motors(option: str) -> SimulatedMotors:
    """Return the motors; a robot that is new stands in the middle of its room."""
    return SimulatedMotors(Path(option))


def open_camera(option: str) -> SimulatedCamera:
    """Return the camera."""
    # Here, so that the process of the motors does without numpy and OpenCV.
    from devrobot_robots.jetbot.simulation.camera import SimulatedCamera

    return SimulatedCamera(Path(option))

"""
Where a robot with two driven wheels is after some time.

Forward kinematics of a differential drive (Siegwart, Nourbakhsh, Scaramuzza: Introduction to
Autonomous Mobile Robots, 2nd edition, 3.2.2), integrated exactly: at constant wheel speeds the
robot runs on an arc.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
import math

WHEEL_DISTANCE_M = 0.12
TOP_SPEED_M_S = 0.8
HALF_ROOM_M = 0.6
MARGIN_M = 0.1


@dataclass(frozen=True, kw_only=True)
class Pose:
    """Place on the floor [m], heading [rad, anticlockwise], and motor speeds (-1..1)."""

    x: float = 0.0
    y: float = 0.0
    heading: float = 0.0
    left: float = 0.0
    right: float = 0.0


def after(pose: Pose, seconds: float) -> Pose:
    """Return the pose when the motors have run on for ``seconds``; walls are not run through."""
    left, right = pose.left * TOP_SPEED_M_S, pose.right * TOP_SPEED_M_S
    turn = (right - left) / WHEEL_DISTANCE_M * seconds
    way = (left + right) / 2.0 * seconds
    if abs(turn) > 1e-9:
        # The chord of the arc; its direction is that of the middle of the turn.
        way *= math.sin(turn / 2.0) / (turn / 2.0)
    direction = pose.heading + turn / 2.0
    limit = HALF_ROOM_M - MARGIN_M
    return replace(
        pose,
        x=min(max(pose.x + way * math.cos(direction), -limit), limit),
        y=min(max(pose.y + way * math.sin(direction), -limit), limit),
        heading=math.remainder(pose.heading + turn, math.tau),
    )

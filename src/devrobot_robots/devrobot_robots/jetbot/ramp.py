"""
The motor speeds of one action over time: up in steps, hold, down in steps to zero.

Linear: with 4 steps of 15 ms and 0.2 s, a quarter of the speed at 0, 15, 30 and 45 ms each, full
speed until 0.2 s, three quarters, a half, a quarter, and zero at 0.245 s; it ends at 0.26 s.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Setpoint:
    """Both motor speeds (-1..1) from a moment on [s after the start]."""

    at_s: float
    left: float
    right: float


@dataclass(frozen=True, kw_only=True)
class Ramp:
    """All setpoints of an action in order; the last is zero, if the motors turn at all."""

    setpoints: tuple[Setpoint, ...]
    total_s: float

    @property
    def moves(self) -> bool:
        """Whether the motors turn at all."""
        return any(point.left or point.right for point in self.setpoints)

    @property
    def way_s(self) -> float:
        """How far the motors turn, as ``Way`` counts it."""
        way = Way()
        for point in self.setpoints:
            way.note(point.at_s, point.left, point.right)
        return way.made_s


class Way:
    """How far the motors turn: speed times time of both together, each to either side [s]."""

    def __init__(self) -> None:
        self._since_s = 0.0
        self._speed = 0.0
        self.made_s = 0.0

    def note(self, now_s: float, left: float, right: float) -> None:
        """Take the speeds from now on."""
        self.made_s += self._speed * (now_s - self._since_s)
        self._since_s, self._speed = now_s, abs(left) + abs(right)


def make_ramp(
    left: float,
    right: float,
    *,
    duration_s: float,
    steps: int,
    step_s: float,
    refresh_s: float,
) -> Ramp:
    """
    Return the profile of an action.

    :param duration_s: from the start to the begin of the way down; the way up is part of it.
    :param refresh_s: while the speed holds it is told again this often, for a dead-man timer.
    :raises ValueError: if the way up takes longer than ``duration_s``.
    """
    rise_s = steps * step_s
    if rise_s > duration_s:
        raise ValueError(
            f'{steps} steps of {step_s:g} s do not fit into an action of {duration_s:g} s'
        )
    total_s = duration_s + rise_s
    if left == right == 0.0:
        # Standing still is told once and takes as long as any action.
        return Ramp(setpoints=(Setpoint(at_s=0.0, left=0.0, right=0.0),), total_s=total_s)
    shares = [(step * step_s, (step + 1) / steps) for step in range(steps)] or [(0.0, 1.0)]
    shares += [(moment, 1.0) for moment in _refreshes(shares[-1][0], duration_s, refresh_s)]
    shares += [(duration_s + step * step_s, 1.0 - (step + 1) / steps) for step in range(steps)]
    if not steps:
        shares.append((duration_s, 0.0))
    return Ramp(
        setpoints=tuple(
            Setpoint(at_s=moment, left=left * share, right=right * share)
            for moment, share in shares
        ),
        total_s=total_s,
    )


def _refreshes(start_s: float, end_s: float, every_s: float) -> list[float]:
    """Return the moments in between, ``every_s`` apart."""
    count = int((end_s - start_s) / every_s)
    moments = [start_s + number * every_s for number in range(1, count + 1)]
    return [moment for moment in moments if moment < end_s - every_s / 2]

"""Axes of charts: from values to pixels, and where the ticks are."""

from collections.abc import Sequence
from dataclasses import dataclass
import math

NICE = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, kw_only=True)
class Scale:
    """Maps ``low`` … ``high`` to ``start`` … ``end`` px, by logarithm if ``log``."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def at(self, value: float) -> float:
        """Return the place of a value in px."""
        low, high, value = (
            (math.log10(v) for v in (self.low, self.high, value))
            if self.log
            else (self.low, self.high, value)
        )
        return self.start + (value - low) / (high - low) * (self.end - self.start)

    def ticks(self, wanted: int = 5) -> list[float]:
        """Return round values inside, about as many as wanted."""
        found = _decades(self.low, self.high, wanted) if self.log else []
        return found if len(found) > 1 else _steps(self.low, self.high, wanted)


def scale_of(
    values: Sequence[float], start: float, end: float, *, log: bool = False, pad: float = 0.0
) -> Scale:
    """Return a scale on which all values have a place, with a share of room at both ends."""
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    if log:
        room = max((high / low) ** pad, 1.08)
        return Scale(low=low / room, high=high * room, start=start, end=end, log=True)
    room = (high - low) * pad if high > low else abs(low) * 0.1 or 0.5
    return Scale(low=low - room, high=high + room, start=start, end=end)


def _steps(low: float, high: float, wanted: int) -> list[float]:
    rough = (high - low) / max(1, wanted)
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * nice for nice in NICE if size * nice >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


def _decades(low: float, high: float, wanted: int) -> list[float]:
    """Return 1, 2 and 5 of each decade, fewer if these are too many, all nine if too few."""
    span = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in ((1,), (1, 3), (1, 2, 5), (1, 2, 3, 4, 5, 7)):
        found = [
            step * 10.0**power
            for power in span
            for step in steps
            if low <= step * 10.0**power <= high
        ]
        if len(found) >= min(3, wanted):
            break
    every = max(1, math.ceil(len(found) / (wanted + 2)))
    return found[::every]


def tick_text(value: float) -> str:
    """Return a tick as short as it can be."""
    if value == 0:
        return '0'
    if abs(value) >= 10_000 or abs(value) < 0.001:
        for unit, sign in ((1e9, 'G'), (1e6, 'M'), (1e3, 'k')):
            if abs(value) >= unit:
                return f'{value / unit:.4g}{sign}'
        mantissa, _, exponent = f'{value:.1e}'.partition('e')
        return f'{mantissa.removesuffix(".0")}e{int(exponent)}'
    return f'{value:.4g}'

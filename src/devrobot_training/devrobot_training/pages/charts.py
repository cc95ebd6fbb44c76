"""What a chart shows, as data; ``curves`` draws it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
import math

Values = Sequence[float | None]
SOLID, FAINT, DASHED, DOTS, BOTH = 'solid', 'faint', 'dashed', 'dots', 'both'


@dataclass(frozen=True, kw_only=True)
class Line:
    """
    Points joined by a line; None is a gap.

    ``tone`` is a colour of the style sheet, ``kind`` a way to draw it, so that colour is never
    the only difference. Without a ``name`` it is not in the legend.
    """

    x: Sequence[float]
    y: Values
    name: str = ''
    tone: str = 'blue'
    kind: str = SOLID


@dataclass(frozen=True, kw_only=True)
class Band:
    """A stretch of the x axis with a name."""

    start: float
    end: float
    name: str


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A vertical line with a sign on top; those of one ``name`` share a place in the legend."""

    x: float
    name: str
    tone: str = 'purple'
    sign: str = '▼'


@dataclass(frozen=True, kw_only=True)
class Bars:
    """A histogram: one more edge than counts."""

    edges: Sequence[float]
    counts: Sequence[float]
    tone: str = 'blue'


@dataclass(frozen=True, kw_only=True)
class Chart:
    """Lines over x; ``alt`` says in words what is to be seen."""

    title: str
    alt: str
    x_name: str
    y_name: str
    lines: Sequence[Line] = ()
    bands: Sequence[Band] = ()
    marks: Sequence[Mark] = ()
    bars: Bars | None = None
    log: bool = False
    x_names: Sequence[tuple[float, str]] = ()
    note: str = ''

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to be drawn."""
        return self.bars is None and not any(good(line.y, log=self.log) for line in self.lines)


def good(values: Values, *, log: bool = False) -> list[float]:
    """Return the values that can be drawn."""
    return [v for v in values if v is not None and math.isfinite(v) and (v > 0 or not log)]


def smooth(values: Values, share: float = 0.04) -> list[float | None]:
    """Return the mean around each value, over so large a share of all; gaps stay."""
    reach = max(1, round(len(values) * share / 2))
    usable = [bool(good([value])) for value in values]
    sums = [0.0, *accumulate(v or 0.0 if u else 0.0 for v, u in zip(values, usable, strict=True))]
    counts = [0, *accumulate(usable)]
    found: list[float | None] = []
    for place, value in enumerate(values):
        begin, end = max(0, place - reach), min(len(values), place + reach + 1)
        near = counts[end] - counts[begin]
        known = value is not None and near > 0
        found.append((sums[end] - sums[begin]) / near if known else None)
    return found


def thin(x: Sequence[float], y: Values, most: int = 400) -> tuple[list[float], list[float | None]]:
    """Return about ``most`` points: of each stretch the lowest, the highest, and a gap if any."""
    if len(x) <= most:
        return list(x), list(y)
    kept: list[int] = []
    stretches = most // 2
    for number in range(stretches):
        begin = number * len(x) // stretches
        end = (number + 1) * len(x) // stretches
        inside = [place for place in range(begin, end) if good([y[place]])]
        gaps = [place for place in range(begin, end) if not good([y[place]])]
        ends = [best(inside, key=lambda place: y[place] or 0.0) for best in (min, max) if inside]
        kept += sorted({*ends, *gaps[:1]})
    return [x[place] for place in kept], [y[place] for place in kept]

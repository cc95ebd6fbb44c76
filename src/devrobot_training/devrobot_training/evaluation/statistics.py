"""
Many values in a few numbers.

NaN is a value that nobody could measure. Infinity is one: the distance of a dot that is not there,
the PSNR of an exact prediction. It has its place in the order and so in the percentiles, but none
in a mean.
"""

from dataclasses import dataclass
import math

import numpy as np

PERCENTILES = (1, 5, 25, 50, 75, 95, 99)
BINS = 30


@dataclass(frozen=True, kw_only=True)
class Statistics:
    """
    ``count`` finite values, ``missing`` others: NaN or infinite.

    Median and percentiles are those of all but NaN, the rest those of the finite ones; NaN where
    there are none.
    """

    count: int
    missing: int
    mean: float
    median: float
    standard_deviation: float
    minimum: float
    maximum: float
    percentiles: dict[int, float]


@dataclass(frozen=True, kw_only=True)
class Histogram:
    """How many values lie between each two of the edges."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]


def describe(values: np.ndarray) -> Statistics:
    """Return the statistics of (N,) values; the standard deviation is that of the sample."""
    finite = values[np.isfinite(values)]
    some = finite if len(finite) else np.array([np.nan])
    return Statistics(
        count=len(finite),
        missing=len(values) - len(finite),
        mean=float(some.mean()),
        median=percentile(values, 50),
        standard_deviation=float(some.std()),
        minimum=float(some.min()),
        maximum=float(some.max()),
        percentiles={point: percentile(values, point) for point in PERCENTILES},
    )


def percentile(values: np.ndarray, point: float) -> float:
    """
    Return a percentile of all values but NaN, between two of them by a straight line.

    Between a finite and an infinite value it is infinite; without any value it is NaN.
    """
    ordered = np.sort(values[~np.isnan(values)])
    if not len(ordered):
        return math.nan
    place = point / 100 * (len(ordered) - 1)
    below, above = float(ordered[math.floor(place)]), float(ordered[math.ceil(place)])
    if below == above:  # also two infinities, whose difference is none
        return below
    return below + (above - below) * (place - math.floor(place))


def histogram(values: np.ndarray) -> Histogram:
    """Return the histogram of the finite values, with at most 30 bars of equal width."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return Histogram(edges=(0.0, 1.0), counts=(0,))
    # Values that hardly differ cannot be told apart by 30 edges.
    differ = np.ptp(finite) > 1e-9 * np.abs(finite).max()
    counts, edges = np.histogram(finite, bins=min(BINS, len(finite)) if differ else 1)
    return Histogram(edges=tuple(map(float, edges)), counts=tuple(map(int, counts)))

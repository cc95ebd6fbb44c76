"""Many values in a few numbers; what is not finite is counted, not averaged."""

from dataclasses import dataclass

import numpy as np

PERCENTILES = (1, 5, 25, 50, 75, 95, 99)
BINS = 30


@dataclass(frozen=True, kw_only=True)
class Statistics:
    """Of the finite values; NaN where there are none. ``missing`` counts the others."""

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
    missing = len(values) - len(finite)
    if not len(finite):
        nan = float('nan')
        return Statistics(
            count=0,
            missing=missing,
            mean=nan,
            median=nan,
            standard_deviation=nan,
            minimum=nan,
            maximum=nan,
            percentiles=dict.fromkeys(PERCENTILES, nan),
        )
    points = np.percentile(finite, PERCENTILES)
    return Statistics(
        count=len(finite),
        missing=missing,
        mean=float(finite.mean()),
        median=float(np.median(finite)),
        standard_deviation=float(finite.std()),
        minimum=float(finite.min()),
        maximum=float(finite.max()),
        percentiles={p: float(v) for p, v in zip(PERCENTILES, points, strict=True)},
    )


def histogram(values: np.ndarray) -> Histogram:
    """Return the histogram of the finite values, with at most 30 bars of equal width."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return Histogram(edges=(0.0, 1.0), counts=(0,))
    counts, edges = np.histogram(finite, bins=min(BINS, max(1, len(finite))))
    return Histogram(edges=tuple(map(float, edges)), counts=tuple(map(int, counts)))

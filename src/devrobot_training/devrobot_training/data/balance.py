"""
How the draws of a sampler fit what they should have been.

A canvas that is owed e draws and got c is no news as long as chance explains it. At every draw
the canvas is taken with the probability that its share gives it, whatever happened before, so
c - e is a martingale with steps of at most 1 and a variance of at most e. Freedman's inequality
then bounds the chance of a distance of d or more by 2 exp(-d^2 / (2 (e + d/3))); times M it holds
for the worst of M canvases. No fixed share of "uneven" canvases could tell this: the fewer draws,
the more uneven they are. Shapes: M things that are drawn, which are canvases or runs of them.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Balance:
    """
    Draws of canvases, or of runs where runs are drawn.

    ``least`` and ``most`` are the draws that are owed to the one with the fewest and to the one
    with the most; ``chance`` bounds the probability of counts as far from what is owed.
    """

    draws: int
    least: float
    most: float
    chance: float


class Balanced(Protocol):
    """A sampler, as far as this module is concerned."""

    counts: np.ndarray

    def balance(self) -> Balance:
        """Return how its draws fit what they should have been."""


def chance_of(counts: np.ndarray, owed: np.ndarray) -> float:
    """Return an upper bound of the chance that (M,) counts are so far from (M,) owed draws."""
    distance = np.abs(counts - owed)
    allowance = owed + distance / 3.0
    exponent = np.zeros(len(counts))
    np.divide(distance**2, 2.0 * allowance, out=exponent, where=allowance > 0)
    return float(min(1.0, 2.0 * len(counts) * np.exp(-exponent.max())))


def draw_summary(sampler: Balanced) -> dict[str, float]:
    """Return how often canvases were drawn, and whether that is as it should be, for a log."""
    counts, balance = sampler.counts, sampler.balance()
    return {
        'minimum': float(counts.min()),
        'median': float(np.median(counts)),
        'maximum': float(counts.max()),
        'unseen': float((counts == 0).sum()),
        'draws': float(balance.draws),
        'least_owed': balance.least,
        'most_owed': balance.most,
        'chance': balance.chance,
    }

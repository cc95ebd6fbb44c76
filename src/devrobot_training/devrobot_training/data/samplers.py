"""
Samplers over M things: canvases, or runs of them.

Each has a random generator of its own, and a state from which it goes on exactly.
"""

from collections.abc import Mapping
from typing import Any

from devrobot_training.data.balance import Balance, chance_of
import numpy as np


class UniformSampler:
    """Every canvas is as likely as any other, each time anew."""

    def __init__(self, count: int, *, seed: int) -> None:
        self.counts = np.zeros(count, np.int64)
        self._rng = np.random.default_rng(seed)

    def draw(self, size: int) -> np.ndarray:
        """Return (size,) rows, drawn with replacement."""
        rows = self._rng.integers(0, len(self.counts), size)
        np.add.at(self.counts, rows, 1)
        return rows

    def observe(self, rows: np.ndarray, losses: np.ndarray) -> None:
        """Pass over the losses."""

    def expected_share(self) -> np.ndarray:
        """Return equal shares."""
        return _equal_shares(len(self.counts))

    def balance(self) -> Balance:
        """Return how the draws so far fit their shares."""
        draws = int(self.counts.sum())
        owed = draws * self.expected_share()
        return Balance(
            draws=draws,
            least=float(owed.min()),
            most=float(owed.max()),
            chance=self._chance(owed),
        )

    def _chance(self, owed: np.ndarray) -> float:
        return chance_of(self.counts, owed)

    def state(self) -> dict[str, Any]:
        """Return generator and counts."""
        return {'rng': self._rng.bit_generator.state, 'counts': self.counts.tolist()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on after ``state``."""
        self._rng.bit_generator.state = state['rng']
        self.counts[:] = state['counts']


class EpochSampler(UniformSampler):
    """Every canvas once per pass, in random order; a batch may reach into the next pass."""

    def __init__(self, count: int, *, seed: int) -> None:
        super().__init__(count, seed=seed)
        self._left = np.empty(0, np.int64)

    def draw(self, size: int) -> np.ndarray:
        """Return the next ``size`` rows."""
        while len(self._left) < size:
            self._left = np.concatenate([self._left, self._rng.permutation(len(self.counts))])
        rows, self._left = self._left[:size], self._left[size:]
        np.add.at(self.counts, rows, 1)
        return rows

    def _chance(self, owed: np.ndarray) -> float:
        """Nothing is left to chance: no canvas is more than one pass ahead."""
        return float(np.ptp(self.counts) <= 1)

    def state(self) -> dict[str, Any]:
        """Return generator, counts and the rest of the pass."""
        return {**super().state(), 'left': self._left.tolist()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on after ``state``."""
        super().restore(state)
        self._left = np.array(state['left'], np.int64)


class LossWeightedSampler(UniformSampler):
    """
    The higher the loss that a canvas had last, the likelier it is (with replacement).

    A canvas that was not seen yet counts as the mean of those that were. The weights are
    softmax(u / temperature) of the losses u, scaled to 0..1, and are renewed now and then.
    """

    def __init__(self, count: int, *, seed: int, temperature: float, refresh: int) -> None:
        super().__init__(count, seed=seed)
        self._temperature = temperature
        self._refresh = refresh
        self._losses = np.full(count, np.nan)
        self._batches = 0
        # Draws that earlier weights should have given; the ones of the moment add theirs when
        # they go, so that a draw costs no work per canvas.
        self._owed = np.zeros(count)
        self._drawn = 0
        self._set_weights(_equal_shares(count))

    @property
    def weights(self) -> np.ndarray:
        """The (M,) shares of the next draws."""
        return self._weights.copy()

    def draw(self, size: int) -> np.ndarray:
        """Return (size,) rows by the weights of the moment."""
        if self._batches % self._refresh == 0:
            self._owed += self._drawn * self._weights
            self._drawn = 0
            self._set_weights(loss_weights(self._losses, self._temperature))
        self._batches += 1
        self._drawn += size
        rows = self._cumulative.searchsorted(self._rng.random(size), side='right')
        np.add.at(self.counts, rows, 1)
        return rows

    def observe(self, rows: np.ndarray, losses: np.ndarray) -> None:
        """Remember the losses for the next weights; what is not finite tells nothing."""
        finite = np.isfinite(losses)
        self._losses[rows[finite]] = losses[finite]

    def expected_share(self) -> np.ndarray:
        """Return the mean of the weights over all draws; before the first, the weights."""
        total = int(self.counts.sum())
        if not total:
            return self.weights
        return (self._owed + self._drawn * self._weights) / total

    def state(self) -> dict[str, Any]:
        """Return generator, counts, losses and weights."""
        seen = [None if np.isnan(loss) else float(loss) for loss in self._losses]
        return {
            **super().state(),
            'losses': seen,
            'weights': self._weights.tolist(),
            'batches': self._batches,
            'owed': self._owed.tolist(),
            'drawn': self._drawn,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on after ``state``."""
        super().restore(state)
        self._losses[:] = [np.nan if loss is None else loss for loss in state['losses']]
        self._set_weights(np.array(state['weights']))
        self._batches = int(state['batches'])
        self._owed[:] = state['owed']
        self._drawn = int(state['drawn'])

    def _set_weights(self, weights: np.ndarray) -> None:
        self._weights = weights
        cumulative = np.cumsum(weights)
        self._cumulative = cumulative / cumulative[-1]


def loss_weights(losses: np.ndarray, temperature: float) -> np.ndarray:
    """
    Return the shares of (M,) losses, NaN where none was seen; their sum is 1.

    Equal losses, or none at all, give equal shares.
    """
    known = np.isfinite(losses)
    if not known.any():
        return _equal_shares(len(losses))
    filled = np.where(known, losses, losses[known].mean())
    low, high = filled.min(), filled.max()
    unit = (filled - low) / (high - low) if high > low else np.zeros(len(losses))
    weights = np.exp((unit - 1.0) / temperature)
    return weights / weights.sum()


def _equal_shares(count: int) -> np.ndarray:
    return np.full(count, 1.0 / count)

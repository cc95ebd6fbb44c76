"""
Choose the canvases of each batch.

Shapes: M canvases, B rows of a batch, R runs of L canvases that follow each other. Every sampler
has a random generator of its own, and a state from which it goes on exactly.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from devrobot_interfaces_py.configs import check_ranges, ConfigError, param
from devrobot_training.data.balance import Balance
from devrobot_training.data.canvases import CanvasSet
from devrobot_training.data.samplers import EpochSampler, LossWeightedSampler, UniformSampler
import numpy as np

KINDS = ('uniform', 'epoch', 'loss_weighted')


@dataclass(frozen=True, kw_only=True)
class SamplerConfig:
    """Which canvases are trained on, and how often."""

    kind: str = param(
        'uniform',
        '`uniform` draws with replacement; `epoch` goes through all in random order; '
        '`loss_weighted` prefers those of a high loss',
        choices=KINDS,
    )
    temperature: float = param(
        0.5,
        'of `loss_weighted`: low = only the highest losses, high = nearly uniform',
        minimum=0.001,
        maximum=1000.0,
    )
    refresh_batches: int = param(
        50,
        'batches between two new weights of `loss_weighted`',
        minimum=1,
        maximum=1_000_000,
    )
    chunk_length: int = param(
        0,
        'draw runs of so many canvases that follow each other, whose frames are encoded once; '
        '0 = single canvases',
        minimum=0,
        maximum=10_000,
    )

    def __post_init__(self) -> None:
        check_ranges(self)


class Sampler(Protocol):
    """Draws rows of canvases."""

    counts: np.ndarray

    def draw(self, size: int) -> np.ndarray:
        """Return (size,) int64 rows."""

    def observe(self, rows: np.ndarray, losses: np.ndarray) -> None:
        """Take the losses that the canvases of a batch had."""

    def expected_share(self) -> np.ndarray:
        """Return (M,) shares that each canvas should have of the draws so far; their sum is 1."""

    def balance(self) -> Balance:
        """Return how the draws so far fit these shares."""

    def state(self) -> dict[str, Any]:
        """Return all that decides about the next draws, as plain data."""

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on after ``state``."""


class ChunkedSampler:
    """Draws whole runs of canvases, chosen by a sampler over the runs."""

    def __init__(self, runs: np.ndarray, count: int, inner: UniformSampler) -> None:
        """
        Take (R, L) ``runs`` in the order of their first rows; ``count`` is M.

        :param inner: a sampler over the R runs.
        """
        if not (np.diff(runs[:, 0]) > 0).all():
            raise ValueError('runs must be in the order of their first rows, each row first once')
        self.counts = np.zeros(count, np.int64)
        self._runs = runs
        self._inner = inner

    def draw(self, size: int) -> np.ndarray:
        """
        Return the rows of size / L runs.

        :raises ValueError: if ``size`` is no multiple of L.
        """
        length = self._runs.shape[1]
        if size % length:
            raise ValueError(f'a batch of {size} cannot be made of runs of {length} canvases')
        rows = self._runs[self._inner.draw(size // length)].ravel()
        np.add.at(self.counts, rows, 1)
        return rows

    def observe(self, rows: np.ndarray, losses: np.ndarray) -> None:
        """
        Give each run of the batch the mean loss of its canvases.

        :raises ValueError: if ``rows`` is not such a batch.
        """
        pieces = rows.reshape(-1, self._runs.shape[1])
        found = np.searchsorted(self._runs[:, 0], pieces[:, 0])
        numbers = np.minimum(found, len(self._runs) - 1)
        if not (self._runs[numbers] == pieces).all():
            raise ValueError(f'rows {rows[:8].tolist()}… are not made of whole runs')
        self._inner.observe(numbers, losses.reshape(pieces.shape).mean(axis=1))

    def expected_share(self) -> np.ndarray:
        """Return the shares of the runs, spread over their canvases."""
        share = np.zeros(len(self.counts))
        length = self._runs.shape[1]
        np.add.at(share, self._runs, self._inner.expected_share()[:, None] / length)
        return share

    def balance(self) -> Balance:
        """Return how the draws of the runs fit their shares: canvases come in runs only."""
        return self._inner.balance()

    def state(self) -> dict[str, Any]:
        """Return the inner state and the counts."""
        return {'inner': self._inner.state(), 'counts': self.counts.tolist()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on after ``state``."""
        self._inner.restore(state['inner'])
        self.counts[:] = state['counts']


def make_sampler(config: SamplerConfig, canvases: CanvasSet, seed: int) -> Sampler:
    """
    Return the sampler that ``config`` describes.

    :raises ConfigError: if no run of canvases is as long as a chunk.
    """
    if not config.chunk_length:
        return _single(config, len(canvases), seed)
    runs = canvases.runs(config.chunk_length)
    if not len(runs):
        raise ConfigError(
            f'sampler.chunk_length is {config.chunk_length}, but {canvases.name} has no run of so '
            'many canvases: use a smaller one, or 0'
        )
    return ChunkedSampler(runs, len(canvases), _single(config, len(runs), seed))


def _single(config: SamplerConfig, count: int, seed: int) -> UniformSampler:
    if config.kind == 'loss_weighted':
        return LossWeightedSampler(
            count, seed=seed, temperature=config.temperature, refresh=config.refresh_batches
        )
    return (EpochSampler if config.kind == 'epoch' else UniformSampler)(count, seed=seed)

"""
Replay memory of the online learner: every unique frame once, canvases as indices.

Shapes: B batch, K frames per canvas, N patches per frame, D values per patch.
"""

from collections import deque
from dataclasses import dataclass

from devrobot_world_model.model.mae import Batch
import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Sample:
    """One canvas: K keys of frames in the memory, K-1 separator colours."""

    frames: tuple[int, ...]
    colors: tuple[tuple[int, int, int], ...]


class ReplayMemory:
    """
    A ring of the newest frames and the samples that they make.

    A canvas costs a few numbers instead of the 473 KB of its pixels (224x704). The ring grows by
    doubling until ``capacity`` frames, so that a short session takes little memory. Not
    thread-safe: the owner locks.
    """

    def __init__(self, capacity: int, patches: int, values: int) -> None:
        if capacity < 2:
            raise ValueError(f'replay memory needs room for 2 frames at least, got {capacity}')
        self._capacity = capacity
        self._ring = torch.empty((min(capacity, 64), patches, values), dtype=torch.uint8)
        self._next = 0
        self._samples: deque[Sample] = deque()

    def __len__(self) -> int:
        return len(self._samples)

    def add_frame(self, patches: Tensor) -> int:
        """Keep an (N, D) uint8 frame; return its key. The oldest frame goes when full."""
        if self._next >= len(self._ring) and len(self._ring) < self._capacity:
            size = min(self._capacity, 2 * len(self._ring))
            ring = torch.empty((size, *self._ring.shape[1:]), dtype=torch.uint8)
            ring[: len(self._ring)] = self._ring
            self._ring = ring
        self._ring[self._next % self._capacity] = patches
        self._next += 1
        oldest = self._next - self._capacity
        while self._samples and min(self._samples[0].frames) < oldest:
            self._samples.popleft()
        return self._next - 1

    def add_sample(self, sample: Sample) -> None:
        """
        Keep a sample; it becomes the newest.

        :raises KeyError: if one of its frames is not (or no longer) in the memory.
        """
        for key in sample.frames:
            if not self.holds(key):
                raise KeyError(f'frame {key} is not in the replay memory')
        self._samples.append(sample)

    def holds(self, key: int) -> bool:
        """Return whether the frame with ``key`` is still there."""
        return max(0, self._next - self._capacity) <= key < self._next

    def frame(self, key: int) -> Tensor:
        """Return the (N, D) uint8 frame with ``key``."""
        if not self.holds(key):
            raise KeyError(f'frame {key} is not in the replay memory')
        return self._ring[key % self._capacity]

    def batch(self, size: int, rng: np.random.Generator) -> Batch:
        """
        Return the newest sample and up to ``size`` - 1 older ones, drawn without repetition.

        :raises ValueError: if the memory holds no sample.
        """
        if not self._samples:
            raise ValueError('the replay memory holds no sample yet')
        older = len(self._samples) - 1
        count = min(size - 1, older)
        drawn = rng.choice(older, count, replace=False).tolist() if older else []
        chosen = [self._samples[-1], *(self._samples[index] for index in drawn)]
        keys = torch.tensor([sample.frames for sample in chosen])
        return Batch(
            frames=self._ring[keys % self._capacity],
            colors=torch.tensor([sample.colors for sample in chosen], dtype=torch.uint8),
        )

"""Frames one after the other in a raw file: written once, mapped into memory afterwards."""

from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np


class FrameFile:
    """
    Writes (H, W, 3) uint8 frames of one size; use it as a context manager.

    Plain writes: filling a memory map costs a page fault for every 4 KiB.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.shape: tuple[int, int, int] | None = None
        self.count = 0

    def __enter__(self) -> Self:
        self._file = self._path.open('wb', buffering=0)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def fits(self, image: np.ndarray) -> bool:
        """Return whether the frame has the size of those before it."""
        return self.shape is None or image.shape == self.shape

    def append(self, image: np.ndarray) -> int:
        """Write a frame and return its index."""
        self.shape = self.shape or image.shape
        data = memoryview(np.ascontiguousarray(image)).cast('B')
        while data:  # a raw write may take a part only
            data = data[self._file.write(data) :]
        self.count += 1
        return self.count - 1


def map_frames(path: Path, count: int, shape: tuple[int, int, int]) -> np.ndarray:
    """Return (N, H, W, 3) uint8 frames of a file, read-only, loaded when they are touched."""
    if not count:
        return np.empty((0, *shape), np.uint8)
    return np.memmap(path, np.uint8, mode='r', shape=(count, *shape))

"""Frames one after the other in a raw file: written once, mapped into memory afterwards."""

import os
from pathlib import Path
import queue
import threading
from types import TracebackType
from typing import Self

import numpy as np

GROWTH = 1 << 28  # bytes that are reserved at a time
BLOCK = 1 << 21  # bytes that are written at a time
WAITING_BLOCKS = 4


class FrameFile:
    """
    Writes (H, W, 3) uint8 frames of one size; use it as a context manager.

    A thread writes beside the reading of the next frames. Plain writes into reserved space:
    filling a memory map, or growing the file with each write, costs several times as much.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.shape: tuple[int, int, int] | None = None
        self.count = 0
        self._block: list[np.ndarray] = []
        self._size = 0
        self._blocks: queue.Queue[list[np.ndarray] | None] = queue.Queue(WAITING_BLOCKS)
        self._error: OSError | None = None

    def __enter__(self) -> Self:
        self._file = self._path.open('wb', buffering=0)
        # A daemon: a second Ctrl-C may cut __exit__ short, and the process must end all the same.
        self._thread = threading.Thread(target=self._write_blocks, daemon=True)
        try:
            self._thread.start()
        except BaseException:
            # An interrupt may come when the thread runs already, and __exit__ is not called then.
            self._blocks.put(None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._blocks.put(self._block)
        self._blocks.put(None)
        self._thread.join()
        self._file.close()
        if error is None and self._error is not None:
            raise self._error

    def fits(self, image: np.ndarray) -> bool:
        """Return whether the frame has the size of those before it."""
        return self.shape is None or image.shape == self.shape

    def append(self, image: np.ndarray) -> int:
        """
        Take a frame that does not change any more, and return its index.

        :raises OSError: if an earlier one could not be written, as on a full disk.
        """
        self.shape = self.shape or image.shape
        self._block.append(np.ascontiguousarray(image))
        self._size += image.nbytes
        if self._size >= BLOCK:
            if self._error is not None:
                raise self._error
            self._blocks.put(self._block)
            self._block, self._size = [], 0
        self.count += 1
        return self.count - 1

    def _write_blocks(self) -> None:
        """Write until None comes; after an error take what comes and drop it."""
        end = reserved = 0
        while (block := self._blocks.get()) is not None:
            if self._error is not None:
                continue
            try:
                size = sum(image.nbytes for image in block)
                while end + size > reserved:
                    reserved = self._reserve(reserved)
                _write_all(self._file.fileno(), block)
                end += size
            except OSError as error:
                self._error = error
        if self._error is None:
            self._file.truncate(end)

    def _reserve(self, size: int) -> int:
        os.posix_fallocate(self._file.fileno(), size, GROWTH)
        return size + GROWTH


def _write_all(descriptor: int, images: list[np.ndarray]) -> None:
    views = [image.data.cast('B') for image in images]
    while views:
        written = os.writev(descriptor, views)  # may take a part only
        while views and written >= len(views[0]):
            written -= len(views.pop(0))
        if written:
            views[0] = views[0][written:]


def map_frames(path: Path, count: int, shape: tuple[int, int, int]) -> np.ndarray:
    """Return (N, H, W, 3) uint8 frames of a file, read-only, loaded when they are touched."""
    if not count:
        return np.empty((0, *shape), np.uint8)
    return np.memmap(path, np.uint8, mode='r', shape=(count, *shape))

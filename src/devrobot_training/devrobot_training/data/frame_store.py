"""
The frames of sessions as patches, each unique frame once.

Shapes: F frames, N patches per frame, D values per patch, H x W frame of the canvas. A frame of
224x224 pixels takes 150 KB here; a canvas of three of them, built beforehand, takes 473 KB.
"""

from collections.abc import Callable, Sequence
import mmap

from devrobot_interfaces_py.images import resize
from devrobot_training.sessions.session import Session
from devrobot_world_model.canvas.layout import CanvasLayout
from devrobot_world_model.model.patches import patchify
import numpy as np
import torch
from torch import Tensor

STORES = ('auto', 'memory', 'disk')
BLOCK = 64
#: Pages of the mapped file that may stay in this process before they are given back.
RESIDENT_BYTES = 64 * 1024 * 1024
#: Share of the free memory of a GPU that frames may take.
MOST_OF_A_GPU = 0.5


class FrameStore:
    """
    Gives the patches of frames by their index, over all its sessions.

    ``memory`` holds the patches in RAM (or on the GPU, see ``to``): indexing is all that is left
    per batch. ``disk`` reads from the sessions' own memory-mapped files and takes constant memory.
    """

    def __init__(
        self, sessions: Sequence[Session], layout: CanvasLayout, *, kind: str, limit_bytes: int
    ) -> None:
        """
        Note the sessions; ``load`` reads what is to be in memory.

        :param kind: auto, memory or disk; auto is memory up to ``limit_bytes``.
        """
        if kind not in STORES:
            raise ValueError(f'store is {kind!r}, must be one of {", ".join(STORES)}')
        self._layout = layout
        self._sources = [session.frames for session in sessions]
        counts = [len(source) for source in self._sources]
        self.offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        if kind == 'auto':
            kind = 'memory' if self.bytes_per_frame * len(self) <= limit_bytes else 'disk'
        self.kind = kind
        self._patches: Tensor | None = None
        self._touched = 0

    def __len__(self) -> int:
        return int(self.offsets[-1])

    @property
    def bytes_per_frame(self) -> int:
        """Memory of one frame."""
        return self._layout.patches_per_frame * self._layout.patch_values

    @property
    def device(self) -> torch.device:
        """Where ``gather`` leaves the patches."""
        return torch.device('cpu') if self._patches is None else self._patches.device

    def load(self, progress: Callable[[int, int], None] | None = None) -> None:
        """Read all frames if they are to be in memory; do nothing otherwise."""
        if self.kind != 'memory' or self._patches is not None:
            return
        layout = self._layout
        patches = torch.empty(
            (len(self), layout.patches_per_frame, layout.patch_values), dtype=torch.uint8
        )
        for begin in range(0, len(self), BLOCK):
            rows = np.arange(begin, min(begin + BLOCK, len(self)))
            patches[begin : begin + len(rows)] = self._read(rows)
            if progress is not None:
                progress(begin + len(rows), len(self))
        self._patches = patches

    def to(self, device: torch.device) -> None:
        """
        Keep the patches on ``device``, where they are in memory at all.

        What would take most of a GPU stays in the memory of the host; batches are copied then.
        """
        if self._patches is None:
            return
        if device.type == 'cuda' and not _has_room(device, self._patches.nbytes):
            return
        self._patches = self._patches.to(device)

    def gather(self, rows: np.ndarray) -> Tensor:
        """Return the (len(rows), N, D) uint8 patches of frames, as a copy."""
        if self._patches is not None:
            return self._patches[torch.from_numpy(rows).to(self._patches.device)]
        return self._read(rows)

    def _read(self, rows: np.ndarray) -> Tensor:
        """Read frames from their files."""
        source = np.searchsorted(self.offsets, rows, 'right') - 1
        layout = self._layout
        pixels = np.empty((len(rows), layout.frame_height, layout.frame_width, 3), np.uint8)
        for number in np.unique(source):
            here = source == number
            pixels[here] = self._fitted(self._sources[number], rows[here] - self.offsets[number])
        return patchify(torch.from_numpy(pixels), layout.patch_size)

    def _fitted(self, frames: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return frames in the size of the canvas."""
        height, width = self._layout.frame_height, self._layout.frame_width
        taken = frames[rows]
        self._give_back(frames, taken.nbytes)
        if taken.shape[1:3] == (height, width):
            return taken
        return np.stack([resize(frame, height, width) for frame in taken])

    def _give_back(self, frames: np.ndarray, size: int) -> None:
        """Let go of mapped pages now and then: they stay in the system's cache, not in ours."""
        self._touched += size
        mapped = getattr(frames, '_mmap', None)
        if self._touched >= RESIDENT_BYTES and mapped is not None:
            mapped.madvise(mmap.MADV_DONTNEED)
            self._touched = 0


def _has_room(device: torch.device, size: int) -> bool:
    """Return whether so many bytes leave a GPU most of its free memory."""
    free, _ = torch.cuda.mem_get_info(device)
    return size <= MOST_OF_A_GPU * free

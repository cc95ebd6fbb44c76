"""
Batches in the order of a sampler, put together beside the training step.

Rows are drawn in the caller's thread, so that what is drawn depends on the losses seen and on
nothing else; only the copying of frames happens in a thread of its own. Shapes: B rows of the
whole batch, b of them for this process.
"""

from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from devrobot_training.data.canvases import CanvasSet
from devrobot_training.data.sampling import Sampler
from devrobot_world_model.model.mae import Batch
import numpy as np
import torch


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """
    One batch: its (B,) rows, and what this process trains on.

    ``before`` are the canvases one step earlier of those at ``imagined``, whose newest history
    frame is to be the model's own prediction; None without any.
    """

    rows: np.ndarray
    batch: Batch
    before: Batch | None = None
    imagined: np.ndarray | None = None


@dataclass(frozen=True)
class _Transfer:
    loaded: Loaded
    ready: Any  # torch.cuda.Event, or None


class BatchLoader:
    """
    Gives batches for ever; ``close`` ends its thread.

    On a GPU the frames go through pinned memory and a stream of their own, unless the store is on
    the GPU already.
    """

    def __init__(
        self,
        canvases: CanvasSet,
        sampler: Sampler,
        *,
        batch_size: int,
        depth: int = 2,
        device: torch.device | None = None,
        rank: int = 0,
        processes: int = 1,
        imagined_share: float = 0.0,
    ) -> None:
        """
        Prepare; nothing is drawn before the first ``next``.

        :param depth: batches that are drawn ahead; 0 puts them together when they are asked for.
        :param rank: this process takes every ``processes``-th row of a batch.
        :param imagined_share: share of a batch whose newest history frame is to be imagined.
        """
        if batch_size % processes:
            raise ValueError(
                f'batch size {batch_size} is no multiple of the {processes} processes'
            )
        self._canvases = canvases
        self._sampler = sampler
        self._size = batch_size
        self._depth = depth
        self._device = device or torch.device('cpu')
        self._part = slice(rank, None, processes)
        self._share = imagined_share
        self._executor = ThreadPoolExecutor(1, 'loader')
        self._waiting: deque[tuple[np.ndarray, Future[_Transfer]]] = deque()
        self._stream = torch.cuda.Stream(self._device) if self._device.type == 'cuda' else None

    def next(self) -> Loaded:
        """Return the next batch, and let the one after the waiting ones be drawn."""
        while len(self._waiting) <= self._depth:
            self._send(self._sampler.draw(self._size))
        _, future = self._waiting.popleft()
        transfer = future.result()
        if transfer.ready is not None:
            current = torch.cuda.current_stream(self._device)
            current.wait_event(transfer.ready)
            for tensor in _tensors(transfer.loaded):
                tensor.record_stream(current)
        return transfer.loaded

    def state(self) -> dict[str, Any]:
        """Return the rows that were drawn and not given yet, and the sampler's state."""
        return {
            'pending': [rows.tolist() for rows, _ in self._waiting],
            'sampler': self._sampler.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """
        Go on after ``state``, on a loader from which nothing was taken yet.

        :raises ValueError: if it is about other canvases.
        """
        count = len(self._canvases)
        if any(not 0 <= row < count for rows in state['pending'] for row in rows):
            raise ValueError(f'a pending row is none of the {count} canvases')
        self._sampler.restore(state['sampler'])
        self._waiting.clear()
        for rows in state['pending']:
            self._send(np.array(rows, np.int64))

    def close(self) -> None:
        """End the thread."""
        self._executor.shutdown(cancel_futures=True)

    def _send(self, rows: np.ndarray) -> None:
        self._waiting.append((rows, self._executor.submit(self._gather, rows)))

    def _gather(self, rows: np.ndarray) -> _Transfer:
        own = rows[self._part]
        batch, before, imagined = self._canvases.batch(own), None, None
        count = round(self._share * len(rows))
        if count:
            # Chosen from the whole batch: several processes imagine what a single one would.
            chosen = np.zeros(len(rows), bool)
            chosen[np.flatnonzero(self._canvases.follows[rows])[:count]] = True
            imagined = np.flatnonzero(chosen[self._part])
            if len(imagined):
                before = self._canvases.batch(own[imagined] - 1)
        loaded = Loaded(
            rows=rows, batch=batch, before=before, imagined=None if before is None else imagined
        )
        return self._transferred(loaded)

    def _transferred(self, loaded: Loaded) -> _Transfer:
        """Begin the copy to the GPU, where there is one."""
        if self._stream is None:
            return _Transfer(loaded, None)
        with torch.cuda.stream(self._stream):
            moved = Loaded(
                rows=loaded.rows,
                batch=_moved(loaded.batch, self._device),
                before=None if loaded.before is None else _moved(loaded.before, self._device),
                imagined=loaded.imagined,
            )
            ready = torch.cuda.Event()
            ready.record(self._stream)
        return _Transfer(moved, ready)


def _moved(batch: Batch, device: torch.device) -> Batch:
    if batch.frames.device.type == 'cpu':
        batch = Batch(
            frames=batch.frames.pin_memory(),
            colors=batch.colors.pin_memory(),
            index=None if batch.index is None else batch.index.pin_memory(),
            shared=batch.shared,
        )
    return batch.to(device, non_blocking=True)


def _tensors(loaded: Loaded) -> list[torch.Tensor]:
    batches = [batch for batch in (loaded.batch, loaded.before) if batch is not None]
    tensors = [t for batch in batches for t in (batch.frames, batch.colors, batch.index)]
    return [tensor for tensor in tensors if tensor is not None]

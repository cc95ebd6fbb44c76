"""
Canvases of sessions as rows of indices, put together per batch.

Shapes: M canvases, K frames per canvas, A actions, B rows of a batch, F unique frames of a batch,
N patches per frame, D values per patch.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from devrobot_training.data.frame_store import FrameStore
from devrobot_training.sessions.session import check_same_action_space, Session, SessionError
from devrobot_world_model.canvas.layout import CanvasLayout
from devrobot_world_model.model.mae import Batch
import numpy as np
import torch
from torch import Tensor

MEMORY_BYTES = 8 * 1024**3


@dataclass(frozen=True, kw_only=True)
class CanvasSet:
    """
    All canvases of some sessions, in order of time.

    ``frames`` is (M, K) int64, indices into ``store``; ``actions`` (M, K-1) int64; ``colors``
    (A, 3) uint8. ``follows`` (M,) bool tells whether a canvas is the one before it, moved on by
    one frame: runs of such canvases share frames, and rollouts go along them. ``session`` (M,)
    and ``transition`` (M,) say where the last action of a canvas comes from.
    """

    sessions: tuple[Session, ...]
    layout: CanvasLayout
    store: FrameStore
    frames: np.ndarray
    actions: np.ndarray
    colors: Tensor
    follows: np.ndarray
    session: np.ndarray
    transition: np.ndarray

    def __len__(self) -> int:
        """Return M."""
        return len(self.frames)

    @property
    def name(self) -> str:
        """Names of the sessions."""
        return ' + '.join(session.name for session in self.sessions)

    @property
    def action_labels(self) -> list[str]:
        """Label of each action."""
        return [action.label for action in self.sessions[0].action_space.actions]

    def batch(self, rows: np.ndarray) -> Batch:
        """
        Return the canvases of (B,) ``rows``; each frame of the batch is in it once.

        No Python per canvas: two index look-ups and one gather, 0.1 ms per 224x224 frame.
        """
        wanted = self.frames[rows]
        history, inverse = np.unique(wanted[:, :-1], return_inverse=True)
        last = wanted[:, -1]
        place = np.searchsorted(history, last)
        known = np.take(history, np.minimum(place, len(history) - 1)) == last
        new, new_inverse = np.unique(last[~known], return_inverse=True)
        index = np.empty(wanted.shape, np.int64)
        index[:, :-1] = inverse.reshape(len(rows), -1)
        index[known, -1] = place[known]
        index[~known, -1] = new_inverse + len(history)
        return Batch(
            frames=self.store.gather(np.concatenate([history, new])),
            colors=self.colors[torch.from_numpy(self.actions[rows])],
            index=torch.from_numpy(index),
            shared=len(history),
        )

    def runs(self, length: int) -> np.ndarray:
        """Return (R, length) rows of canvases that follow each other, one run from each start."""
        starts = np.arange(max(0, len(self) - length + 1))
        broken = np.concatenate([[0], np.cumsum(~self.follows)])
        # Canvas i+1 .. i+length-1 must each follow the one before.
        good = broken[starts + length] == broken[starts + 1]
        return starts[good][:, None] + np.arange(length)


def make_canvases(
    sessions: Sequence[Session],
    layout: CanvasLayout,
    *,
    store: str = 'auto',
    memory_bytes: int = MEMORY_BYTES,
    progress: Callable[[int, int], None] | None = None,
) -> CanvasSet:
    """
    Return all whole canvases of ``sessions``.

    :param store: auto, memory or disk; see ``FrameStore``.
    :raises SessionError: if the sessions' robots differ, or there is not one whole canvas.
    """
    check_same_action_space(sessions)
    frames_kept = FrameStore(sessions, layout, kind=store, limit_bytes=memory_bytes)
    parts = [
        _of_session(session, layout, int(offset))
        for session, offset in zip(sessions, frames_kept.offsets[:-1], strict=True)
    ]
    if not any(len(part[0]) for part in parts):
        raise SessionError(
            f'{", ".join(session.name for session in sessions)}: no run of {layout.frames - 1} '
            f'whole transitions, which a canvas of {layout.frames} frames needs; record more'
        )
    frames_kept.load(progress)
    space = sessions[0].action_space
    numbers = [np.full(len(part[0]), number) for number, part in enumerate(parts)]
    return CanvasSet(
        sessions=tuple(sessions),
        layout=layout,
        store=frames_kept,
        frames=np.concatenate([part[0] for part in parts]),
        actions=np.concatenate([part[1] for part in parts]),
        colors=torch.tensor([a.separator_color for a in space.actions], dtype=torch.uint8),
        follows=np.concatenate([part[2] for part in parts]),
        session=np.concatenate(numbers),
        transition=np.concatenate([part[3] for part in parts]),
    )


def _of_session(
    session: Session, layout: CanvasLayout, offset: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return frames, actions, follows and transition of the canvases of one session."""
    windows = session.windows(layout.frames - 1)
    rows = session.transitions[windows]
    frames = np.concatenate([rows['before'], rows['after'][:, -1:]], axis=1).astype(np.int64)
    follows = np.zeros(len(windows), bool)
    follows[1:] = windows[1:, -1] == windows[:-1, -1] + 1
    follows[1:] &= rows['chain'][1:, -1] == rows['chain'][:-1, -1]
    return frames + offset, rows['action'].astype(np.int64), follows, windows[:, -1]

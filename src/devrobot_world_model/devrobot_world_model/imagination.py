"""
What the model expects from a given history: frames of images in, images out.

Shapes: K frames per canvas, A actions, N patches, M memory tokens; see ``model.mae``.
"""

from collections.abc import Sequence
import time

from devrobot_interfaces_py.actions import Rgb
from devrobot_world_model.canvas.history import Frame
from devrobot_world_model.canvas.layout import CanvasLayout
from devrobot_world_model.canvas.tensors import FramePatcher
from devrobot_world_model.learning.acting import Actor
from devrobot_world_model.model.mae import Batch
from devrobot_world_model.results import Prediction
import numpy as np
import torch
from torch import Tensor


class Imagination:
    """Asks an actor about frames and action indices; keeps no state of its own."""

    def __init__(self, layout: CanvasLayout, colors: Sequence[Rgb], actor: Actor) -> None:
        """``colors[i]`` is the separator colour of action i."""
        self._colors = torch.tensor(colors, dtype=torch.uint8)
        self._patcher = FramePatcher(layout)
        self._actor = actor

    def predict(
        self, frames: Sequence[Frame], actions: Sequence[int], *, sequence: int, stamp_ns: int
    ) -> Prediction:
        """
        Return the prediction for every action after K-1 frames.

        :param actions: K-1 action indices, the last one is taken now.
        """
        begin = time.perf_counter()
        past = self._colors[list(actions[:-1])]
        patches = self._actor.predict(frames, self._stack(frames), past, self._colors)
        images = self._patcher.images(patches)
        return Prediction(
            sequence=sequence,
            action=actions[-1],
            stamp_ns=stamp_ns,
            frame_stamp_ns=frames[-1].stamp_ns,
            history=tuple(frame.image for frame in frames),
            actions=tuple(actions),
            frames=images,
            patches=patches,
            seconds=time.perf_counter() - begin,
        )

    def rollout(
        self, frames: Sequence[Frame], past: Sequence[int], actions: Sequence[int]
    ) -> list[np.ndarray]:
        """Return the imagined (H, W, 3) frames after each of ``actions``."""
        colors = list(self._colors[list(actions)])
        imagined = self._actor.rollout(self._stack(frames), self._colors[list(past)], colors)
        return list(self._patcher.images(imagined))

    def attention(self, frames: Sequence[Frame], actions: Sequence[int]) -> list[Tensor]:
        """Return per decoder layer the (heads, N, M + N) weights of the masked pass."""
        stack = self._stack(frames)
        batch = Batch(
            frames=torch.cat([stack, torch.zeros_like(stack[:1])])[None],
            colors=self._colors[list(actions)][None],
        )
        return self._actor.attention(batch)

    def _stack(self, frames: Sequence[Frame]) -> Tensor:
        return self._patcher.stack([frame.image for frame in frames])

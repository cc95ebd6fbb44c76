"""
Let the model train on its own predictions as history, so that rollouts stay sharp.

A rollout feeds predictions back, which differ a little from what a camera shows; a model that has
never seen such frames drifts away (compare scheduled sampling, arXiv 1506.03099). Shapes: see
``model.mae``.
"""

from devrobot_world_model.learning.precision import autocast
from devrobot_world_model.model.mae import Batch, WorldModel
from devrobot_world_model.model.patches import to_bytes
import torch
from torch import Tensor


@torch.no_grad()
def with_imagined_history(
    model: WorldModel, batch: Batch, before: Batch, rows: Tensor, precision: str
) -> Batch:
    """
    Return ``batch`` whose newest history frame is imagined for some canvases.

    :param before: for each of ``rows`` the canvas whose target is that history frame.
    :param rows: (R,) indices of canvases of ``batch``.
    """
    with autocast(batch.frames.device, precision):
        imagined, _ = model(before)
    frames = batch.frames if batch.index is None else batch.frames[batch.index]
    frames = frames.clone() if batch.index is None else frames
    frames[rows, -2] = to_bytes(imagined)
    return Batch(frames=frames, colors=batch.colors)

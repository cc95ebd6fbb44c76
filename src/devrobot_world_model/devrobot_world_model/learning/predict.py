"""
Predictions from one history: one per action, and imagined rollouts.

Shapes: A actions, K frames per canvas, N patches, D values per patch; frames are uint8 patches.
"""

from collections.abc import Sequence

from devrobot_world_model.learning.precision import autocast
from devrobot_world_model.model.mae import WorldModel
from devrobot_world_model.model.patches import to_bytes
import torch
from torch import Tensor


@torch.no_grad()
def predict_actions(
    model: WorldModel,
    frames: Tensor,
    past_colors: Tensor,
    action_colors: Tensor,
    precision: str = 'auto',
) -> Tensor:
    """
    Return the (A, N, D) predictions in 0..1, one per candidate action.

    Each frame is encoded once and serves every action; the actions are decoded as one batch.

    :param frames: (K-1, N, D) uint8 history, oldest first.
    :param past_colors: (K-2, 3) uint8 colours of the actions between the history's frames.
    :param action_colors: (A, 3) uint8 colours of the candidate actions.
    """
    codes = encode_frames(model, frames, precision)
    return predict_from_codes(model, codes, past_colors, action_colors, precision)


@torch.no_grad()
def encode_frames(model: WorldModel, frames: Tensor, precision: str = 'auto') -> Tensor:
    """Return the (F, N, C) codes of (F, N, D) uint8 frames."""
    model.eval()
    device = next(model.parameters()).device
    with autocast(device, precision):
        return model.encode(frames.to(device))


@torch.no_grad()
def predict_from_codes(
    model: WorldModel,
    codes: Tensor,
    past_colors: Tensor,
    action_colors: Tensor,
    precision: str = 'auto',
) -> Tensor:
    """Return the (A, N, D) predictions from (K-1, N, C) codes; see ``predict_actions``."""
    model.eval()
    device = codes.device
    with autocast(device, precision):
        prediction = _decode(model, codes, past_colors.to(device), action_colors.to(device))
    return prediction.float()


@torch.no_grad()
def rollout(
    model: WorldModel,
    frames: Tensor,
    past_colors: Tensor,
    colors: Sequence[Tensor],
    precision: str = 'auto',
) -> Tensor:
    """
    Return the (S, N, D) frames in 0..1 that S actions in a row are imagined to give.

    Every imagined frame is rounded to 8 bits and fed back as the newest one.

    :param colors: the (3,) uint8 colours of the S actions.
    """
    imagined = []
    for color in colors:
        step = predict_actions(model, frames, past_colors, color[None], precision)
        imagined.append(step[0])
        frames = torch.cat([frames[1:], to_bytes(step).to(frames.device)])
        past_colors = torch.cat([past_colors, color[None].to(past_colors)])[1:]
    return torch.stack(imagined)


def _decode(model: WorldModel, codes: Tensor, past: Tensor, actions: Tensor) -> Tensor:
    count = len(actions)
    bars = model.encode_colors(torch.cat([past, actions]))
    shared = bars[: len(past)].expand(count, *bars[: len(past)].shape)
    own = bars[len(past) :, None]
    memory = model.memory(codes.expand(count, *codes.shape), torch.cat([shared, own], dim=1))
    return model.decode(memory)[0]

"""
Masks over the patches of the last slot.

Shapes: B batch, N patches of the last slot; True = hidden.
"""

import torch
from torch import Tensor


def last_slot_mask(
    batch: int,
    patches: int,
    *,
    ratio_min: float = 1.0,
    ratio_max: float = 1.0,
    generator: torch.Generator | None = None,
    device: torch.device | str = 'cpu',
) -> Tensor | None:
    """
    Return a (B, N) mask with a ratio drawn per sample, or None when everything is hidden.

    At least one patch is always hidden. All drawing happens on ``device``.
    """
    if ratio_min >= 1.0:
        return None
    ratio = torch.rand(batch, 1, generator=generator, device=device)
    ratio = ratio_min + (ratio_max - ratio_min) * ratio
    count = (ratio * patches).round().clamp(min=1)
    rank = torch.rand(batch, patches, generator=generator, device=device).argsort(1).argsort(1)
    return rank < count

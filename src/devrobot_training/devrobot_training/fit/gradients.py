"""How large the gradients of the parts of a model are."""

from collections import defaultdict

import torch
from torch import nn, Tensor

CODES = ('mask_token', 'slot_code')


def gradient_norms(model: nn.Module) -> dict[str, float]:
    """Return the L2 norm of the gradients of each part, after clipping; {} before a backward."""
    parts: dict[str, list[Tensor]] = defaultdict(list)
    for name, parameter in model.named_parameters():
        if parameter.grad is not None:
            part = name.partition('.')[0]
            parts['codes' if part in CODES else part].append(parameter.grad)
    return {
        name: float(torch.stack(torch._foreach_norm(gradients)).norm())
        for name, gradients in parts.items()
    }

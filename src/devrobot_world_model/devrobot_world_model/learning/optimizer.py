"""AdamW with weight decay on matrices only (AdamW: arXiv 1711.05101)."""

from devrobot_world_model.config import OptimizerConfig
import torch
from torch import nn


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict]:
    """
    Split parameters into decayed matrices and the undecayed rest.

    Biases, norms, tokens and position tables are not decayed.
    """
    decayed: list[nn.Parameter] = []
    plain: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        matrix = parameter.ndim >= 2 and not name.endswith(('_code', '_token'))
        (decayed if matrix else plain).append(parameter)
    return [
        {'params': decayed, 'weight_decay': weight_decay},
        {'params': plain, 'weight_decay': 0.0},
    ]


def build_optimizer(model: nn.Module, config: OptimizerConfig) -> torch.optim.AdamW:
    """Return a fused AdamW over ``model``."""
    return torch.optim.AdamW(
        parameter_groups(model, config.weight_decay),
        lr=config.learning_rate,
        betas=(config.beta1, config.beta2),
        fused=True,
    )

"""
Compare a prediction with the frame that came and with trivial predictions.

Shapes: N patches, D values per patch; predictions are float in 0..1, frames uint8.
"""

from devrobot_world_model.config import LossConfig
from devrobot_world_model.model.losses import compute_losses, Losses
from devrobot_world_model.model.patches import to_unit
import torch
from torch import Tensor


def score_prediction(
    prediction: Tensor, truth: Tensor, last: Tensor, config: LossConfig
) -> dict[str, float]:
    """
    Return mse, focal and hybrid of an (N, D) prediction, of copying the last frame, and of black.

    Copy-last-frame and black are what a model must beat to have learned anything.
    """
    target = to_unit(truth)
    candidates = torch.stack([prediction.float().cpu(), to_unit(last), torch.zeros_like(target)])
    losses = compute_losses(candidates, target.expand_as(candidates), config)
    own = _row(losses, 0)
    copied, black = _row(losses, 1), _row(losses, 2)
    return {
        'mse': own['plain'],
        'focal': own['focal'],
        'hybrid': own['hybrid'],
        'mse_copy_last': copied['plain'],
        'hybrid_copy_last': copied['hybrid'],
        'mse_black': black['plain'],
        'hybrid_black': black['hybrid'],
    }


def _row(losses: Losses, index: int) -> dict[str, float]:
    return {kind: float(losses.of_kind(kind)[index]) for kind in ('plain', 'focal', 'hybrid')}

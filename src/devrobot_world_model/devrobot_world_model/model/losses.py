"""
Losses over the masked patches, per sample.

With e = (prediction - truth)^2 per value, pixels in 0..1: plain = mean e; focal = sum(w e)/sum(w)
with w = exp(beta e) taken without gradient; hybrid = alpha plain + (1 - alpha) focal. Sums run
over one sample's masked values only, so that a sample's loss does not depend on its batch.
Shapes: B batch, N patches, D values per patch.
"""

from dataclasses import dataclass

from devrobot_world_model.config import LossConfig
import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Losses:
    """Per-sample losses, each (B,) float32."""

    plain: Tensor
    focal: Tensor
    hybrid: Tensor

    def of_kind(self, kind: str) -> Tensor:
        """Return the (B,) losses called plain, focal or hybrid."""
        return {'plain': self.plain, 'focal': self.focal, 'hybrid': self.hybrid}[kind]

    def detached(self) -> 'Losses':
        """Return the numbers without what led to them."""
        return Losses(
            plain=self.plain.detach(), focal=self.focal.detach(), hybrid=self.hybrid.detach()
        )


def compute_losses(
    prediction: Tensor, truth: Tensor, config: LossConfig, mask: Tensor | None = None
) -> Losses:
    """
    Return all losses of (B, N, D) predictions against (B, N, D) truths, both in 0..1.

    :param mask: (B, N) bool, True = counts; None = all patches count.
    """
    error = (prediction.float() - truth).square()
    with torch.no_grad():
        weight = torch.exp(config.beta * error)
        if mask is not None:
            weight = weight * mask[..., None]
    if mask is None:
        plain = error.mean(dim=(1, 2))
    else:
        counted = error * mask[..., None]
        plain = counted.sum(dim=(1, 2)) / (mask.sum(dim=1) * error.shape[2])
    focal = (weight * error).sum(dim=(1, 2)) / weight.sum(dim=(1, 2))
    hybrid = config.alpha * plain + (1.0 - config.alpha) * focal
    return Losses(plain=plain, focal=focal, hybrid=hybrid)


def constant_baselines(
    truth: Tensor, config: LossConfig, best_steps: int = 21
) -> dict[str, Losses]:
    """
    Return the losses of an all-black frame and of the best constant grey.

    The best grey has the lowest mean hybrid loss of ``best_steps`` evenly spaced levels.
    """
    levels = torch.linspace(0.0, 1.0, best_steps, device=truth.device)
    candidates = [compute_losses(level.expand_as(truth), truth, config) for level in levels]
    best = min(candidates, key=lambda losses: float(losses.hybrid.mean()))
    return {'black': candidates[0], 'grey': best}

"""
One training step, the same online and offline: the only place with ``backward()``.

Shapes: B batch, K frames, N patches, D values per patch (see ``model.mae``).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from devrobot_world_model.config import LossConfig, OptimizerConfig
from devrobot_world_model.learning.gradients import PartedGradients
from devrobot_world_model.learning.optimizer import build_optimizer
from devrobot_world_model.learning.precision import autocast, uses_bf16
from devrobot_world_model.learning.schedule import learning_rate
from devrobot_world_model.model.losses import compute_losses, Losses
from devrobot_world_model.model.mae import Batch, WorldModel
from devrobot_world_model.model.masking import last_slot_mask
from devrobot_world_model.model.patches import to_unit
import torch
from torch import nn, Tensor

#: What ``clip_grads_with_norm_`` adds to the norm.
CLIP_GUARD = 1e-6


class NonFiniteLossError(RuntimeError):
    """The loss or a gradient was infinite or not a number; the weights were left as they were."""


@dataclass(frozen=True, kw_only=True)
class StepResult:
    """What one training step did. Tensors stay on the device until somebody reads them."""

    losses: Losses
    loss: Tensor
    gradient_norm: Tensor
    learning_rate: float
    step: int
    samples: int


class Learner:
    """A model with its optimiser, schedule and counters. Not thread-safe."""

    def __init__(
        self,
        model: WorldModel,
        *,
        loss: LossConfig,
        optimizer: OptimizerConfig,
        generator: torch.Generator | None = None,
        forward: Callable[..., Any] | None = None,
        part: tuple[int, int] = (0, 1),
    ) -> None:
        """
        Build the optimiser.

        :param forward: computes ``model`` in a training step, where that is to be compiled or
            averaged over processes; the model itself by default.
        :param part: (r, n) where the batches of a step are every n-th sample, from the r-th on, of
            a batch that n processes share. Each of them draws the masks of the whole batch, so
            that they are those of a single process and the generators stay alike.
        """
        self.model = model
        self.forward = model if forward is None else forward
        self.loss_config = loss
        self.optimizer_config = optimizer
        self.optimizer = build_optimizer(model, optimizer)
        self.generator = generator
        self.rank, self.processes = part
        device = next(model.parameters()).device
        self.gradients: PartedGradients | None = None
        if device.type == 'cpu' and self.forward is model:
            self.gradients = PartedGradients(
                model, loss, bf16=uses_bf16(device, optimizer.precision)
            )
        self.step = 0
        self.samples_seen = 0

    def train_step(self, batch: Batch) -> StepResult:
        """
        Make one optimiser step on ``batch`` and return what it did.

        :raises NonFiniteLossError: before any weight is touched.
        """
        result = train_step(self, batch)
        self.step += 1
        self.samples_seen += len(batch) * self.processes
        return result


def train_step(learner: Learner, batch: Batch) -> StepResult:
    """Forward, backward, clip, step; the counters of ``learner`` are left alone."""
    model, config = learner.model, learner.optimizer_config
    device = next(model.parameters()).device
    batch = batch.to(device)
    rate = learning_rate(learner.step, config)
    for group in learner.optimizer.param_groups:
        group['lr'] = rate
    losses, norm = _backward(learner, batch, _mask(learner, len(batch), device))
    loss = losses.of_kind(learner.loss_config.kind).mean()
    # One synchronisation per step; without it a single bad batch would poison the weights.
    if not torch.isfinite(norm + loss):
        learner.optimizer.zero_grad(set_to_none=True)
        raise NonFiniteLossError(
            f'loss {loss.item():g} with gradient norm {norm.item():g} at step {learner.step}; '
            'lower the learning rate or set a gradient clip'
        )
    if learner.gradients is None:
        _update(learner, norm)
    else:
        learner.gradients.on_one_thread(lambda: _update(learner, norm))
    return StepResult(
        losses=losses,
        loss=loss,
        gradient_norm=norm,
        learning_rate=rate,
        step=learner.step,
        samples=len(batch),
    )


def _mask(learner: Learner, size: int, device: torch.device) -> Tensor | None:
    """Return the (B, N) mask of this process's part of the batch; None = all is hidden."""
    config = learner.loss_config
    mask = last_slot_mask(
        size * learner.processes,
        learner.model.layout.patches_per_frame,
        ratio_min=config.mask_ratio_min,
        ratio_max=config.mask_ratio_max,
        generator=learner.generator,
        device=device,
    )
    return None if mask is None else mask[learner.rank :: learner.processes]


def _backward(learner: Learner, batch: Batch, mask: Tensor | None) -> tuple[Losses, Tensor]:
    """Set the gradients of the mean loss; return the (B,) losses and the gradients' norm."""
    if learner.gradients is not None:
        return learner.gradients.compute(batch, mask)
    learner.model.train()
    learner.optimizer.zero_grad(set_to_none=True)
    device = next(learner.model.parameters()).device
    with autocast(device, learner.optimizer_config.precision):
        prediction, _ = learner.forward(batch, mask)
    config = learner.loss_config
    losses = compute_losses(prediction, to_unit(batch.targets), config, mask)
    losses.of_kind(config.kind).mean().backward()
    gradients = [p.grad for p in learner.model.parameters() if p.grad is not None]
    return losses.detached(), nn.utils.get_total_norm(gradients)


def _update(learner: Learner, norm: Tensor) -> None:
    """Clip the gradients, whose norm is ``norm``, and step."""
    limit = learner.optimizer_config.gradient_clip
    # Without this question, gradients that are short enough would all be multiplied by one.
    if 0 < limit < norm + CLIP_GUARD:
        nn.utils.clip_grads_with_norm_(learner.model.parameters(), limit, norm)
    learner.optimizer.step()

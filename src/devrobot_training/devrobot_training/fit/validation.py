"""
Look at the validation set, the same canvases each time.

Shapes: V canvases that are looked at, K frames per canvas, N patches, D values per patch.
"""

from collections.abc import Callable
from dataclasses import dataclass
import math

from devrobot_training.data.canvases import CanvasSet
from devrobot_training.fit.team import Team
from devrobot_world_model.config import LossConfig
from devrobot_world_model.learning.precision import autocast
from devrobot_world_model.measures.dots import dot_distances, dot_positions
from devrobot_world_model.model.losses import compute_losses
from devrobot_world_model.model.mae import WorldModel
from devrobot_world_model.model.patches import to_bytes, to_unit, unpatchify
import numpy as np
import torch
from torch import Tensor

BATCH = 32
NEAR_PX = 2.0
DOT_WORLDS = ('toroidal_dot',)


@dataclass(frozen=True, kw_only=True)
class ValidationLoss:
    """Means over the validation canvases; ``within_2px`` is NaN where there is no dot."""

    plain: float
    focal: float
    hybrid: float
    within_2px: float


class Validator:
    """Predicts a fixed part of a set, and says how good that was."""

    def __init__(
        self,
        canvases: CanvasSet,
        *,
        size: int,
        loss: LossConfig,
        precision: str,
        team: Team,
        hear: Callable[[], None] = lambda: None,
    ) -> None:
        """
        Choose the canvases.

        :param size: how many, evenly spread over the set; 0 = all.
        :param hear: called before each batch that is looked at.
        """
        count = len(canvases) if not size else min(size, len(canvases))
        self.rows = np.unique(np.linspace(0, len(canvases) - 1, count).round().astype(np.int64))
        self._canvases = canvases
        self._loss = loss
        self._precision = precision
        self._team = team
        self._hear = hear
        self._has_dot = all(
            session.action_space.robot_type in DOT_WORLDS for session in canvases.sessions
        )

    @torch.no_grad()
    def __call__(self, model: WorldModel) -> ValidationLoss:
        """Return the losses of ``model`` as it is."""
        model.eval()
        device = next(model.parameters()).device
        own = self.rows[self._team.rank :: self._team.size]
        sums = np.zeros(5)
        for begin in range(0, len(own), BATCH):
            self._hear()
            batch = self._canvases.batch(own[begin : begin + BATCH]).to(device)
            with autocast(device, self._precision):
                prediction, _ = model(batch)
            losses = compute_losses(prediction, to_unit(batch.targets), self._loss)
            kinds = (losses.plain, losses.focal, losses.hybrid)
            found = [float(values.double().sum()) for values in kinds]
            sums += [*found, self._count_near(model, prediction, batch.targets), len(batch)]
        *totals, count = map(float, self._team.total(sums))
        plain, focal, hybrid, near = (total / count for total in totals)
        return ValidationLoss(
            plain=plain,
            focal=focal,
            hybrid=hybrid,
            within_2px=near if self._has_dot else math.nan,
        )

    def _count_near(self, model: WorldModel, prediction: Tensor, truth: Tensor) -> int:
        """Return how many predictions put the dot within 2 px of where it came."""
        if not self._has_dot:
            return 0
        layout = model.layout
        size = (layout.rows, layout.columns, layout.patch_size)
        found, came = (
            dot_positions(unpatchify(patches, *size).cpu().numpy())
            for patches in (to_bytes(prediction), truth)
        )
        distances = dot_distances(found, came, layout.frame_height, layout.frame_width)
        return int((distances <= NEAR_PX).sum())

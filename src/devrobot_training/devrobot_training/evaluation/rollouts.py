"""
Let the model dream on: predictions fed back as history, along the actions really taken.

Shapes: R rollouts of S steps, K frames per canvas, N patches, D values per patch.
"""

from dataclasses import dataclass

from devrobot_training.data.canvases import CanvasSet
from devrobot_training.evaluation.config import EvaluationConfig
from devrobot_training.evaluation.truth import oracle_of
from devrobot_world_model.config import LossConfig
from devrobot_world_model.learning.precision import autocast
from devrobot_world_model.measures.dots import dot_distances, dot_positions
from devrobot_world_model.model.losses import compute_losses
from devrobot_world_model.model.mae import Batch, WorldModel
from devrobot_world_model.model.patches import to_bytes, to_unit, unpatchify
import numpy as np
import torch
from torch import Tensor

SHOWN = 3


@dataclass(frozen=True, kw_only=True)
class Rollouts:
    """
    Errors per step: (R, S) plain and hybrid loss, and those of the frame before the first step.

    ``dot_error`` is (R, S) in px, None without a dot. ``imagined`` and ``observed`` are
    (n, S, H, W, 3) uint8 pictures of some of them.
    """

    rows: np.ndarray
    plain: np.ndarray
    hybrid: np.ndarray
    hybrid_copy_first: np.ndarray
    dot_error: np.ndarray | None
    imagined: np.ndarray
    observed: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)


@torch.no_grad()
def run_rollouts(
    model: WorldModel,
    canvases: CanvasSet,
    config: EvaluationConfig,
    *,
    loss: LossConfig,
    precision: str,
) -> Rollouts | None:
    """Return rollouts from evenly spread starts; None if no run of canvases is long enough."""
    if not config.rollout_steps:
        return None
    runs = canvases.runs(config.rollout_steps)
    if not len(runs):
        return None
    count = min(config.rollouts, len(runs))
    runs = runs[np.unique(np.linspace(0, len(runs) - 1, count).round().astype(np.int64))]
    parts = [
        _roll(model, canvases, runs[begin : begin + config.batch_size], loss, precision)
        for begin in range(0, len(runs), config.batch_size)
    ]
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    has_dot = all(oracle_of(session) is not None for session in canvases.sessions)
    return Rollouts(
        rows=runs,
        plain=joined['plain'],
        hybrid=joined['hybrid'],
        hybrid_copy_first=joined['copy'],
        dot_error=joined['dot'] if has_dot else None,
        imagined=parts[0]['imagined'][:SHOWN],
        observed=parts[0]['observed'][:SHOWN],
    )


def _roll(
    model: WorldModel, canvases: CanvasSet, runs: np.ndarray, loss: LossConfig, precision: str
) -> dict[str, np.ndarray]:
    device = next(model.parameters()).device
    layout = model.layout
    size = (layout.frame_height, layout.frame_width)
    first = canvases.batch(runs[:, 0])
    whole = first.frames if first.index is None else first.frames[first.index]
    history = whole[:, :-1].to(device)
    start = to_unit(history[:, -1])
    found: dict[str, list] = {name: [] for name in ('plain', 'hybrid', 'copy', 'dot')}
    pictures: dict[str, list] = {'imagined': [], 'observed': []}
    for step in range(runs.shape[1]):
        batch = canvases.batch(runs[:, step])
        truth = batch.targets.to(device)
        with autocast(device, precision):
            prediction, _ = model(
                Batch(
                    frames=torch.cat([history, truth[:, None]], dim=1),
                    colors=batch.colors.to(device),
                )
            )
        imagined = to_bytes(prediction)
        losses = compute_losses(prediction, to_unit(truth), loss)
        found['plain'].append(losses.plain.double().cpu().numpy())
        found['hybrid'].append(losses.hybrid.double().cpu().numpy())
        copied = compute_losses(start, to_unit(truth), loss).hybrid
        found['copy'].append(copied.double().cpu().numpy())
        made, came = (_pictures(model, patches) for patches in (imagined, truth))
        found['dot'].append(dot_distances(dot_positions(made), dot_positions(came), *size))
        pictures['imagined'].append(made[:SHOWN])
        pictures['observed'].append(came[:SHOWN])
        history = torch.cat([history[:, 1:], imagined[:, None]], dim=1)
    both = {**found, **pictures}
    return {name: np.stack(steps, axis=1) for name, steps in both.items()}


def _pictures(model: WorldModel, patches: Tensor) -> np.ndarray:
    layout = model.layout
    return unpatchify(patches, layout.rows, layout.columns, layout.patch_size).cpu().numpy()

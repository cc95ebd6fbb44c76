"""
Let the model dream on: predictions fed back as history, along the actions really taken.

Shapes: R rollouts of S steps, K frames per canvas, N patches, D values per patch.
"""

from dataclasses import dataclass

from devrobot_training.data.canvases import CanvasSet
from devrobot_training.evaluation.config import Conditions, EvaluationConfig
from devrobot_training.evaluation.truth import dot_errors, oracle_of
from devrobot_world_model.learning.precision import autocast
from devrobot_world_model.measures.dots import dot_positions
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

    ``rows`` are the (R, S) canvases. ``dot_error`` is (R, S) in px, None without a dot.
    ``pictures`` are those of a few.
    """

    rows: np.ndarray
    plain: np.ndarray
    hybrid: np.ndarray
    hybrid_copy_first: np.ndarray
    dot_error: np.ndarray | None
    pictures: 'RolloutPictures'

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, kw_only=True)
class RolloutPictures:
    """
    Some rollouts to look at.

    ``start`` is the (n, H, W, 3) frame before the first step, ``actions`` (n, S); ``imagined`` and
    ``observed`` are (n, S, H, W, 3); pictures are uint8.
    """

    start: np.ndarray
    actions: np.ndarray
    imagined: np.ndarray
    observed: np.ndarray


def choose_runs(canvases: CanvasSet, config: EvaluationConfig) -> np.ndarray:
    """
    Return the (R, S) rows of canvases of the rollouts, from evenly spread starts.

    They are shorter than asked for where nothing goes on for that long.
    """
    breaks = np.flatnonzero(~canvases.follows)
    longest = int(np.diff([*breaks, len(canvases)]).max())
    steps = min(config.rollout_steps, longest)
    if not steps:
        return np.empty((0, 0), np.int64)
    return _evenly(canvases.runs(steps), config.rollouts)


@torch.no_grad()
def run_rollouts(
    model: WorldModel,
    canvases: CanvasSet,
    runs: np.ndarray,
    conditions: Conditions,
) -> Rollouts | None:
    """Return rollouts along (R, S) ``runs`` of canvases; None without any."""
    if not len(runs):
        return None
    parts = []
    for begin in range(0, len(runs), conditions.batch_size):
        conditions.tick(0)
        here = runs[begin : begin + conditions.batch_size]
        part = _roll(model, canvases, here, conditions)
        parts.append({name: part[name] for name in ('plain', 'hybrid', 'copy', 'dot')})
        conditions.tick(len(here))
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    has_dot = all(oracle_of(session) is not None for session in canvases.sessions)
    # Once more, so that the pictures of all others need not be kept.
    few = _evenly(runs, SHOWN)
    seen = _roll(model, canvases, few, conditions)
    return Rollouts(
        rows=runs,
        plain=joined['plain'],
        hybrid=joined['hybrid'],
        hybrid_copy_first=joined['copy'],
        dot_error=joined['dot'] if has_dot else None,
        pictures=RolloutPictures(
            start=seen['start'],
            actions=canvases.actions[few, -1],
            imagined=seen['imagined'],
            observed=seen['observed'],
        ),
    )


def _evenly(runs: np.ndarray, count: int) -> np.ndarray:
    count = min(count, len(runs))
    return runs[np.unique(np.linspace(0, len(runs) - 1, count).round().astype(np.int64))]


def _roll(
    model: WorldModel, canvases: CanvasSet, runs: np.ndarray, conditions: Conditions
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
        with autocast(device, conditions.precision):
            prediction, _ = model(
                Batch(
                    frames=torch.cat([history, truth[:, None]], dim=1),
                    colors=batch.colors.to(device),
                )
            )
        imagined = to_bytes(prediction)
        losses = compute_losses(prediction, to_unit(truth), conditions.loss)
        found['plain'].append(losses.plain.double().cpu().numpy())
        found['hybrid'].append(losses.hybrid.double().cpu().numpy())
        copied = compute_losses(start, to_unit(truth), conditions.loss).hybrid
        found['copy'].append(copied.double().cpu().numpy())
        made, came = (_pictures(model, patches) for patches in (imagined, truth))
        found['dot'].append(dot_errors(dot_positions(made), dot_positions(came), *size))
        pictures['imagined'].append(made[:SHOWN])
        pictures['observed'].append(came[:SHOWN])
        history = torch.cat([history[:, 1:], imagined[:, None]], dim=1)
    both = {**found, **pictures}
    result = {name: np.stack(steps, axis=1) for name, steps in both.items()}
    return {**result, 'start': _pictures(model, whole[:SHOWN, -2])}


def _pictures(model: WorldModel, patches: Tensor) -> np.ndarray:
    layout = model.layout
    return unpatchify(patches, layout.rows, layout.columns, layout.patch_size).cpu().numpy()

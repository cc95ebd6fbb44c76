"""
Predict every canvas of a session with every action, and measure.

Shapes: V canvases that are measured, B of them at once, A actions, N patches, D values per patch,
H x W frame.
"""

from collections.abc import Callable
from dataclasses import dataclass

from devrobot_training.data.canvases import CanvasSet
from devrobot_training.evaluation.config import EvaluationConfig
from devrobot_training.evaluation.measures import (
    Baselines,
    divergence,
    DotMeasure,
    make_baselines,
    measure_predictions,
    PairDivergence,
)
from devrobot_training.evaluation.rollouts import Rollouts, run_rollouts
from devrobot_world_model.config import LossConfig
from devrobot_world_model.learning.precision import autocast
from devrobot_world_model.model.mae import Batch, WorldModel
from devrobot_world_model.model.patches import to_bytes, unpatchify
import numpy as np
import torch
from torch import Tensor

Progress = Callable[[int, int], None]
EVEN, WORST = 6, 3


class EvaluationStoppedError(RuntimeError):
    """The evaluation was stopped before its end; nothing of it is valid."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """
    Canvases that a page shows: n positions in ``rows``, each with a word.

    ``history`` is (n, K-1, H, W, 3), ``truth`` (n, H, W, 3), ``predictions`` (n, A, H, W, 3), all
    uint8; ``actions`` is (n, K-1).
    """

    positions: tuple[int, ...]
    words: tuple[str, ...]
    actions: np.ndarray
    history: np.ndarray
    truth: np.ndarray
    predictions: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """
    What was measured, canvas by canvas.

    ``rows`` (V,) are the canvases; ``values`` holds (V,) float64 arrays by name: plain, focal,
    hybrid, psnr, ssim of the prediction, the same with the suffixes of the baselines
    (``hybrid_copy_last`` …), ``hybrid_wrong`` for the best of the actions not taken, and where
    there is a dot ``dot_error`` [px]. ``other_dot_error`` are the errors of the predictions for
    actions not taken, (V, A) with NaN for the action taken.
    """

    canvases: CanvasSet
    config: EvaluationConfig
    rows: np.ndarray
    actions: np.ndarray
    values: dict[str, np.ndarray]
    baselines: Baselines
    divergence: tuple[PairDivergence, ...]
    other_dot_error: np.ndarray | None
    rollouts: Rollouts | None
    shown: Shown


def evaluate(
    model: WorldModel,
    canvases: CanvasSet,
    config: EvaluationConfig,
    *,
    loss: LossConfig,
    precision: str = 'auto',
    train: CanvasSet | None = None,
    progress: Progress | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Evaluation:
    """
    Measure ``model`` on ``canvases``.

    :param train: where the mean frame comes from; without it from ``canvases`` themselves.
    :raises EvaluationStoppedError: if ``should_stop`` said so.
    """
    model.eval()
    rows = np.arange(0, len(canvases), config.stride)
    baselines = make_baselines(train or canvases, loss, from_training=train is not None)
    dots = DotMeasure(canvases)
    parts: list[dict[str, np.ndarray]] = []
    pairs = []
    for begin in range(0, len(rows), config.batch_size):
        if should_stop():
            raise EvaluationStoppedError('the evaluation was stopped')
        here = rows[begin : begin + config.batch_size]
        batch = canvases.batch(here)
        predictions = predict_all_actions(model, batch, canvases.colors, precision)
        taken = torch.from_numpy(canvases.actions[here, -1])
        part = measure_predictions(model.layout, batch, predictions, taken, baselines, loss)
        part |= dots.measure(model.layout, here, batch, predictions)
        parts.append(part)
        pairs.append(divergence(model.layout, predictions, config.changed_threshold))
        if progress is not None:
            progress(begin + len(here), len(rows))
    values = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    others = values.pop('other_dot_error', None)
    return Evaluation(
        canvases=canvases,
        config=config,
        rows=rows,
        actions=canvases.actions[rows, -1],
        values=values,
        baselines=baselines,
        divergence=PairDivergence.joined(pairs),
        other_dot_error=others,
        rollouts=run_rollouts(model, canvases, config, loss=loss, precision=precision),
        shown=show(model, canvases, rows, values['hybrid'], precision),
    )


def show(
    model: WorldModel, canvases: CanvasSet, rows: np.ndarray, losses: np.ndarray, precision: str
) -> Shown:
    """Predict some of ``rows`` once more: evenly spread ones, then the worst."""
    count = len(rows)
    even = np.unique(np.linspace(0, count - 1, min(EVEN, count)).round().astype(int))
    worst = np.argsort(-losses)[: min(WORST, count)]
    positions = np.concatenate([even, worst])
    batch = canvases.batch(rows[positions])
    predictions = predict_all_actions(model, batch, canvases.colors, precision)
    layout = model.layout
    size = (layout.rows, layout.columns, layout.patch_size)
    whole = batch.frames if batch.index is None else batch.frames[batch.index]
    pictures = unpatchify(whole.cpu(), *size).numpy()
    return Shown(
        positions=tuple(map(int, positions)),
        words=('',) * len(even) + ('worst',) * len(worst),
        actions=canvases.actions[rows[positions]],
        history=pictures[:, :-1],
        truth=pictures[:, -1],
        predictions=unpatchify(to_bytes(predictions).transpose(0, 1), *size).numpy(),
    )


@torch.no_grad()
def predict_all_actions(model: WorldModel, batch: Batch, colors: Tensor, precision: str) -> Tensor:
    """
    Return the (A, B, N, D) predictions in 0..1 for every last action; history is encoded once.

    :param colors: (A, 3) uint8 colours of the actions.
    """
    device = next(model.parameters()).device
    moved = batch.to(device)
    history = model.layout.frames - 1
    predictions = []
    with autocast(device, precision):
        codes = model.history_codes(moved)
        for color in colors.to(device):
            taken = moved.colors.clone()
            taken[:, -1] = color
            bars = model.encode_colors(taken.flatten(0, 1)).unflatten(0, (len(batch), history))
            predictions.append(model.decode(model.memory(codes, bars))[0].float())
    return torch.stack(predictions).cpu()

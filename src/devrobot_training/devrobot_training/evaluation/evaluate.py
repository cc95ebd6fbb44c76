"""
Predict every canvas of a session with every action, and measure.

Shapes: V canvases that are measured, B of them at once, A actions, N patches, D values per patch,
H x W frame.
"""

from collections.abc import Callable
from dataclasses import dataclass

from devrobot_training.data.canvases import CanvasSet
from devrobot_training.evaluation.config import Conditions, EvaluationConfig
from devrobot_training.evaluation.measures import (
    Baselines,
    divergence,
    DotMeasure,
    make_baselines,
    measure_predictions,
    PairDivergence,
)
from devrobot_training.evaluation.rollouts import choose_runs, Rollouts, run_rollouts
from devrobot_world_model.config import LossConfig
from devrobot_world_model.learning.precision import autocast
from devrobot_world_model.model.mae import Batch, WorldModel
from devrobot_world_model.model.patches import to_bytes, unpatchify
import numpy as np
import torch
from torch import Tensor

Progress = Callable[[int, int], None]
EVEN, WORST = 6, 3
ALIKE = 1e-3  # losses that differ by less are of one scene that stood still


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
    measured: Callable[[np.ndarray], None] = lambda losses: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Evaluation:
    """
    Measure ``model`` on ``canvases``.

    :param train: where the mean frame comes from; without it from ``canvases`` themselves.
    :param progress: told how many canvases and rollouts are done, and of how many.
    :param measured: told the (B,) hybrid losses of each batch of canvases.
    :raises EvaluationStoppedError: if ``should_stop`` said so.
    """
    model.eval()
    rows = np.arange(0, len(canvases), config.stride)
    runs = choose_runs(canvases, config)
    conditions = Conditions(
        batch_size=config.batch_size,
        loss=loss,
        precision=precision,
        tick=_ticker(len(rows) + len(runs), progress, should_stop),
        measured=measured,
    )
    baselines = make_baselines(train or canvases, loss, from_training=train is not None)
    threshold = config.changed_threshold
    values, pairs = _measure(model, canvases, rows, baselines, threshold, conditions)
    return Evaluation(
        canvases=canvases,
        config=config,
        rows=rows,
        actions=canvases.actions[rows, -1],
        other_dot_error=values.pop('other_dot_error', None),
        values=values,
        baselines=baselines,
        divergence=pairs,
        rollouts=run_rollouts(model, canvases, runs, conditions),
        shown=show(model, canvases, rows, values['hybrid'], precision),
    )


def _measure(
    model: WorldModel,
    canvases: CanvasSet,
    rows: np.ndarray,
    baselines: Baselines,
    threshold: float,
    conditions: Conditions,
) -> tuple[dict[str, np.ndarray], tuple[PairDivergence, ...]]:
    """Return the values of ``rows``, and how much the predictions for two actions differ."""
    layout, dots = model.layout, DotMeasure(canvases)
    parts: list[dict[str, np.ndarray]] = []
    pairs = []
    for begin in range(0, len(rows), conditions.batch_size):
        conditions.tick(0)
        here = rows[begin : begin + conditions.batch_size]
        batch = canvases.batch(here)
        predictions = predict_all_actions(model, batch, canvases.colors, conditions.precision)
        taken = torch.from_numpy(canvases.actions[here, -1])
        part = measure_predictions(layout, batch, predictions, taken, baselines, conditions.loss)
        parts.append(part | dots.measure(layout, here, batch, predictions))
        pairs.append(divergence(layout, predictions, threshold))
        conditions.measured(part['hybrid'])
        conditions.tick(len(here))
    values = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return values, PairDivergence.joined(pairs)


def _ticker(
    total: int, progress: Progress | None, should_stop: Callable[[], bool]
) -> Callable[[int], None]:
    """Return the function that batches are counted with; see ``Conditions``."""
    done = 0

    def tick(count: int) -> None:
        nonlocal done
        done += count
        if not count and should_stop():
            raise EvaluationStoppedError('the evaluation was stopped')
        if count and progress is not None:
            progress(done, total)

    return tick


def show(
    model: WorldModel, canvases: CanvasSet, rows: np.ndarray, losses: np.ndarray, precision: str
) -> Shown:
    """Predict some of ``rows`` once more: evenly spread ones, then the worst."""
    count = len(rows)
    even = np.unique(np.linspace(0, count - 1, min(EVEN, count)).round().astype(int))
    worst = worst_of(losses, WORST)
    positions = np.array([*even, *worst])
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


def worst_of(losses: np.ndarray, count: int) -> list[int]:
    """Return where the highest losses are, NaN first; of equal ones only the first."""
    losses = np.nan_to_num(losses, nan=np.inf, posinf=np.inf)
    found: list[int] = []
    last = np.nan
    for position in np.argsort(-losses, kind='stable'):
        value = losses[position]
        # Sorted: it is enough to compare with the one before.
        alike = np.isfinite(last) and abs(value - last) <= ALIKE * last
        if value != last and not alike:
            found.append(int(position))
            last = value
        if len(found) == count:
            break
    return found


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

"""
Measures of a batch of predictions.

Shapes: B canvases, A actions, N patches, D values per patch, H x W frame; predictions are
(A, B, N, D) floats about 0..1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from devrobot_training.data.canvases import CanvasSet
from devrobot_training.evaluation.similarity import psnr, ssim
from devrobot_training.evaluation.truth import dot_errors, oracle_of
from devrobot_world_model.canvas.layout import CanvasLayout
from devrobot_world_model.config import LossConfig
from devrobot_world_model.measures.dots import dot_positions
from devrobot_world_model.model.losses import compute_losses
from devrobot_world_model.model.mae import Batch
from devrobot_world_model.model.patches import to_bytes, to_unit, unpatchify
import numpy as np
import torch
from torch import Tensor

KINDS = ('plain', 'focal', 'hybrid')
MEAN_FRAMES = 512  # frames that the mean frame and the best grey are made of


@dataclass(frozen=True, kw_only=True)
class Baselines:
    """Predictions that need no model: (N, D) mean frame, and a grey level, both in 0..1."""

    mean_frame: Tensor
    grey: float
    from_training: bool


def make_baselines(canvases: CanvasSet, loss: LossConfig, *, from_training: bool) -> Baselines:
    """Return the trivial predictions, learned from the targets of up to 512 canvases."""
    count = min(MEAN_FRAMES, len(canvases))
    rows = np.unique(np.linspace(0, len(canvases) - 1, count).round().astype(np.int64))
    total, grey = None, []
    for begin in range(0, len(rows), 64):
        truth = to_unit(canvases.batch(rows[begin : begin + 64]).targets.cpu())
        total = truth.sum(0) if total is None else total + truth.sum(0)
        grey.append(truth[:: max(1, len(truth) // 8)])
    assert total is not None
    sample = torch.cat(grey)
    levels = torch.linspace(0.0, 1.0, 21)
    best = min(
        levels.tolist(),
        key=lambda level: float(
            compute_losses(torch.full_like(sample, level), sample, loss).hybrid.mean()
        ),
    )
    return Baselines(mean_frame=total / len(rows), grey=best, from_training=from_training)


def measure_predictions(
    layout: CanvasLayout,
    batch: Batch,
    predictions: Tensor,
    taken: Tensor,
    baselines: Baselines,
    loss: LossConfig,
) -> dict[str, np.ndarray]:
    """
    Return (B,) arrays: losses, PSNR and SSIM of the model and of the trivial predictions.

    :param taken: (B,) the action of each canvas.
    """
    truth = to_unit(batch.targets.cpu())
    whole = batch.frames if batch.index is None else batch.frames[batch.index]
    number = torch.arange(len(batch))
    candidates = {
        '': predictions[taken, number],
        '_copy_last': to_unit(whole[:, -2].cpu()),
        '_black': torch.zeros_like(truth),
        '_mean_frame': baselines.mean_frame.expand_as(truth),
        '_grey': torch.full_like(truth, baselines.grey),
    }
    found: dict[str, np.ndarray] = {}
    for suffix, candidate in candidates.items():
        losses = compute_losses(candidate, truth, loss)
        for kind in KINDS:
            found[kind + suffix] = losses.of_kind(kind).double().numpy()
        found['psnr' + suffix] = psnr(losses.plain.double()).numpy()
        found['ssim' + suffix] = ssim(
            _pictures(layout, candidate), _pictures(layout, truth)
        ).numpy()
    found['hybrid_wrong'] = _wrong(predictions, taken, truth, loss)
    return found


def _wrong(predictions: Tensor, taken: Tensor, truth: Tensor, loss: LossConfig) -> np.ndarray:
    """Return the (B,) lowest loss of a prediction for an action not taken; NaN without one."""
    if len(predictions) < 2:
        return np.full(len(truth), np.nan)
    losses = torch.stack([compute_losses(p, truth, loss).hybrid for p in predictions])
    losses[taken, torch.arange(len(truth))] = torch.inf
    return losses.amin(dim=0).double().numpy()


@dataclass(frozen=True, kw_only=True)
class PairDivergence:
    """How much the predictions for two actions differ, in shares of white."""

    first: int
    second: int
    mean: float
    maximum: float
    changed: float
    count: int = 1

    @classmethod
    def joined(cls, parts: Sequence[Sequence['PairDivergence']]) -> tuple['PairDivergence', ...]:
        """Return the figures of all batches together."""
        result = []
        for group in zip(*parts, strict=True):
            counts = np.array([item.count for item in group])
            result.append(
                cls(
                    first=group[0].first,
                    second=group[0].second,
                    mean=float(np.average([item.mean for item in group], weights=counts)),
                    maximum=max(item.maximum for item in group),
                    changed=float(np.average([item.changed for item in group], weights=counts)),
                    count=int(counts.sum()),
                )
            )
        return tuple(result)


def divergence(
    layout: CanvasLayout, predictions: Tensor, threshold: float
) -> list[PairDivergence]:
    """Return the mean and maximum pixel difference and the share of changed pixels per pair."""
    found = []
    for first, second in combinations(range(len(predictions)), 2):
        one, other = (_pictures(layout, predictions[n].clamp(0, 1)) for n in (first, second))
        difference = (one - other).abs().amax(dim=-1)
        found.append(
            PairDivergence(
                first=first,
                second=second,
                mean=float(difference.mean()),
                maximum=float(difference.max()),
                changed=float((difference > threshold).float().mean()),
                count=len(one),
            )
        )
    return found


class DotMeasure:
    """Measures where the dots are, in worlds that have one."""

    def __init__(self, canvases: CanvasSet) -> None:
        self._canvases = canvases
        oracles = [oracle_of(session) for session in canvases.sessions]
        self.known = all(oracle is not None for oracle in oracles)
        self._oracles = oracles

    def measure(
        self, layout: CanvasLayout, rows: np.ndarray, batch: Batch, predictions: Tensor
    ) -> dict[str, np.ndarray]:
        """
        Return ``dot_error`` (B,) and ``other_dot_error`` (B, A) in px; {} without a simulator.

        The action taken is measured against the frame that came, the others against what the
        simulator says they would have shown.
        """
        if not self.known:
            return {}
        whole = batch.frames if batch.index is None else batch.frames[batch.index]
        last, came = (_bytes(layout, whole[:, slot].cpu()) for slot in (-2, -1))
        seen = dot_positions(came)
        found = [dot_positions(_bytes(layout, to_bytes(p))) for p in predictions]
        truth = self._truth(rows, last)
        size = (layout.frame_height, layout.frame_width)
        errors = np.stack(
            [dot_errors(p, truth[:, action], *size) for action, p in enumerate(found)], axis=1
        )
        taken = self._canvases.actions[rows, -1]
        number = np.arange(len(rows))
        own = dot_errors(np.stack(found, axis=1)[number, taken], seen, *size)
        errors[number, taken] = np.nan
        return {'dot_error': own, 'other_dot_error': errors}

    def _truth(self, rows: np.ndarray, last: np.ndarray) -> np.ndarray:
        truth = np.empty((len(rows), len(self._canvases.colors), 2))
        owner = self._canvases.session[rows]
        for number in np.unique(owner):
            oracle = self._oracles[number]
            assert oracle is not None
            here = owner == number
            truth[here] = oracle(last[here], self._canvases.sessions[number])
        return truth


def _pictures(layout: CanvasLayout, patches: Tensor) -> Tensor:
    return unpatchify(patches, layout.rows, layout.columns, layout.patch_size)


def _bytes(layout: CanvasLayout, patches: Tensor) -> np.ndarray:
    return _pictures(layout, patches).numpy()

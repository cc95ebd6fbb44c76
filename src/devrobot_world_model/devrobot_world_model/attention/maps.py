"""
Turn the attention weights of a prediction into maps over the canvas.

Shapes: N patches per frame, M memory tokens, Q query patches, P = R * G patches of the canvas with
R rows and G columns. Patches are numbered row by row over the whole canvas. Only patches of the
predicted slot look; they look at everything, themselves included.
"""

from collections.abc import Sequence
from enum import IntEnum

from devrobot_world_model.canvas.layout import CanvasLayout
import numpy as np
from torch import Tensor


class AttentionError(ValueError):
    """The selection asks for what is not there; the message says what is."""


class Aggregation(IntEnum):
    """How layers and heads become one number; as in AttentionMap.msg."""

    MEAN = 0
    MAX = 1
    SUM = 2


def token_patches(layout: CanvasLayout) -> np.ndarray:
    """Return the (M + N,) canvas patch of every token: blocks in order, each row by row."""
    columns, bar = layout.columns, layout.separator_columns
    order = []
    for block in range(layout.frames):
        first = block * (columns + bar)
        order.append(_grid(layout, first, columns))
        if block < layout.frames - 1:
            order.append(_grid(layout, first + columns, bar))
    return np.concatenate(order)


def query_patches(layout: CanvasLayout) -> np.ndarray:
    """Return the (N,) canvas patches of the predicted slot, row by row."""
    return token_patches(layout)[-layout.patches_per_frame :]


def bright_patches(layout: CanvasLayout, frame: np.ndarray, threshold: float) -> list[int]:
    """
    Return the canvas patches of the predicted (H, W, 3) uint8 frame with a bright pixel.

    The brightest pixel counts, not the mean: a small dot fills little of its patch.

    :param threshold: 0..1, the least brightness of that pixel.
    :raises AttentionError: if no patch is bright enough.
    """
    size = layout.patch_size
    pixels = frame.max(axis=2).reshape(layout.rows, size, layout.columns, size)
    brightness = pixels.max(axis=(1, 3)).ravel() / 255.0
    found = query_patches(layout)[brightness >= threshold]
    if not len(found):
        raise AttentionError(
            f'no patch of the prediction is as bright as {threshold:g}, the brightest has '
            f'{brightness.max():.2f}: lower the threshold or choose patches'
        )
    return [int(patch) for patch in found]


def attention_maps(
    layout: CanvasLayout,
    weights: Sequence[Tensor],
    queries: Sequence[int],
    *,
    layers: Sequence[int] = (),
    heads: Sequence[int] = (),
    aggregation: Aggregation = Aggregation.MEAN,
) -> np.ndarray:
    """
    Return the (Q, P) float32 weights with which each query patch looks at each canvas patch.

    :param weights: per layer (heads, N, M + N).
    :param queries: canvas patches of the predicted slot.
    :param layers: which layers, none = all; likewise ``heads``.
    :raises AttentionError: if a query, layer or head does not exist.
    """
    layers = chosen(layers, len(weights), 'layer')
    heads = chosen(heads, weights[0].shape[0], 'head')
    rows = _query_rows(layout, queries)
    stack = np.stack([weights[layer].cpu().numpy()[heads][:, rows] for layer in layers])
    flat = stack.reshape(-1, *stack.shape[2:])
    maps = np.zeros((len(rows), layout.rows * layout.canvas_columns), np.float32)
    maps[:, token_patches(layout)] = _aggregate(flat, aggregation)
    return maps


def chosen(wanted: Sequence[int], count: int, what: str) -> list[int]:
    """Return the numbers in ``wanted``, all ``count`` of them for none."""
    for number in wanted:
        if not 0 <= number < count:
            raise AttentionError(f'{what} {number} does not exist, there are 0 to {count - 1}')
    return list(dict.fromkeys(wanted)) or list(range(count))


def _aggregate(weights: np.ndarray, aggregation: Aggregation) -> np.ndarray:
    """Reduce the first axis."""
    if aggregation is Aggregation.MAX:
        return np.max(weights, axis=0)
    if aggregation is Aggregation.SUM:
        return np.sum(weights, axis=0)
    return np.mean(weights, axis=0)


def _query_rows(layout: CanvasLayout, queries: Sequence[int]) -> list[int]:
    row_of = {int(patch): row for row, patch in enumerate(query_patches(layout))}
    if not queries:
        raise AttentionError('no query patch was chosen')
    for patch in queries:
        if patch not in row_of:
            raise AttentionError(
                f'patch {patch} is not in the predicted slot: its patches are those of columns '
                f'{layout.canvas_columns - layout.columns} to {layout.canvas_columns - 1} of '
                f'{layout.canvas_columns}'
            )
    return [row_of[patch] for patch in queries]


def _grid(layout: CanvasLayout, first: int, columns: int) -> np.ndarray:
    rows = np.arange(layout.rows)[:, None] * layout.canvas_columns
    return (rows + np.arange(first, first + columns)).ravel()

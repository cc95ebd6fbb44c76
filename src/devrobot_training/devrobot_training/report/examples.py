"""
Pictures that a stage leaves for the report, as files in the run folder.

Shapes: n shown canvases, K frames per canvas, A actions, H x W frame, S separator width, R x G
patches of the canvas.
"""

from pathlib import Path

from devrobot_interfaces_py.atomic import write_bytes
from devrobot_interfaces_py.images import encode_png
from devrobot_training.evaluation.evaluate import Evaluation
from devrobot_training.report.stage_records import Example
from devrobot_training.report.summary import Attention
from devrobot_world_model.attention.maps import attention_maps, query_patches
from devrobot_world_model.model.mae import WorldModel
import numpy as np
import torch

CHANGED_PATCHES = 3
WARM = np.array([213.0, 94.0, 0.0])  # vermilion of the report's colours


def save_examples(
    evaluation: Evaluation, run_folder: Path, place: str
) -> tuple[tuple[Example, ...], tuple[Example, ...]]:
    """
    Write what an evaluation shows as PNG files; return the evenly spread canvases and the worst.

    :param place: folder of the files, relative to ``run_folder``.
    :raises OSError: if the disk refuses.
    """
    shown, canvases = evaluation.shown, evaluation.canvases
    found: tuple[list[Example], list[Example]] = ([], [])
    for number, (position, word) in enumerate(zip(shown.positions, shown.words, strict=True)):
        action = int(shown.actions[number, -1])
        row = int(evaluation.rows[position])
        pictures = {
            'canvas': history_strip(
                shown.history[number],
                canvases.colors.numpy()[shown.actions[number]],
                canvases.layout.separator_width,
            ),
            'truth': shown.truth[number],
            'prediction': shown.predictions[number, action],
        }
        paths = {name: f'{place}/{number:02}_{name}.png' for name in pictures}
        for name, picture in pictures.items():
            write_bytes(run_folder / paths[name], encode_png(np.ascontiguousarray(picture)))
        loss = float(evaluation.values['hybrid'][position])
        example = Example(
            transition=int(canvases.transition[row]),
            word=word,
            action=canvases.action_labels[action],
            hybrid=loss if np.isfinite(loss) else None,
            **paths,
        )
        found[bool(word)].append(example)
    return tuple(found[0]), tuple(found[1])


def save_attention(
    model: WorldModel, evaluation: Evaluation, run_folder: Path, place: str
) -> Attention:
    """
    Write where the model looks when it predicts the patches that change most.

    Of the shown canvases that with the largest change of truth is taken.

    :raises OSError: if the disk refuses.
    """
    shown, canvases = evaluation.shown, evaluation.canvases
    change = np.abs(shown.truth.astype(float) - shown.history[:, -1])
    number = int(change.mean(axis=(1, 2, 3)).argmax())
    row = int(evaluation.rows[shown.positions[number]])
    heat = _heat(model, evaluation, row, change[number])
    colors = canvases.colors.numpy()[shown.actions[number]]
    strip = history_strip(shown.history[number], colors, canvases.layout.separator_width)
    canvas = np.concatenate([strip, shown.truth[number]], axis=1)
    path = f'{place}/attention.png'
    picture = overlay(canvas, heat, canvases.layout.patch_size)
    write_bytes(run_folder / path, encode_png(picture))
    label = canvases.action_labels[int(shown.actions[number, -1])]
    return Attention(
        picture=path,
        caption=f'Transition {int(canvases.transition[row])}, action {label}: where the '
        f'{CHANGED_PATCHES} patches that change most look, mean of all layers and heads. Left the '
        'history with the bars of its actions, right what came; the model does not see that.',
    )


def _heat(model: WorldModel, evaluation: Evaluation, row: int, change: np.ndarray) -> np.ndarray:
    """Return the (R, G) weights of the patches in which the (H, W, 3) change is largest."""
    layout = evaluation.canvases.layout
    batch = evaluation.canvases.batch(np.array([row])).to(next(model.parameters()).device)
    with torch.no_grad():
        _, weights = model(batch, need_weights=True)
    grid = (layout.rows, layout.patch_size, layout.columns, layout.patch_size, 3)
    patches = change.reshape(grid).mean(axis=(1, 3, 4)).ravel()
    queries = query_patches(layout)[np.argsort(-patches, kind='stable')[:CHANGED_PATCHES]]
    maps = attention_maps(layout, [layer[0].float() for layer in weights], list(map(int, queries)))
    return np.asarray(maps.mean(axis=0).reshape(layout.rows, layout.canvas_columns))


def history_strip(history: np.ndarray, colors: np.ndarray, width: int) -> np.ndarray:
    """
    Return (K-1, H, W, 3) frames side by side, each with the bar of the action that followed.

    :param colors: (K-1, 3) uint8.
    """
    height = history.shape[1]
    parts = []
    for frame, color in zip(history, colors, strict=True):
        parts += [frame, np.broadcast_to(color, (height, width, 3)).astype(np.uint8)]
    return np.concatenate(parts, axis=1)


def overlay(canvas: np.ndarray, heat: np.ndarray, patch: int) -> np.ndarray:
    """Return the (H, C, 3) uint8 canvas, warmer where the (R, G) ``heat`` is higher."""
    share = np.sqrt(heat / max(float(heat.max()), 1e-12))
    share = 0.85 * np.kron(share, np.ones((patch, patch)))[..., None]
    return (canvas * (1 - share) + WARM * share).round().astype(np.uint8)

"""
Lay frames and action separators side by side on one image, the canvas.

Shapes: H, W are the height and width of one frame; S is the separator width; K is the number of
frames. Images are (H, W, 3) uint8 RGB.
"""

from collections.abc import Sequence

from devrobot_interfaces_py.actions import Rgb
from devrobot_world_model.canvas.layout import CanvasLayout
import numpy as np


def build_canvas(
    layout: CanvasLayout,
    frames: Sequence[np.ndarray],
    colors: Sequence[Rgb],
    out: np.ndarray | None = None,
) -> np.ndarray:
    """
    Return the (H, K*W + (K-1)*S, 3) canvas of K frames and K-1 separators.

    A sequence of K-1 frames leaves the last slot black: the slot that is to be predicted.

    :param colors: separator colours; ``colors[i]`` is the action between frames i and i+1.
    :param out: canvas to be written into, else a new one is made.
    :raises ValueError: if the counts or a frame's shape do not fit ``layout``.
    """
    shape = (layout.frame_height, layout.frame_width, 3)
    if len(frames) not in (layout.frames - 1, layout.frames) or len(colors) != layout.frames - 1:
        raise ValueError(
            f'need {layout.frames} frames (or one less) and {layout.frames - 1} colours, '
            f'got {len(frames)} and {len(colors)}'
        )
    canvas = np.empty((layout.height, layout.width, 3), np.uint8) if out is None else out
    for slot, frame in enumerate(frames):
        if frame.shape != shape or frame.dtype != np.uint8:
            raise ValueError(f'frame {slot} is {frame.shape} {frame.dtype}, need {shape} uint8')
        start = layout.slot_start(slot)
        canvas[:, start : start + layout.frame_width] = frame
    for index, color in enumerate(colors):
        start = layout.separator_start(index)
        canvas[:, start : start + layout.separator_width] = color
    if len(frames) < layout.frames:
        canvas[:, layout.slot_start(-1) :] = 0
    return canvas

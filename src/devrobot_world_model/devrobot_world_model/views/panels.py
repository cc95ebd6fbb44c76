"""
Compose the pictures that people look at: masks, composites, errors and strips of frames.

Shapes: H, W are the height and width of one image (a frame or a whole canvas); S is the width of
a separator bar; N is a number of frames. Images are (H, W, 3) uint8 RGB, masks are (H, W) bool.
Every function returns a new image and leaves its arguments untouched.
"""

from collections.abc import Sequence

from devrobot_interfaces_py.actions import Rgb
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Mask = NDArray[np.bool_]

CHECKER_DARK = 112
CHECKER_LIGHT = 144

# From dark violet over red-orange to pale yellow, with lightness rising evenly, so that it reads
# the same with every common colour blindness and in black and white.
HEAT_ANCHORS = (
    (0, 0, 4),
    (31, 12, 72),
    (85, 15, 109),
    (136, 34, 106),
    (186, 54, 85),
    (227, 89, 51),
    (249, 140, 10),
    (249, 201, 50),
    (252, 255, 164),
)


def heat_table() -> NDArray[np.uint8]:
    """Return the (256, 3) colour table of error images: dark is 0, bright is 255."""
    anchors = np.asarray(HEAT_ANCHORS, dtype=np.float64)
    where = np.linspace(0.0, len(anchors) - 1, 256)
    columns = [np.interp(where, np.arange(len(anchors)), anchors[:, c]) for c in range(3)]
    return np.rint(np.stack(columns, axis=1)).astype(np.uint8)


def column_mask(height: int, width: int, start: int, stop: int) -> Mask:
    """Return an (H, W) mask of the columns ``start`` … ``stop - 1``: one slot of a canvas."""
    if not 0 <= start < stop <= width:
        raise ValueError(f'columns {start}:{stop} are not inside an image {width} wide')
    mask = np.zeros((height, width), dtype=bool)
    mask[:, start:stop] = True
    return mask


def masked_overlay(canvas: Image, mask: Mask, cell: int) -> Image:
    """
    Return the (H, W, 3) canvas with masked pixels hidden behind a mid-grey checker.

    :param mask: (H, W) bool, true where the model sees nothing.
    :param cell: side of one checker field in pixels; the patch size shows the patches.
    """
    _require_image(canvas, 'canvas')
    _require_mask(mask, canvas)
    if cell < 1:
        raise ValueError(f'checker cell must be at least 1 px, got {cell}')
    rows = np.arange(canvas.shape[0])[:, None] // cell
    columns = np.arange(canvas.shape[1])[None, :] // cell
    checker = np.where((rows + columns) % 2 == 0, CHECKER_DARK, CHECKER_LIGHT).astype(np.uint8)
    return np.where(mask[..., None], checker[..., None], canvas)


def composite(truth: Image, inpainted: Image, mask: Mask) -> Image:
    """Return the (H, W, 3) truth with the model's paint where it was masked."""
    _require_image(truth, 'truth')
    _require_same_shape(inpainted, truth, 'inpainted')
    _require_mask(mask, truth)
    return np.where(mask[..., None], inpainted, truth)


def paste(canvas: Image, frame: Image, left: int) -> Image:
    """Return a copy of the (H, W, 3) canvas with a (H, w, 3) frame at column ``left``."""
    _require_image(canvas, 'canvas')
    _require_image(frame, 'frame')
    right = left + frame.shape[1]
    if frame.shape[0] != canvas.shape[0] or left < 0 or right > canvas.shape[1]:
        raise ValueError(
            f'a frame of {_size(frame)} does not fit a canvas of {_size(canvas)} at column {left}'
        )
    result = canvas.copy()
    result[:, left:right] = frame
    return result


def error_image(prediction: Image, truth: Image, *, full_scale: float = 255.0) -> Image:
    """
    Return the (H, W, 3) heat map of the absolute error, averaged over the three channels.

    :param full_scale: error in grey levels that gets the brightest colour.
    """
    _require_image(truth, 'truth')
    _require_same_shape(prediction, truth, 'prediction')
    if not full_scale > 0:
        raise ValueError(f'full scale must be above 0, got {full_scale}')
    difference = np.abs(prediction.astype(np.int16) - truth.astype(np.int16))
    error = difference.mean(axis=2) * (255.0 / full_scale)
    return heat_table()[np.rint(np.clip(error, 0.0, 255.0)).astype(np.uint8)]


def counterfactual_strip(frames: Sequence[Image], colors: Sequence[Rgb], bar: int) -> Image:
    """
    Return what each action would lead to: N times a coloured bar, then its frame.

    ``| bar 0 | frame 0 | bar 1 | frame 1 | …``, shape (H, N·(S + W), 3).

    :param colors: ``colors[i]`` is the separator colour of the action that leads to frame i.
    :param bar: S, the width of the bars in pixels.
    """
    if not frames or len(frames) != len(colors):
        raise ValueError(
            f'need as many frames as colours and at least one, got {len(frames)} and {len(colors)}'
        )
    if bar < 1:
        raise ValueError(f'bar width must be at least 1 px, got {bar}')
    first = frames[0]
    _require_image(first, 'frame 0')
    pieces = []
    for index, (frame, color) in enumerate(zip(frames, colors, strict=True)):
        _require_same_shape(frame, first, f'frame {index}')
        pieces += [_bar(first.shape[0], bar, color), frame]
    return np.concatenate(pieces, axis=1)


def rollout_strip(start: Image, frames: Sequence[Image], colors: Sequence[Rgb], bar: int) -> Image:
    """Return ``| start | bar 0 | frame 0 | bar 1 | …``, shape (H, W + N·(S + W), 3)."""
    strip = counterfactual_strip(frames, colors, bar)
    _require_same_shape(start, frames[0], 'start frame')
    return np.concatenate([start, strip], axis=1)


def _bar(height: int, width: int, color: Rgb) -> Image:
    return np.broadcast_to(np.asarray(color, dtype=np.uint8), (height, width, 3))


def _size(image: Image | Mask) -> str:
    return 'x'.join(str(n) for n in np.shape(image))


def _require_image(image: Image, what: str) -> None:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise ValueError(f'{what} must be (H, W, 3) uint8, got {_size(image)} {image.dtype}')


def _require_same_shape(image: Image, like: Image, what: str) -> None:
    _require_image(image, what)
    if image.shape != like.shape:
        raise ValueError(f'{what} must be {_size(like)}, got {_size(image)}')


def _require_mask(mask: Mask, image: Image) -> None:
    if mask.shape != image.shape[:2] or mask.dtype != np.bool_:
        raise ValueError(
            f'mask must be bool of {image.shape[0]}x{image.shape[1]}, '
            f'got {mask.dtype} of {_size(mask)}'
        )

"""
Measure where a dot is, from the pixels alone, in a world that wraps around.

Shapes: images are (H, W, 3) uint8; positions are (x, y) in px.
"""

import math

import numpy as np

NO_DOT_BELOW = 0.2


def dot_position(image: np.ndarray) -> tuple[float, float] | None:
    """
    Return the (x, y) centroid of the bright pixels, or None where there is no dot.

    Bright is above half the maximum; an image whose maximum is below 0.2 of white has no dot.
    The centroid is the circular mean, so that a dot cut by the edge is one dot.
    """
    grey = image.astype(np.float32).mean(axis=2) / 255.0
    brightest = float(grey.max())
    if brightest < NO_DOT_BELOW:
        return None
    bright = grey > brightest / 2.0
    x = _circular_mean(bright.sum(axis=0))
    y = _circular_mean(bright.sum(axis=1))
    return None if x is None or y is None else (x, y)


def dot_distance(
    a: tuple[float, float] | None, b: tuple[float, float] | None, height: int, width: int
) -> float:
    """Return the distance of two positions in px around the torus; infinite without a dot."""
    if a is None or b is None:
        return math.inf
    dx, dy = abs(a[0] - b[0]) % width, abs(a[1] - b[1]) % height
    return math.hypot(min(dx, width - dx), min(dy, height - dy))


def _circular_mean(weights: np.ndarray) -> float | None:
    """Return the mean index of weights on a circle, None if they have no direction."""
    size = len(weights)
    angles = 2.0 * np.pi * np.arange(size) / size
    total = complex(np.sum(weights * np.exp(1j * angles)))
    # A ring of even weights points nowhere: that is no dot.
    if abs(total) < 1e-3 * float(weights.sum()):
        return None
    return float(np.angle(total)) % (2.0 * np.pi) * size / (2.0 * np.pi)

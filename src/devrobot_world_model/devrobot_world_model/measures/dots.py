"""
Measure where a dot is, from the pixels alone, in a world that wraps around.

Shapes: B images; images are (H, W, 3) uint8; positions are (x, y) in px.
"""

import math

import numpy as np

NO_DOT_BELOW = 0.2


def dot_position(image: np.ndarray) -> tuple[float, float] | None:
    """Return the (x, y) of the dot in one image, or None; see ``dot_positions``."""
    x, y = dot_positions(image[None])[0]
    return None if math.isnan(x) else (float(x), float(y))


def dot_positions(images: np.ndarray) -> np.ndarray:
    """
    Return the (B, 2) float (x, y) centroids of the bright pixels, NaN where there is no dot.

    Bright is above half the maximum; an image whose maximum is below 0.2 of white has no dot.
    The centroid is the circular mean, so that a dot cut by the edge is one dot.
    """
    grey = images.astype(np.float32).mean(axis=3) / 255.0
    brightest = grey.max(axis=(1, 2))
    bright = grey > brightest[:, None, None] / 2.0
    found = np.stack([_circular_means(bright.sum(axis=1)), _circular_means(bright.sum(axis=2))], 1)
    found[(brightest < NO_DOT_BELOW) | np.isnan(found).any(axis=1)] = np.nan
    return found


def dot_distance(
    a: tuple[float, float] | None, b: tuple[float, float] | None, height: int, width: int
) -> float:
    """Return the distance of two positions in px around the torus; infinite without a dot."""
    if a is None or b is None:
        return math.inf
    return float(dot_distances(np.array([a]), np.array([b]), height, width)[0])


def dot_distances(a: np.ndarray, b: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return the (B,) distances of (B, 2) positions; infinite where one is NaN."""
    size = np.array([width, height], np.float64)
    offset = np.abs(a - b) % size
    distance = np.linalg.norm(np.minimum(offset, size - offset), axis=1)
    return np.where(np.isnan(distance), np.inf, distance)


def _circular_means(weights: np.ndarray) -> np.ndarray:
    """Return the (B,) mean indices of (B, S) weights on a circle, NaN without a direction."""
    size = weights.shape[1]
    angles = 2.0 * np.pi * np.arange(size) / size
    total = weights @ np.exp(1j * angles)
    mean = np.angle(total) % (2.0 * np.pi) * size / (2.0 * np.pi)
    # A ring of even weights points nowhere: that is no dot.
    return np.where(np.abs(total) < 1e-3 * np.maximum(weights.sum(axis=1), 1), np.nan, mean)

"""
The world of the toroidal dot: state, motion and picture.

H, W are the height and the width of the world; both axes wrap.
"""

from __future__ import annotations

from devrobot_robots.robot import Frame
from devrobot_robots.toroidal_dot.config import RANDOM_PLACE, ToroidalDotConfig
import numpy as np
import numpy.typing as npt

STAY = 0
MOVE = 1
DOT_VALUE = 255
DISTRACTOR_VALUE = 96


class ToroidalDotEnvironment:
    """Holds where the dot is, moves it, and draws it."""

    def __init__(self, config: ToroidalDotConfig) -> None:
        self._config = config
        self._random = np.random.default_rng(config.seed)
        self._disc = disc_offsets(config.radius)
        self.reset()

    @property
    def x(self) -> int:
        """Column of the dot's centre [px]."""
        return self._x

    @property
    def y(self) -> int:
        """Row of the dot's centre [px]."""
        return self._y

    def reset(self, seed: int | None = None) -> None:
        """Put the dot at its start; random places come from ``seed``, or go on from the last."""
        if seed is not None:
            self._random = np.random.default_rng(seed)
        config = self._config
        self._x = self._place(config.initial_x, config.width)
        self._y = self._place(config.initial_y, config.height)
        sizes = (config.height, config.width)
        self._distractors = self._random.integers(0, sizes, size=(config.distractors, 2))

    def step(self, action: int) -> None:
        """Move the dot for MOVE, leave it for STAY; the distractors wander in both cases."""
        if action == MOVE:
            self._x = (self._x + self._config.step) % self._config.width
        reach = self._config.step
        self._distractors = self._distractors + self._random.integers(
            -reach, reach, size=self._distractors.shape, endpoint=True
        )

    def render(self) -> Frame:
        """Return the (H, W, 3) picture of the world."""
        image = np.zeros((self._config.height, self._config.width, 3), dtype=np.uint8)
        for y, x in self._distractors:
            self._draw(image, int(y), int(x), DISTRACTOR_VALUE)
        self._draw(image, self._y, self._x, DOT_VALUE)
        return image

    def _place(self, fixed: int, size: int) -> int:
        drawn = int(self._random.integers(size))  # always, so that fixing x leaves y as it was
        return drawn if fixed == RANDOM_PLACE else fixed

    def _draw(self, image: Frame, y: int, x: int, value: int) -> None:
        rows = (self._disc[0] + y) % self._config.height
        columns = (self._disc[1] + x) % self._config.width
        image[rows, columns] = value


def disc_offsets(radius: int) -> npt.NDArray[np.int64]:
    """Return the (2, N) offsets (dy, dx) with dy² + dx² ≤ radius²: 81 of them for radius 5."""
    span = np.arange(-radius, radius + 1)
    dy, dx = np.meshgrid(span, span, indexing='ij')
    inside = dy**2 + dx**2 <= radius**2
    return np.stack([dy[inside], dx[inside]])

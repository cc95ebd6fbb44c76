"""A random action, held for a random number of steps."""

from __future__ import annotations

from devrobot_robots.selectors.base import SelectorError
import numpy as np


class RandomDurationSelector:
    """Draws an action uniformly, holds it for U[min_duration, max_duration] steps, draws again."""

    def __init__(
        self, *, action_count: int, min_duration: int, max_duration: int, seed: int
    ) -> None:
        if not 1 <= min_duration <= max_duration:
            raise SelectorError(
                f'min_duration {min_duration} and max_duration {max_duration} do not fit: '
                'need 1 <= min_duration <= max_duration'
            )
        self._action_count = action_count
        self._durations = (min_duration, max_duration)
        self._random = np.random.default_rng(seed)
        self._action = 0
        self._left = 0

    def next_action(self) -> int:
        """Return the held action, or a new one when its time is over."""
        if self._left == 0:
            self._action = int(self._random.integers(self._action_count))
            self._left = int(self._random.integers(*self._durations, endpoint=True))
        self._left -= 1
        return self._action

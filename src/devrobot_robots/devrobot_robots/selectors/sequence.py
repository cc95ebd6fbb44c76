"""A sequence of actions, over and over."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle

from devrobot_robots.selectors.base import SelectorError


class SequenceSelector:
    """Goes through a sequence and begins again at its end."""

    def __init__(self, actions: Sequence[int]) -> None:
        if not actions:
            raise SelectorError('sequence is empty; give at least one action, for example [0, 1]')
        self._actions = cycle(tuple(actions))

    def next_action(self) -> int:
        """Return the next action of the sequence."""
        return next(self._actions)

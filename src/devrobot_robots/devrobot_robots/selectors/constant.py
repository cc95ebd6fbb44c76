"""Always the same action."""

from __future__ import annotations


class ConstantSelector:
    """Chooses one action for ever."""

    def __init__(self, action: int) -> None:
        self._action = action

    def next_action(self) -> int:
        """Return the action."""
        return self._action

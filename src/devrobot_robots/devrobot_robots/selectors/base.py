"""The contract of a selector."""

from __future__ import annotations

from typing import Protocol


class SelectorError(ValueError):
    """A selector cannot be built from its settings; the text says which and why."""


class Selector(Protocol):
    """Chooses actions, one after the other."""

    def next_action(self) -> int | None:
        """Return the next action, or None when there is none any more."""
        ...

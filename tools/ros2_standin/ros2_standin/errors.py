"""Errors that end the command with one clear line."""

from __future__ import annotations

from collections.abc import Iterable
import difflib
from pathlib import Path


class StandinError(Exception):
    """Something the user can put right; its text is the whole message."""


class LaunchFileError(StandinError):
    """A launch file that cannot be read or carried out; the text begins with ``file:line``."""

    def __init__(self, path: Path, line: int, message: str) -> None:
        super().__init__(f'{path}:{line}: {message}')
        self.path = path
        self.line = line


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``; did you mean 'x'?`` for the known name nearest to ``name``, or nothing."""
    near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.5)
    return f"; did you mean '{near[0]}'?" if near else ''

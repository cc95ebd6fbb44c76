"""Look for a real ``ros2`` on PATH, so that the stand-in never takes its place."""

from __future__ import annotations

from collections.abc import Mapping
import os
from pathlib import Path

MARK = b'ros2_standin'


def _is_standin(path: Path) -> bool:
    """Tell whether ``path`` is the start script of a stand-in (this one or another one)."""
    try:
        with path.open('rb') as stream:
            return MARK in stream.read(4096)
    except OSError:
        return False


def find_real_ros2(environment: Mapping[str, str]) -> Path | None:
    """Return the first ``ros2`` on PATH that is not a stand-in, or ``None``."""
    for folder in environment.get('PATH', '').split(os.pathsep):
        candidate = Path(folder or '.') / 'ros2'
        if candidate.is_file() and os.access(candidate, os.X_OK) and not _is_standin(candidate):
            return candidate
    return None

"""How much room is left on the disk that sessions are written to."""

from __future__ import annotations

from pathlib import Path
import shutil

from devrobot_robots.recording.config import GIGABYTE


def free_bytes(folder: Path) -> int:
    """Return the free bytes on the disk of a folder that need not exist yet."""
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    return shutil.disk_usage(existing).free


def shortage(free: int, folder: Path, min_free_gb: float) -> str:
    """Return one line that says that too little is free and what to do, '' while it is enough."""
    if free >= min_free_gb * GIGABYTE:
        return ''
    return (
        f'the disk of {folder} has {free / GIGABYTE:.2f} GB free, less than min_free_gb '
        f'{min_free_gb:g}: delete something, or choose another sessions_dir'
    )

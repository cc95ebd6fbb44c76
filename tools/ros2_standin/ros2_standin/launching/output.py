"""What launch prints, and the log file that keeps all of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
import os
from pathlib import Path
import socket
import sys
from typing import TextIO


def log_base(environment: Mapping[str, str]) -> Path:
    """Return the folder of the log folders, found like the real tool does."""
    if environment.get('ROS_LOG_DIR'):
        return Path(environment['ROS_LOG_DIR'])
    home = environment.get('ROS_HOME') or str(Path.home() / '.ros')
    return Path(home) / 'log'


def log_folder_name(now: datetime, pid: int) -> str:
    """Return the name of the log folder of one launch."""
    return f'{now:%Y-%m-%d-%H-%M-%S-%f}-{socket.gethostname()}-{pid}'


class LaunchOutput:
    """Prints lines and writes them to ``launch.log``; survives a closed terminal."""

    def __init__(
        self, folder: Path, *, is_debug: bool = False, stream: TextIO | None = None
    ) -> None:
        self.folder = folder
        self.is_broken = False
        self._is_debug = is_debug
        self._stream = stream or sys.stdout
        self._log: TextIO | None = None

    def open(self) -> None:
        """Create the log folder and the log file."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._log = (self.folder / 'launch.log').open('w', errors='replace')

    def close(self) -> None:
        """Close the log file."""
        if self._log is not None:
            self._log.close()
            self._log = None

    def info(self, source: str, text: str) -> None:
        """Report what happens."""
        self._write(f'[INFO] [{source}]: {text}', shown=True)

    def warning(self, source: str, text: str) -> None:
        """Report what may be wrong."""
        self._write(f'[WARNING] [{source}]: {text}', shown=True)

    def error(self, source: str, text: str) -> None:
        """Report what went wrong."""
        self._write(f'[ERROR] [{source}]: {text}', shown=True)

    def debug(self, source: str, text: str) -> None:
        """Report what only ``--debug`` shows."""
        self._write(f'[DEBUG] [{source}]: {text}', shown=self._is_debug)

    def process_line(self, label: str, line: str, *, shown: bool) -> None:
        """Pass on one line of a process."""
        self._write(f'[{label}] {line}', shown=shown)

    def _write(self, line: str, *, shown: bool) -> None:
        if self._log is not None:
            self._log.write(f'{datetime.now().timestamp():.7f} {line}\n')
            self._log.flush()
        if not shown or self.is_broken:
            return
        try:
            self._stream.write(line + '\n')
            self._stream.flush()
        except BrokenPipeError:
            self.is_broken = True
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())

"""Where recording tells what it does: any logger with these methods, of ROS or of Python."""

from __future__ import annotations

from typing import Protocol


class Log(Protocol):
    """A logger."""

    def info(self, message: str, /) -> object:
        """Tell what is normal."""
        ...

    def warning(self, message: str, /) -> object:
        """Tell what may be wrong."""
        ...

    def error(self, message: str, /) -> object:
        """Tell what is wrong."""
        ...

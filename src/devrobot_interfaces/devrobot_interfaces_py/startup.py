"""Start a program that loads for seconds, so that a signal meanwhile ends it without a word."""

from __future__ import annotations

from collections.abc import Callable
import importlib
import os
import signal
from typing import Any


def program(module: str) -> Callable[[], Any]:
    """Return a function for an entry point: it loads ``module``, then calls its ``main()``."""

    def run() -> Any:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _leave)
        # Here and not by the entry point itself, which would load it before any of our code runs.
        return importlib.import_module(module).main()

    return run


def _leave(*_: object) -> None:
    """End at once: nothing was begun, and an exception would come out of somebody's import."""
    os._exit(0)

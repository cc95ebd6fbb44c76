"""Start a program that loads for seconds, so that a signal meanwhile leaves no traceback."""

from __future__ import annotations

from collections.abc import Callable
import importlib
import os
import signal
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)
INTERRUPTED = 128 + signal.SIGINT


def program(module: str) -> Callable[[], Any]:
    """
    Return a function for an entry point of a node: it loads ``module``, then calls its ``main()``.

    A signal meanwhile ends it as one that has done its work.
    """

    def run() -> Any:
        for number in SIGNALS:
            signal.signal(number, _leave)
        # Here and not by the entry point itself, which would load it before any of our code runs.
        return importlib.import_module(module).main()

    return run


def command(module: str) -> Callable[[], Any]:
    """
    Return a function for an entry point of a command: it loads ``module``, then calls ``main()``.

    A signal meanwhile ends it as an interrupted one; in ``main()`` signals are what they were.
    """

    def run() -> Any:
        before = {number: signal.signal(number, _interrupted) for number in SIGNALS}
        main = importlib.import_module(module).main
        for number, handler in before.items():
            signal.signal(number, handler)
        return main()

    return run


def _leave(*_: object) -> None:
    """End at once: nothing was begun, and an exception would come out of somebody's import."""
    os._exit(0)


def _interrupted(*_: object) -> None:
    os.write(2, b'interrupted\n')
    os._exit(INTERRUPTED)

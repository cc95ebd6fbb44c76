"""The one live line, and what is said before and after it."""

import math
import sys
import time
from typing import TextIO

from devrobot_bringup.demo.summary import Figures

PLAIN_EVERY_S = 5.0


class LiveLine:
    """Rewrites one line on a terminal; prints one every few seconds into a pipe."""

    def __init__(self, stream: TextIO = sys.stdout) -> None:
        self._stream = stream
        self._live = stream.isatty()
        self._last = -math.inf

    def show(self, text: str) -> None:
        """Show ``text`` as the present state."""
        now = time.monotonic()
        if self._live:
            print(f'\r\x1b[K{text}', end='', file=self._stream, flush=True)
        elif now - self._last >= PLAIN_EVERY_S:
            print(text, file=self._stream, flush=True)
            self._last = now

    def end(self) -> None:
        """Leave the line."""
        if self._live:
            print(file=self._stream, flush=True)


def status_text(
    step: int,
    actions_per_second: float,
    samples_per_second: float,
    left_s: float,
    f: Figures,
    *,
    has_dot: bool = True,
) -> str:
    """Return the live line; a dash where there is nothing to say yet."""
    if has_dot:
        dot = _pixels(f.median_dot_error)
        result = f'dot {dot} off, {_percent(f.within_2px)} within 2 px'
    else:
        result = against_copy(f.below_copy_last)
    minutes, seconds = divmod(max(0, round(left_s)), 60)
    return (
        f'step {step:5d} | {actions_per_second:4.1f} actions/s | error {_short(f.mse)} '
        f'(copy-last {_short(f.mse_copy_last)}) | {result} | '
        f'{samples_per_second:5.1f} samples/s | '
        f'{minutes}:{seconds:02d} left'
    )


def against_copy(below: float) -> str:
    """Return how an error compares with copying the last frame; ``below`` is a share of that."""
    side = 'above' if below < 0 else 'below'
    return f'{_percent(abs(below))} {side} copy-last'


def _short(value: float) -> str:
    return f'{value:.4f}' if math.isfinite(value) else '  -   '


def _pixels(value: float) -> str:
    return f'{value:4.1f} px' if math.isfinite(value) else '  - px'


def _percent(value: float) -> str:
    return f'{100 * value:3.0f} %' if math.isfinite(value) else '  - %'

"""
Pictures as text: two pixels per character, in true colour.

H, W are height and width of the picture.
"""

from __future__ import annotations

from devrobot_interfaces_py.images import resize
from devrobot_robots.robot import Frame

UPPER_HALF = '\N{UPPER HALF BLOCK}'
HOME, CLEAR, CLEAR_BELOW = '\x1b[H', '\x1b[2J', '\x1b[J'
RESET = '\x1b[0m'


def picture_text(image: Frame, *, columns: int, rows: int) -> str:
    """
    Return the lines of an (H, W, 3) picture that fits into ``columns`` x ``rows`` characters.

    Its proportions are kept: a character is about twice as high as it is wide.
    """
    height, width = image.shape[:2]
    scale = min(columns / width, 2.0 * rows / height)
    across = max(1, round(width * scale))
    down = max(1, round(height * scale / 2.0))
    small = resize(image, 2 * down, across)
    lines = []
    for upper, lower in zip(small[0::2].tolist(), small[1::2].tolist(), strict=True):
        cells = [
            '\x1b[38;2;{};{};{};48;2;{};{};{}m'.format(*top, *bottom) + UPPER_HALF
            for top, bottom in zip(upper, lower, strict=True)
        ]
        lines.append(''.join(cells) + RESET)
    return '\n'.join(lines)

"""
One picture of a session: stretches of frames with the action between each two.

A row is one stretch of neighbouring transitions; the bar between two frames has the colour of the
action, as on a canvas. Rows are spread over the session. Lengths are in widths of a frame.
"""

from dataclasses import dataclass
from itertools import pairwise

from devrobot_interfaces_py.actions import Rgb
from devrobot_interfaces_py.configs import check_ranges, param
from devrobot_interfaces_py.images import resize
from devrobot_training.sessions.session import Session
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
import numpy as np

BAR = 0.1  # width of an action's bar
LEFT, RIGHT, GAP, FOOT = 0.62, 0.08, 0.1, 0.08
LINE = 0.21  # of text above the rows
LEAST_WIDTH = 6.0  # so that the text has room
INCHES, DPI = 1.15, 110  # of a frame's width
LETTERS = 11  # of the text above the rows, in a frame's width


@dataclass(frozen=True, kw_only=True)
class SheetConfig:
    """How much of a session is shown."""

    rows: int = param(6, 'stretches of the contact sheet', minimum=1, maximum=50)
    columns: int = param(8, 'frames of a stretch', minimum=2, maximum=40)

    def __post_init__(self) -> None:
        check_ranges(self)


def stretches(session: Session, config: SheetConfig) -> list[np.ndarray]:
    """
    Return the transitions of each row, a run within one chain.

    A small session is shown as a whole; of a large one each row is from an equal share of it, from
    where the action changes most.
    """
    chain, length = session.transitions['chain'], config.columns - 1
    starts = np.arange(len(chain))
    chain_begins = np.searchsorted(chain, chain, 'left')
    ends = np.minimum(starts + length, np.searchsorted(chain, chain, 'right'))
    pieces = starts[(starts - chain_begins) % length == 0]
    if len(pieces) > config.rows:
        pieces = _liveliest(session.transitions['action'], starts, ends, config)
    return [np.arange(first, ends[first]) for first in pieces]


def _liveliest(
    actions: np.ndarray, starts: np.ndarray, ends: np.ndarray, config: SheetConfig
) -> list[int]:
    """Return where the runs begin that are long and have many changes, one for each share."""
    changes = np.concatenate(([0], np.cumsum(actions[1:] != actions[:-1])))
    merit = (ends - starts) * config.columns + changes[ends - 1] - changes
    firsts: list[int] = []
    free = 0  # no transition is shown twice
    borders = np.linspace(0, len(starts), config.rows + 1).astype(int).tolist()
    for begin, end in pairwise(borders):
        if max(begin, free) < end:
            begin = max(begin, free)
            firsts.append(begin + int(merit[begin:end].argmax()))
            free = int(ends[firsts[-1]])
    return firsts


def contact_sheet(session: Session, config: SheetConfig) -> Figure:
    """Return the picture as a figure, to be saved by the caller."""
    rows = stretches(session, config)
    aspect = session.frames.shape[1] / session.frames.shape[2]
    frames = max(len(row) for row in rows) + 1
    width = max(LEAST_WIDTH, LEFT + frames * (1 + BAR) - BAR + RIGHT)
    top = FOOT + len(rows) * (aspect + GAP) - GAP
    columns, lines = _legend_shape(session, width)
    height = top + (2.5 + lines) * LINE
    figure = Figure(figsize=(width * INCHES, height * INCHES), dpi=DPI, facecolor='white')
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    for number, row in enumerate(rows):
        _draw_row(axes, session, row, top - number * (aspect + GAP), aspect)
    axes.set_axis_off()
    axes.set_xlim(-LEFT, width - LEFT)
    axes.set_ylim(0, height)
    _title(axes, session, height, width)
    _legend(axes, session, top + lines * LINE, columns)
    return figure


def _draw_row(axes: Axes, session: Session, row: np.ndarray, top: float, aspect: float) -> None:
    transitions = session.transitions[row]
    begin = (int(transitions['start_ns'][0]) - session.start_ns) / 1e9
    axes.text(-0.08, top - aspect / 2, _moment(begin), fontsize=8, ha='right', va='center')
    frames = [int(transitions['before'][0]), *transitions['after'].tolist()]
    for column, index in enumerate(frames):
        left = column * (1.0 + BAR)
        axes.imshow(
            _small(session.frames[index]),
            extent=(left, left + 1.0, top - aspect, top),
            interpolation='nearest',
        )
        if column < len(transitions):
            action = session.action_space.actions[int(transitions['action'][column])]
            color = _color(action.separator_color)
            place = (left + 1.0, top - aspect)
            axes.add_patch(
                Rectangle(place, BAR, aspect, facecolor=color, edgecolor='none', antialiased=False)
            )


def _title(axes: Axes, session: Session, height: float, width: float) -> None:
    height_px, width_px = session.frames.shape[1:3]
    figures = (
        f'{len(session)} transitions in {session.chain_count} chains, '
        f'{width_px}×{height_px} px, {session.duration_s:.0f} s'
    )
    longest = int(width * LETTERS)
    name = session.name if len(session.name) <= longest else f'{session.name[: longest - 1]}…'
    for line, (text, weight) in enumerate(((name, 'bold'), (figures, 'normal'))):
        # A name may have dollar signs, which do not mean mathematics.
        axes.text(
            *(FOOT - LEFT, height - (line + 0.9) * LINE, text),
            fontsize=9,
            weight=weight,
            va='center',
            parse_math=False,
        )


def _labels(session: Session) -> list[str]:
    return [f'{label} ({count})' for label, count in session.action_counts.items()]


def _legend_shape(session: Session, width: float) -> tuple[int, int]:
    """Return how many actions stand in a line, and the number of lines."""
    labels = _labels(session)
    fitting = int(width * LETTERS / (max(map(len, labels)) + 8))
    columns = min(len(labels), max(1, fitting))
    return columns, -(-len(labels) // columns)


def _legend(axes: Axes, session: Session, top: float, columns: int) -> None:
    legend = axes.legend(
        handles=[Patch(color=_color(a.separator_color)) for a in session.action_space.actions],
        labels=_labels(session),
        loc='upper left',
        bbox_to_anchor=(FOOT - LEFT, top),
        bbox_transform=axes.transData,
        ncols=columns,
        frameon=False,
        borderpad=0,
        borderaxespad=0,
        fontsize=9,
    )
    for label in legend.get_texts():
        label.set_parse_math(False)


def _color(color: Rgb) -> tuple[float, float, float]:
    red, green, blue = (channel / 255 for channel in color)
    return red, green, blue


def _moment(seconds: float) -> str:
    minutes, rest = divmod(max(0.0, seconds), 60)
    return f'{int(minutes)}:{rest:04.1f}'


def _small(image: np.ndarray) -> np.ndarray:
    """Return the image no larger than it is drawn, so that small things do not vanish."""
    factor = min(1.0, INCHES * DPI / image.shape[1])
    height, width = (max(1, round(side * factor)) for side in image.shape[:2])
    return resize(np.ascontiguousarray(image), height, width)

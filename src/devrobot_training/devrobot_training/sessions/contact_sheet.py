"""
One picture of a session: stretches of frames with the action between each two.

A row is one stretch of neighbouring transitions; the bar between two frames has the colour of the
action, as on a canvas. Rows are spread evenly over the session.
"""

from dataclasses import dataclass

from devrobot_interfaces_py.configs import check_ranges, param
from devrobot_interfaces_py.images import resize
from devrobot_training.sessions.session import Session
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
import numpy as np

BAR = 0.16  # width of an action's bar, in frames
INCHES = 1.15
LARGEST_PX = 160


@dataclass(frozen=True, kw_only=True)
class SheetConfig:
    """How much of a session is shown."""

    rows: int = param(6, 'stretches of the contact sheet', minimum=1, maximum=50)
    columns: int = param(8, 'frames of a stretch', minimum=2, maximum=40)

    def __post_init__(self) -> None:
        check_ranges(self)


def stretches(session: Session, config: SheetConfig) -> list[np.ndarray]:
    """Return the transitions of each row: runs within one chain, spread over the session."""
    for length in range(min(config.columns - 1, len(session)), 0, -1):
        windows = session.windows(length)
        if len(windows):
            count = min(config.rows, max(1, len(session) // length))
            chosen = np.unique(np.linspace(0, len(windows) - 1, count).round().astype(int))
            return [windows[index] for index in chosen]
    return []


def contact_sheet(session: Session, config: SheetConfig) -> Figure:
    """Return the picture as a figure, to be saved by the caller."""
    rows = stretches(session, config)
    height, width = session.frames.shape[1:3]
    aspect = height / width
    columns = max((len(row) for row in rows), default=1) + 1
    size = (columns * INCHES * 1.16 + 0.9, (len(rows) or 1) * INCHES * aspect * 1.22 + 0.55)
    figure = Figure(figsize=size, dpi=110, facecolor='white')
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    pitch = 1.0 + BAR
    row_pitch = aspect * 1.22
    top = len(rows) * row_pitch
    for number, row in enumerate(rows):
        _draw_row(axes, session, row, top - number * row_pitch, aspect)
    axes.set_xlim(-0.75, columns * pitch)
    axes.set_ylim(-0.05, top + 0.5)
    axes.text(-0.7, top + 0.27, _title(session), fontsize=10, weight='bold', va='center')
    _legend(axes, session)
    return figure


def _draw_row(axes, session: Session, row: np.ndarray, top: float, aspect: float) -> None:
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
            color = [channel / 255 for channel in action.separator_color]
            axes.add_patch(
                Rectangle((left + 1.0, top - aspect), BAR, aspect, color=color, linewidth=0)
            )


def _legend(axes, session: Session) -> None:
    counts = session.action_counts
    patches = [
        Patch(
            color=[channel / 255 for channel in action.separator_color],
            label=f'{action.label} ({counts[action.label]})',
        )
        for action in session.action_space.actions
    ]
    axes.legend(
        handles=patches,
        loc='upper right',
        bbox_to_anchor=(0.995, 0.995),
        ncols=len(patches),
        frameon=False,
        fontsize=9,
    )


def _title(session: Session) -> str:
    height, width = session.frames.shape[1:3]
    return (
        f'{session.name}: {len(session)} transitions in {session.chain_count} chains, '
        f'{width}×{height} px, {session.duration_s:.0f} s'
    )


def _moment(seconds: float) -> str:
    minutes, rest = divmod(max(0.0, seconds), 60)
    return f'{int(minutes)}:{rest:04.1f}'


def _small(image: np.ndarray) -> np.ndarray:
    """Return the image no larger than it can be seen."""
    factor = min(1.0, LARGEST_PX / max(image.shape[:2]))
    height, width = (max(1, round(side * factor)) for side in image.shape[:2])
    return resize(np.ascontiguousarray(image), height, width)

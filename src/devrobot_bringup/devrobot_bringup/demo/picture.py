"""The picture at the end of the demo: canvas, truth, predictions, error over time."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from devrobot_bringup.demo.monitor import Example, Outcome
from devrobot_interfaces_py.actions import ActionSpace
from devrobot_interfaces_py.atomic import atomic_path
from devrobot_world_model.canvas.builder import build_canvas
from devrobot_world_model.canvas.layout import CanvasLayout
import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SMOOTHING = 25
SEPARATOR_SHARE = 8


def example_canvas(example: Example, space: ActionSpace) -> np.ndarray:
    """Return the (H, K*W + (K-1)*S, 3) canvas of an example; the last slot is black."""
    height, width = example.truth.shape[:2]
    layout = CanvasLayout(
        frame_height=height,
        frame_width=width,
        frames=len(example.history) + 1,
        separator_width=width // SEPARATOR_SHARE,
        patch_size=1,
    )
    colors = [space.actions[action].separator_color for action in example.actions]
    return build_canvas(layout, example.history, colors)


def write_picture(
    path: Path, example: Example, outcomes: Sequence[Outcome], space: ActionSpace, title: str
) -> None:
    """Write a PNG that shows one prediction and how the error fell, all at once or not at all."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    count = len(space)
    figure = Figure(figsize=(11, 6.2), layout='constrained')
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=13)
    rows = figure.subfigures(2, 1, height_ratios=[1.0, 1.15])
    axes = rows[0].subplots(1, 2 + count, width_ratios=[3.3, *[1.0] * (1 + count)])
    taken = space.actions[example.outcome.action].label
    _show(axes[0], example_canvas(example, space), 'what the model sees: the canvas')
    _show(axes[1], example.truth, f'truth after "{taken}"')
    for index, frame in enumerate(example.predictions):
        label = space.actions[index].label
        color = [value / 255 for value in space.actions[index].separator_color]
        mark = 'predicted' if index == example.outcome.action else 'imagined'
        _show(axes[2 + index], frame, f'{mark}: "{label}"', color)
    _plot_errors(rows[1].subplots(1, 2), outcomes)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=110, format='png')


def _show(
    axis: object, image: np.ndarray, title: str, color: Sequence[float] = (0.3, 0.3, 0.3)
) -> None:
    axis.imshow(image, interpolation='nearest')
    axis.set_title(title, fontsize=9)
    axis.set_xticks([])
    axis.set_yticks([])
    for spine in axis.spines.values():
        spine.set_color(color)
        spine.set_linewidth(2.0)


def _plot_errors(axes: Sequence, outcomes: Sequence[Outcome]) -> None:
    seconds = np.array([outcome.seconds for outcome in outcomes])
    error, dots = axes
    for values, label, color in (
        ([outcome.mse for outcome in outcomes], 'prediction', '#0072b2'),
        ([outcome.mse_copy_last for outcome in outcomes], 'copy the last frame', '#d55e00'),
        ([outcome.mse_black for outcome in outcomes], 'all black', '#777777'),
    ):
        smooth = _smooth(np.array(values))
        error.plot(seconds[len(seconds) - len(smooth) :], smooth, label=label, color=color)
    error.set(xlabel='seconds since the first action', ylabel='mean squared error')
    error.set_title(f'prediction error (mean of {SMOOTHING})', fontsize=10)
    error.legend(fontsize=8)
    if np.isnan([outcome.dot_error for outcome in outcomes]).all():
        error.set_yscale('log')  # what is no dot has errors of several sizes
        _plot_gain(dots, seconds, outcomes)
        return
    error.set_ylim(bottom=0.0)
    hits = np.array([float(outcome.dot_error <= 2.0) for outcome in outcomes])
    share = 100.0 * _smooth(hits)
    dots.plot(seconds[len(seconds) - len(share) :], share, color='#0072b2')
    dots.axhline(95.0, color='#777777', linewidth=0.8, linestyle='--')
    dots.set(xlabel='seconds since the first action', ylabel='% within 2 px', ylim=(0, 102))
    dots.set_title('dot predicted at the right place', fontsize=10)


def _plot_gain(axis: 'Axes', seconds: np.ndarray, outcomes: Sequence[Outcome]) -> None:
    error = _smooth(np.array([outcome.mse for outcome in outcomes]))
    copied = _smooth(np.array([outcome.mse_copy_last for outcome in outcomes]))
    gain = 100.0 * (1.0 - error / np.maximum(copied, 1e-9))
    axis.plot(seconds[len(seconds) - len(gain) :], gain, color='#0072b2')
    axis.axhline(0.0, color='#777777', linewidth=0.8, linestyle='--')
    axis.set(xlabel='seconds since the first action', ylabel='% below', ylim=(-50, 100))
    axis.set_title('error below that of copying the last frame', fontsize=10)


def _smooth(values: np.ndarray) -> np.ndarray:
    """Return the running mean over up to ``SMOOTHING`` values."""
    window = max(1, min(SMOOTHING, len(values)))
    return np.convolve(values, np.full(window, 1.0 / window), mode='valid')

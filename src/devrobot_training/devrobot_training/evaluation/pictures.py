"""
Pictures of an evaluation.

Shapes: V canvases, K frames per canvas, H x W frame; pictures are uint8 RGB.
"""

from collections.abc import Sequence
from typing import Any

from devrobot_training.evaluation.evaluate import Evaluation
from devrobot_training.fit.overfit import counted, Memorised
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
import numpy as np

GAP = 0.14
BETWEEN = 0.2  # two rollouts, in heights of a row
INCHES = 1.15
BLUE, ORANGE, GREY = '#0072b2', '#d55e00', '#8a8a8a'


def draw_all(evaluation: Evaluation, data: dict[str, Any]) -> dict[str, Figure]:
    """Return every picture by its name; those that make no sense for this session are left out."""
    figures = {'examples': draw_examples(evaluation), 'loss': draw_loss(data)}
    if evaluation.rollouts is not None:
        figures['rollouts'] = draw_rollouts(evaluation)
        figures['rollout_error'] = draw_rollout_error(data)
    return figures


def draw_examples(evaluation: Evaluation) -> Figure:
    """Draw history, truth, prediction, error, and what each other action would have shown."""
    shown = evaluation.shown
    rows = list(zip(shown.positions, shown.words, strict=True))
    labels = evaluation.canvases.action_labels
    history = shown.history.shape[1]
    columns = [
        *(f'frame {n - history + 1}' if n < history - 1 else 'newest' for n in range(history)),
        'what came',
        'predicted',
        '|error|',
    ]
    columns += [f'if {label}' for label in labels]
    figure, axes = _sheet(len(rows), len(columns), shown.truth.shape[1:3])
    for number, (_, word) in enumerate(rows):
        truth, predictions = shown.truth[number], shown.predictions[number]
        action = int(shown.actions[number, -1])
        own = predictions[action]
        error = np.abs(own.astype(int) - truth.astype(int)).astype(np.uint8)
        cells = [*shown.history[number], truth, own, error, *predictions]
        bars = [*shown.actions[number], None, None, *[None] * (1 + len(labels))]
        for column, (cell, bar) in enumerate(zip(cells, bars, strict=True)):
            color = None if bar is None else evaluation.canvases.colors[int(bar)].tolist()
            _cell(axes, number, column, cell, color)
        loss = evaluation.values['hybrid'][rows[number][0]]
        _label(axes, number, f'{word}\n{labels[action]}\n{loss:.4f}'.strip(), truth.shape)
    _titles(axes, columns)
    return figure


def draw_rollouts(evaluation: Evaluation) -> Figure:
    """Draw imagined frames above those that came, with the actions between them."""
    rollouts = evaluation.rollouts
    assert rollouts is not None
    shown = rollouts.pictures
    count, steps = shown.actions.shape
    figure, axes = _sheet(count * (2 + BETWEEN), steps + 1, shown.start.shape[1:3])
    colors = evaluation.canvases.colors
    for number in range(count):
        bars = [*(colors[int(action)].tolist() for action in shown.actions[number]), None]
        for line, (frames, word) in enumerate(
            ((shown.imagined[number], 'imagined'), (shown.observed[number], 'came'))
        ):
            row = number * (2 + BETWEEN) + line
            for step, frame in enumerate([shown.start[number], *frames]):
                _cell(axes, row, step, frame, bars[step])
            _label(axes, row, word, frames[0].shape)
    _titles(axes, ['start', *(f'step {n + 1}' for n in range(steps))])
    return figure


def draw_loss(data: dict[str, Any]) -> Figure:
    """Draw the loss over the session, and its histogram."""
    figure = _figure(9.0, 2.8)
    left, right = figure.subplots(1, 2, width_ratios=[2.2, 1.0])
    over = data['over_time']
    hybrid = np.array(over['hybrid'], np.float64)  # None, of a broken model, becomes NaN
    left.plot(over['transition'], hybrid, '.', color=BLUE, markersize=3, label='model')
    for name, color, label in (
        ('hybrid_copy_last', ORANGE, 'copy last frame'),
        ('hybrid_grey', GREY, 'best grey'),
    ):
        left.axhline(data[name], color=color, linewidth=1.2, label=label)
    # A perfect prediction has no logarithm.
    left.set_yscale('log' if (hybrid > 0).all() else 'linear')
    left.set(xlabel='transition', ylabel='hybrid loss')
    left.legend(fontsize=7, framealpha=0.6)
    edges = np.array(data['histogram']['edges'])
    right.bar(edges[:-1], data['histogram']['counts'], np.diff(edges), align='edge', color=BLUE)
    right.set(xlabel='hybrid loss', ylabel='transitions')
    figure.tight_layout()
    return figure


def draw_rollout_error(data: dict[str, Any]) -> Figure:
    """Draw how the error grows with every imagined step."""
    rollouts = data['rollouts']
    steps = np.arange(1, len(rollouts['hybrid']) + 1)
    figure = _figure(9.0, 2.8)
    near = rollouts.get('within_2px')
    axes = figure.subplots(1, 2 if near else 1, squeeze=False)[0]
    hybrid = np.array(rollouts['hybrid'], np.float64)
    axes[0].plot(steps, hybrid, 'o-', color=BLUE, markersize=3, label='imagined')
    axes[0].plot(steps, rollouts['hybrid_copy_first'], color=ORANGE, label='nothing changes')
    axes[0].set(xlabel='step', ylabel='hybrid loss')
    axes[0].legend(fontsize=7)
    if near:
        shares = 100 * np.array(near, np.float64)
        axes[1].plot(steps, shares, 'o-', color=BLUE, markersize=3)
        axes[1].set(xlabel='step', ylabel='within 2 px [%]', ylim=(-3, 103))
    figure.tight_layout()
    return figure


def _figure(width: float, height: float) -> Figure:
    figure = Figure(figsize=(width, height), dpi=110, facecolor='white')
    FigureCanvasAgg(figure)
    return figure


def _sheet(rows: float, columns: int, size: tuple[int, ...]) -> tuple[Figure, Any]:
    """Return a figure whose axes count frames: one unit is the width of a frame."""
    aspect = size[0] / size[1]
    width, height = columns * (1 + GAP) + 0.8, rows * (aspect + GAP) + 0.35
    figure = _figure(width * INCHES, height * INCHES)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    axes.set_xlim(-0.75, columns * (1 + GAP) + 0.05)
    axes.set_ylim(-rows * (aspect + GAP), 0.35)
    return figure, axes


def _cell(axes: Any, row: float, column: int, frame: np.ndarray, bar: list[int] | None) -> None:
    aspect = frame.shape[0] / frame.shape[1]
    x, y = column * (1 + GAP), -row * (aspect + GAP)
    axes.imshow(frame, extent=(x, x + 1, y - aspect, y), aspect='auto', interpolation='nearest')
    axes.add_patch(Rectangle((x, y - aspect), 1, aspect, fill=False, linewidth=0.4, color=GREY))
    if bar is not None:
        color = tuple(value / 255 for value in bar)
        axes.add_patch(Rectangle((x + 1, y - aspect), GAP, aspect, color=color, linewidth=0))


def _label(axes: Any, row: float, text: str, shape: tuple[int, ...]) -> None:
    aspect = shape[0] / shape[1]
    y = -row * (aspect + GAP) - aspect / 2
    # A label may have dollar signs, which do not mean mathematics.
    axes.text(-0.06, y, text, fontsize=7, ha='right', va='center', parse_math=False)


def _titles(axes: Any, titles: list[str]) -> None:
    for column, title in enumerate(titles):
        place = (column * (1 + GAP) + 0.5, 0.08)
        axes.text(*place, title, fontsize=8, ha='center', va='bottom', parse_math=False)


def draw_memorised(results: Sequence[Memorised]) -> Figure:
    """Draw for each number of canvases up to four of them, and how the loss fell."""
    figure = _figure(9.5, 1.9 * len(results) + 0.4)
    grid = figure.subplots(len(results), 2, squeeze=False, width_ratios=[2.0, 1.0])
    for (left, right), result in zip(grid, results, strict=True):
        left.set_axis_off()
        left.imshow(_pairs(result), interpolation='nearest')
        word = 'memorised' if result.success else 'NOT memorised'
        left.set_title(
            f'{counted(result.size)}, {result.steps} steps: {word} (left came, right painted)',
            fontsize=8,
        )
        right.semilogy(np.arange(1, len(result.losses) + 1), result.losses, color=BLUE)
        right.axhline(result.trivial_loss, color=ORANGE, linewidth=1.0)
        right.tick_params(labelsize=7)
        right.set_xlabel('step', fontsize=7)
        right.set_ylabel('loss', fontsize=7)
    figure.tight_layout()
    return figure


def _pairs(result: Memorised) -> np.ndarray:
    """Return what came beside what was painted, for up to four canvases in a row."""
    chosen = np.unique(np.linspace(0, len(result.truth) - 1, 4).round().astype(int))
    height = result.truth.shape[1]
    gap = np.full((height, max(2, height // 24), 3), 128, np.uint8)
    parts = [
        part
        for index in chosen
        for part in (result.truth[index], gap // 2, result.prediction[index], gap)
    ]
    return np.concatenate(parts[:-1], axis=1)

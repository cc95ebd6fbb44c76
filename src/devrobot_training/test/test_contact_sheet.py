"""The contact sheet shows the frames themselves and the colours of the actions between them."""

from dataclasses import replace
from itertools import groupby
from pathlib import Path
import tempfile
import warnings

from devrobot_interfaces_py.actions import ActionDefinition
from devrobot_training.sessions.contact_sheet import contact_sheet, SheetConfig, stretches
from devrobot_training.sessions.opening import open_session
from devrobot_training.sessions.session import Session
from drawn_sessions import sessions
from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
from session_worlds import SPACE, Tape, tape

RED, GREEN, WHITE = (255, 0, 0), (0, 255, 0), (255, 255, 255)
BLUE = (90, 140, 200)  # of no letter
SHORTEST_PX = 8  # of what is no letter


def small_session(actions: list[int | None], brighter: int = 30, **settings) -> Session:
    """Return a session whose frame number n is grey level n times ``brighter``."""
    with tempfile.TemporaryDirectory() as folder:
        session = open_session(tape(actions).write(Path(folder) / 'bag', **settings))
        return replace(session, frames=session.frames[:] * brighter)


def pixels(session: Session, **settings) -> np.ndarray:
    """Return the picture as (H, W, 3)."""
    canvas = contact_sheet(session, SheetConfig(**settings)).canvas
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3]


def colors_along(line: np.ndarray) -> list[tuple[int, ...]]:
    """Return the colours of the areas that a line of pixels crosses, without letters and paper."""
    runs = [(color, len(list(run))) for color, run in groupby(map(tuple, line.tolist()))]
    return [color for color, length in runs if length >= SHORTEST_PX and color != WHITE]


def rows_of(picture: np.ndarray) -> list[list[tuple[int, ...]]]:
    """Return the colours of each row of the sheet, from top to bottom."""
    lines = [colors_along(line) for line in picture]
    long_runs = [(colors, len(list(run))) for colors, run in groupby(lines)]
    return [colors for colors, length in long_runs if colors and length >= 40]


def grey(number: int) -> tuple[int, int, int]:
    return (30 * number,) * 3


def test_frames_and_the_colours_of_the_actions_between_them_are_in_the_picture():
    picture = pixels(small_session([1, 0, 1, None, 0, 1]), columns=3)
    assert rows_of(picture) == [
        [grey(0), GREEN, grey(1), RED, grey(2)],
        [grey(2), GREEN, grey(3)],
        [grey(4), RED, grey(5), GREEN, grey(6)],
    ]


@pytest.mark.parametrize(('height', 'width'), [(8, 3), (3, 30)])
def test_frames_keep_their_sides(height, width):
    session = small_session([1])
    frames = np.full((2, height, width, 3), BLUE, np.uint8)
    picture = pixels(replace(session, frames=frames))
    rows, columns = np.nonzero((picture == BLUE).all(axis=2))
    shown_height = rows.max() - rows.min() + 1
    shown_width = (columns.max() - columns.min() + 1) / 2.1  # two frames and a bar
    assert shown_height / shown_width == pytest.approx(height / width, rel=0.05)


def test_a_dot_of_ten_pixels_does_not_vanish():
    session = small_session([1])
    frames = np.zeros((2, 224, 224, 3), np.uint8)
    frames[:, 100:111, 50:61] = 255
    picture = pixels(replace(session, frames=frames))
    black = (picture == 0).all(axis=2)
    top, bottom = np.flatnonzero(black.sum(axis=1) > 200)[[0, -1]]
    inside = picture[top : bottom + 1, np.flatnonzero(black[bottom])[0] :][:, :126]
    assert (inside > 230).all(axis=2).sum() >= 9
    assert 0.4 < np.nonzero((inside > 230).all(axis=2))[0].mean() / len(inside) < 0.55


def test_actions_are_named_with_their_counts_and_no_text_leaves_the_picture():
    actions = tuple(
        ActionDefinition(label=f'_joint_{n} $x^$', separator_color=(n, 255 - n, 99))
        for n in range(12)
    )
    space = replace(SPACE, actions=actions)
    session = replace(small_session([1, 0, 1], action_space=space), name='$long_' * 30)
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        figure = contact_sheet(session, SheetConfig())
        figure.canvas.draw()
    axes = figure.axes[0]
    legend = axes.get_legend()
    assert [text.get_text() for text in legend.get_texts()] == [
        f'_joint_{n} $x^$ ({count})' for n, count in enumerate([1, 2, *[0] * 10])
    ]
    frames = max(image.get_window_extent().y1 for image in axes.images)
    width, height = figure.canvas.get_width_height()
    texts = [text.get_window_extent() for text in axes.texts]
    assert legend.get_window_extent().y0 > frames
    assert min(box.y0 for box in texts[-2:]) >= legend.get_window_extent().y1 - 3
    for box in (*texts, legend.get_window_extent()):
        assert box.x0 >= 0 and box.x1 <= width and box.y0 >= 0 and box.y1 <= height


CONFIGS = st.builds(SheetConfig, rows=st.integers(1, 6), columns=st.integers(2, 8))


@settings(max_examples=150, deadline=None)
@given(sessions(min_size=1), CONFIGS)
def test_a_row_is_one_run_without_a_gap_and_nothing_is_shown_twice(session, config):
    rows = stretches(session, config)
    chain = session.transitions['chain']
    assert 1 <= len(rows) <= config.rows
    for row in rows:
        assert 1 <= len(row) < config.columns
        assert row.tolist() == list(range(row[0], row[-1] + 1))
        assert len(set(chain[row].tolist())) == 1
    shown = [index for row in rows for index in row.tolist()]
    assert shown == sorted(set(shown))


@settings(max_examples=150, deadline=None)
@given(sessions(min_size=1), CONFIGS)
def test_a_session_that_fits_is_shown_as_a_whole(session, config):
    _, sizes = np.unique(session.transitions['chain'], return_counts=True)
    needed = sum(-(-int(size) // (config.columns - 1)) for size in sizes)
    if needed <= config.rows:
        assert sum(map(len, stretches(session, config))) == len(session)


def test_a_large_session_is_shown_from_all_its_parts_where_the_action_changes():
    actions = ([1] * 30 + [0] * 30) * 4
    session = small_session(actions, brighter=1)
    rows = stretches(session, SheetConfig(rows=4, columns=6))
    assert [row[0] // 60 for row in rows] == [0, 1, 2, 3]
    taken = session.transitions['action']
    assert all(len(set(taken[row].tolist())) == 2 and len(row) == 5 for row in rows)


def test_times_are_those_since_the_session_began():
    made = Tape()
    made.frame()
    for _ in range(3):
        made.act(1)
    made.now_ns += 125 * 10**9
    made.reset()
    made.act(0)
    with tempfile.TemporaryDirectory() as folder:
        session = open_session(made.write(Path(folder) / 'bag'))
    session = replace(session, start_ns=int(session.frame_stamps[0]))
    texts = [text.get_text() for text in contact_sheet(session, SheetConfig()).axes[0].texts]
    assert texts[:2] == ['0:00.1', '2:06.2']

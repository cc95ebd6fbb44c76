"""Batches of canvases: the frames that happened, each once, from memory or from disk."""

from collections.abc import Callable
from pathlib import Path
import sys

from devrobot_training.data.canvases import CanvasSet, make_canvases
from devrobot_training.sessions.opening import open_session
from devrobot_training.sessions.session import SessionError
from devrobot_world_model.canvas.layout import CanvasLayout
from devrobot_world_model.model.patches import patchify, unpatchify
import numpy as np
import pytest
from session_worlds import Tape, tape
import torch

LAYOUT = CanvasLayout(frame_height=4, frame_width=6, separator_width=2, patch_size=2)
ACTIONS = [1, 0, 1, None, 0, 1, 1]


def canvases(folder: Path, *, layout: CanvasLayout = LAYOUT, **options) -> CanvasSet:
    one = open_session(tape(ACTIONS).write(folder / 'one'))
    two = open_session(tape([0, 0]).write(folder / 'two'))
    return make_canvases([one, two], layout, **options)


def numbers(frames: torch.Tensor) -> list:
    """Return the number in the pixels of each frame."""
    return frames[..., 0, 0].tolist()


@pytest.mark.parametrize('store', ['memory', 'disk'])
def test_every_canvas_is_a_run_of_frames_with_its_actions(tmp_path, store):
    made = canvases(tmp_path, store=store)
    assert made.store.kind == store
    batch = made.batch(np.arange(len(made)))
    assert numbers(batch.frames[batch.index]) == [
        [0, 1, 2],
        [1, 2, 3],
        [4, 5, 6],
        [5, 6, 7],
        [0, 1, 2],  # of the second session
    ]
    assert made.actions.tolist() == [[1, 0], [0, 1], [0, 1], [1, 1], [0, 0]]
    red, green = [255, 0, 0], [0, 255, 0]
    assert batch.colors[0].tolist() == [green, red]
    assert made.session.tolist() == [0, 0, 0, 0, 1]
    assert made.transition.tolist() == [1, 2, 4, 5, 1]


def test_a_batch_holds_each_frame_once_and_history_first(tmp_path):
    batch = canvases(tmp_path).batch(np.array([1, 0, 1]))
    assert numbers(batch.frames) == [0, 1, 2, 3]
    assert batch.shared == 3
    assert batch.index.tolist() == [[1, 2, 3], [0, 1, 2], [1, 2, 3]]
    assert numbers(batch.targets) == [3, 2, 3]


@pytest.mark.parametrize('store', ['memory', 'disk'])
def test_patches_are_those_of_the_pictures(tmp_path, store):
    rng = np.random.default_rng(3)
    made = Tape()
    images = [rng.integers(0, 256, (4, 6, 3), np.uint8) for _ in range(4)]
    for number, image in enumerate(images):
        if number:
            made.act(1)
            made.items.pop()
        made.frame(image)
    session = open_session(made.write(tmp_path / 'bag'))
    batch = make_canvases([session], LAYOUT, store=store).batch(np.array([0, 1]))
    pixels = unpatchify(batch.frames[batch.index[1]], 2, 3, 2)
    assert np.array_equal(pixels.numpy(), images[1:4])


@pytest.mark.parametrize('store', ['memory', 'disk'])
def test_frames_of_another_size_are_resized(tmp_path, store):
    layout = CanvasLayout(frame_height=8, frame_width=12, separator_width=4, patch_size=4)
    batch = canvases(tmp_path, layout=layout, store=store).batch(np.array([0]))
    assert batch.frames.shape == (3, 2 * 3, 4 * 4 * 3)
    assert numbers(batch.frames) == [0, 1, 2]


def calls(action: Callable[[], object]) -> int:
    """Return how many functions an action calls, those of libraries included."""
    counted = 0

    def count(frame, event, argument):
        nonlocal counted
        counted += event in ('call', 'c_call')

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        action()
    finally:
        sys.setprofile(before)
    return counted


@pytest.mark.parametrize('store', ['memory', 'disk'])
def test_a_batch_costs_no_python_per_canvas(tmp_path, store):
    made = canvases(tmp_path, store=store)
    few, many = np.arange(5), np.tile(np.arange(5), 60)
    made.batch(many)
    assert calls(lambda: made.batch(many)) == calls(lambda: made.batch(few)) > 5


def test_runs_follow_one_chain(tmp_path):
    made = canvases(tmp_path)
    assert made.runs(1).tolist() == [[0], [1], [2], [3], [4]]
    assert made.runs(2).tolist() == [[0, 1], [2, 3]]
    assert made.runs(3).shape == (0, 3)
    assert made.follows.tolist() == [False, True, False, True, False]


def test_auto_keeps_in_memory_what_fits(tmp_path):
    assert canvases(tmp_path).store.kind == 'memory'
    small = canvases(tmp_path / 'again', memory_bytes=100)
    assert small.store.kind == 'disk'


def test_a_session_without_a_whole_canvas_is_refused(tmp_path):
    session = open_session(tape([1, None, 0]).write(tmp_path / 'bag'))
    with pytest.raises(SessionError, match='no run of 2 whole transitions'):
        make_canvases([session], LAYOUT)


def test_reading_from_disk_gives_its_pages_back(tmp_path, monkeypatch):
    from devrobot_training.data import frame_store

    monkeypatch.setattr(frame_store, 'RESIDENT_BYTES', 100)
    made = canvases(tmp_path, store='disk')
    for _ in range(3):
        batch = made.batch(np.arange(len(made)))
        assert numbers(batch.frames[batch.index[3]]) == [5, 6, 7]
    assert patchify(batch.frames.new_zeros(4, 6, 3), 2).shape == (6, 12)

from devrobot_world_model.canvas.history import Frame, Transition
from devrobot_world_model.canvas.layout import CanvasLayout
from devrobot_world_model.learning.experience import Experience
from devrobot_world_model.learning.replay import ReplayMemory, Sample
import numpy as np
import pytest
import torch

COLORS = ((255, 0, 0), (0, 255, 0))


def frame(value):
    return torch.full((6, 12), value % 256, dtype=torch.uint8)


def filled(capacity, frames):
    memory = ReplayMemory(capacity, patches=6, values=12)
    for value in range(frames):
        key = memory.add_frame(frame(value))
        if key >= 2:
            memory.add_sample(Sample((key - 2, key - 1, key), COLORS))
    return memory


def test_the_newest_sample_comes_first_and_no_sample_twice():
    batch = filled(100, 80).batch(16, np.random.default_rng(0))
    newest = [int(sample[-1, 0, 0]) for sample in batch.frames]
    assert newest[0] == 79
    assert len(set(newest)) == 16
    assert batch.colors.shape == (16, 2, 3)


def test_samples_go_with_their_oldest_frame():
    memory = filled(10, 25)
    assert len(memory) == 8
    assert not memory.holds(14) and memory.holds(15)
    batch = memory.batch(99, np.random.default_rng(0))
    assert sorted(int(s[0, 0, 0]) for s in batch.frames) == list(range(15, 23))


def test_the_ring_grows_without_losing_frames():
    memory = filled(1000, 200)
    assert all(int(memory.frame(key)[0, 0]) == key for key in range(200))


def test_a_sample_of_lost_frames_is_refused():
    memory = filled(10, 25)
    with pytest.raises(KeyError, match='frame 3 is not in the replay memory'):
        memory.add_sample(Sample((3, 20, 21), COLORS))


def test_an_empty_memory_gives_no_batch():
    with pytest.raises(ValueError, match='no sample yet'):
        ReplayMemory(10, 6, 12).batch(4, np.random.default_rng(0))


def test_a_shared_frame_is_kept_once_and_frames_of_equal_stamps_are_kept_apart():
    layout = CanvasLayout(frame_height=4, frame_width=6, separator_width=2, patch_size=2)
    experience = Experience(layout, COLORS, capacity=16, seed=0)
    frames = [Frame(stamp_ns=5, image=np.full((4, 6, 3), value, np.uint8)) for value in (1, 2, 3)]
    chain = tuple(
        Transition(
            sequence=i, action=1, start_ns=5, finish_ns=5, before=frames[i], after=frames[i + 1]
        )
        for i in range(2)
    )
    assert experience.remember(chain, fresh=True)
    batch = experience.batch(1)
    assert batch.frames[0, :, 0, 0].tolist() == [1, 2, 3]
    experience.remember(chain, fresh=True)
    assert experience._replay._next == 3

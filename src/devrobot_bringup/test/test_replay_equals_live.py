"""What the online loop learns from a robot, it learns from the robot's bag: equal to the bit."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from devrobot_interfaces_py.actions import ActionEvent, Phase
from devrobot_interfaces_py.bags import BagWriter, open_bag
from devrobot_robots.toroidal_dot import recording
from devrobot_robots.toroidal_dot.recording_config import RecordToroidalConfig
from devrobot_world_model.config import (
    CanvasConfig,
    ModelConfig,
    OnlineConfig,
    OptimizerConfig,
    WorldModelConfig,
)
from devrobot_world_model.online import OnlineLoop
import numpy as np
import pytest

CONFIG = WorldModelConfig(
    canvas=CanvasConfig(frame_height=16, frame_width=24, separator_width=4),
    model=ModelConfig(
        patch_size=4,
        encoder_width=32,
        encoder_depth=1,
        encoder_heads=2,
        decoder_width=32,
        decoder_depth=1,
        decoder_heads=2,
    ),
    optimizer=OptimizerConfig(learning_rate=1e-3, warmup_steps=5),
    online=OnlineConfig(batch_size=4, replay_frames=64),
)


class Learning:
    """An online loop and everything that came out of it."""

    def __init__(self, space) -> None:
        self.loop = OnlineLoop(CONFIG, space)
        self.losses: list[float] = []
        self.scores: list[tuple] = []
        self.images: list[np.ndarray] = []

    def take(self, update) -> None:
        self.images += [prediction.frames for prediction in update.predictions]
        self.scores += [(s.sequence, s.action, s.hybrid, s.mse_copy_last) for s in update.scores]
        if update.learn:
            result = self.loop.learn()
            self.losses.append(float(result.loss))

    def replay(self, items: Iterable) -> 'Learning':
        for item in items:
            if isinstance(item, ActionEvent):
                self.take(self.loop.on_event(item))
            else:
                self.take(self.loop.on_frame(item.stamp_ns, item.image()))
        return self


@pytest.fixture(scope='module')
def live(tmp_path_factory) -> tuple[Learning, Path]:
    """A robot at work: the learner hears what the recorder writes."""
    heard: list[Learning] = []

    class ListenedTo(BagWriter):
        def __enter__(self):
            heard.append(Learning(self._space))
            return super().__enter__()

        def frame(self, stamp_ns, *images, log_ns=None):
            super().frame(stamp_ns, *images, log_ns=log_ns)
            heard[0].take(heard[0].loop.on_frame(stamp_ns, images[0]))

        def event(self, event, *, log_ns=None):
            super().event(event, log_ns=log_ns)
            heard[0].take(heard[0].loop.on_event(event))

    folder = tmp_path_factory.mktemp('live')
    config = RecordToroidalConfig(
        width=48,  # larger than the canvas: frames are resized on the way
        height=32,
        radius=4,
        step_px=8,
        train_steps=60,
        reinit_interval=20,
        min_duration=1,
        max_duration=3,
        output_dir=folder,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recording, 'BagWriter', ListenedTo)
        plan = recording.plan_sessions(config)[0]
        bag = recording.record_session(plan, config, on_step=lambda: None).bag
    return heard[0], bag


def test_a_replayed_bag_gives_the_losses_of_the_live_run(live):
    learning, path = live
    with open_bag(path) as bag:
        again = Learning(bag.action_space).replay(bag.items())
    assert len(learning.losses) > 40
    assert again.losses == learning.losses
    assert again.scores == learning.scores
    assert all(map(np.array_equal, again.images, learning.images))
    assert again.loop.stats == learning.loop.stats


def test_frames_that_reach_the_bag_late_change_nothing(live):
    """DDS keeps the order within a topic, not between two of them."""
    learning, path = live
    with open_bag(path) as bag:
        items = list(bag.items())
        late = swapped(items)
        assert late != items
        again = Learning(bag.action_space).replay(late)
    assert again.losses == learning.losses
    assert [score[0] for score in again.scores] == [score[0] for score in learning.scores]


def swapped(items: list) -> list:
    """Let each frame but the first arrive after the ACCEPTED of the action that follows it."""
    moved = list(items)
    for index in range(1, len(moved) - 1):
        following = moved[index + 1]
        if getattr(following, 'phase', None) is Phase.ACCEPTED:
            moved[index], moved[index + 1] = following, moved[index]
    return moved


def test_another_seed_gives_other_losses(live):
    learning, path = live
    with open_bag(path) as bag:
        again = Learning(bag.action_space)
        again.loop = OnlineLoop(replace(CONFIG, seed=1), bag.action_space)
        again.replay(bag.items())
    assert again.losses != learning.losses

"""Rules of the parts of the node that need no ROS."""

import math
import threading

from devrobot_interfaces_py.camera_stack import CameraStack
from devrobot_interfaces_py.configs import ConfigError
from devrobot_interfaces_py.images import ImageError
from devrobot_world_model.nodes.learner import LearnerThread
from devrobot_world_model.nodes.progress import Progress, StepReport, WINDOW
from devrobot_world_model.nodes.settings import NodeConfig
import numpy as np
import pytest

DEADLINE_S = 10.0


def image(value, height=4, width=6):
    return np.full((height, width, 3), value, np.uint8)


def report(loss):
    return StepReport(
        loss=loss, gradient_norm=1.0, learning_rate=0.1, optimizer_step=1, samples=4, seconds=0.5
    )


def test_while_busy_one_piece_of_work_waits_and_more_are_refused():
    begun, go_on, done = threading.Event(), threading.Event(), []

    def work():
        begun.set()
        go_on.wait(DEADLINE_S)
        done.append(1)

    learner = LearnerThread(work, pytest.fail)
    learner.start()
    assert learner.wake()
    assert begun.wait(DEADLINE_S)
    assert learner.wake()
    assert not learner.wake()
    go_on.set()
    assert learner.wait_idle(DEADLINE_S)
    learner.stop()
    assert done == [1, 1]


def test_the_learner_survives_an_error_and_tells_it():
    errors = []

    def work():
        raise RuntimeError(f'number {len(errors)}')

    learner = LearnerThread(work, errors.append)
    learner.start()
    for _ in range(2):
        assert learner.wake()
        assert learner.wait_idle(DEADLINE_S)
    learner.stop()
    assert [str(error) for error in errors] == ['number 0', 'number 1']


def test_stopping_joins_the_thread_ends_the_work_in_hand_and_refuses_more():
    begun, done = threading.Event(), []

    def work():
        begun.set()
        done.append(1)

    learner = LearnerThread(work, pytest.fail)
    learner.start()
    learner.wake()
    assert begun.wait(DEADLINE_S)
    learner.stop()
    learner.stop()
    assert done == [1]
    assert not learner.alive
    assert not learner.wake()
    assert learner.wait_idle(DEADLINE_S)


def test_a_learner_that_never_started_can_be_stopped():
    learner = LearnerThread(pytest.fail, pytest.fail)
    learner.stop()
    assert not learner.alive


def test_one_camera_passes_through():
    one = image(1)
    assert CameraStack(['image_raw']).add('image_raw', 5, one) is one


def test_cameras_of_the_same_moment_are_stacked_in_the_order_of_their_topics():
    stack = CameraStack(['top', 'bottom'])
    assert stack.add('bottom', 5, image(2)) is None
    both = stack.add('top', 5, image(1))
    assert both.shape == (8, 6, 3)
    assert (both[:4] == 1).all()
    assert (both[4:] == 2).all()
    assert stack.dropped == 0


def test_a_moment_without_all_cameras_is_dropped_and_counted_never_mixed():
    stack = CameraStack(['top', 'bottom'])
    stack.add('top', 5, image(1))
    stack.add('top', 6, image(3))
    both = stack.add('bottom', 6, image(4))
    assert both[0, 0, 0] == 3
    assert both[-1, 0, 0] == 4
    assert stack.dropped == 1
    assert stack.add('bottom', 5, image(2)) is None


def test_a_dead_camera_does_not_fill_the_memory():
    stack = CameraStack(['top', 'bottom'], moments=3)
    for stamp in range(50):
        stack.add('top', stamp, image(1))
    assert stack.dropped == 47


def test_cameras_of_different_widths_are_refused():
    stack = CameraStack(['top', 'bottom'])
    stack.add('top', 5, image(1))
    with pytest.raises(ImageError, match='different widths'):
        stack.add('bottom', 5, image(2, width=8))


def test_prediction_loss_is_the_mean_of_the_newest_only():
    progress = Progress(10)
    assert math.isnan(progress.prediction_loss)
    for loss in [4.0] * WINDOW + [2.0] * (WINDOW // 2):
        progress.add_score(loss)
    assert progress.prediction_loss == 3.0


def test_the_best_prediction_loss_needs_a_full_window():
    progress = Progress(10)
    for _ in range(WINDOW - 1):
        progress.add_score(0.0)
    assert math.isnan(progress.best_prediction_loss)
    for _ in range(2 * WINDOW):
        progress.add_score(1.0)
    assert progress.best_prediction_loss == pytest.approx(1 / WINDOW)


def test_trend_is_below_one_when_losses_fall_and_unknown_at_first():
    progress = Progress(40)
    for number in range(40):
        progress.add_step(report(40.0 - number))
        if number == 10:
            assert math.isnan(progress.trend)
    assert progress.trend < 1
    assert len(progress.losses) == 40


@pytest.mark.parametrize('names', [(), ('',), ('a', 'a')])
def test_image_topics_must_be_named_and_different(names):
    with pytest.raises(ConfigError, match='image_topics'):
        NodeConfig(image_topics=names)

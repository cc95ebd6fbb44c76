from dataclasses import replace
import math

from demo_world import BAR, counterfactuals, frame, HEIGHT, run, SPACE, STEP, WIDTH
from devrobot_bringup.demo.monitor import DemoMonitor, split_counterfactuals
from devrobot_interfaces_py.actions import ActionEvent, Phase
import numpy as np
import pytest


def test_perfect_predictions_have_no_error_for_either_action_taken_or_not():
    outcomes = run(DemoMonitor(SPACE), [1, 0, 1, 1, 0])
    assert len(outcomes) == 5
    for outcome in outcomes:
        assert outcome.dot_error < 1e-3 and outcome.mse == 0.0 and outcome.on_time
        assert len(outcome.counterfactual_errors) == 1
        assert outcome.counterfactual_errors[0] < 1e-3


def test_a_wrong_prediction_of_the_action_taken_is_measured():
    outcomes = run(DemoMonitor(SPACE), [1, 1], wrong=1)
    assert [outcome.dot_error for outcome in outcomes] == pytest.approx([10.0, 10.0], abs=1e-3)


def test_a_wrong_prediction_of_the_action_not_taken_is_measured():
    outcomes = run(DemoMonitor(SPACE), [0, 0], wrong=1)
    errors = [error for outcome in outcomes for error in outcome.counterfactual_errors]
    assert errors == pytest.approx([10.0, 10.0], abs=1e-3)
    assert all(outcome.dot_error < 1e-3 for outcome in outcomes)


def test_a_prediction_published_after_its_frame_is_late():
    assert not any(outcome.on_time for outcome in run(DemoMonitor(SPACE), [1, 0], late=True))


def test_a_prediction_that_arrives_after_the_frame_is_still_paired():
    monitor = DemoMonitor(SPACE)
    monitor.on_frame(1000, frame(3, 9), 1000, 0.0)
    for stamp, phase in ((1010, Phase.STARTED), (1020, Phase.FINISHED)):
        monitor.on_event(ActionEvent(stamp_ns=stamp, sequence=1, phase=phase, action=1), 0.0)
    assert monitor.on_frame(1030, frame(3 + STEP, 9), 1031, 1.0) == []
    image = counterfactuals([frame(3, 9), frame(3 + STEP, 9)])
    (outcome,) = monitor.on_counterfactuals(1010, image, 1012, 1.0)
    assert outcome.on_time and outcome.dot_error < 1e-3


def test_a_prediction_that_is_hundreds_of_frames_late_is_late_and_no_more():
    monitor = DemoMonitor(SPACE)
    monitor.on_frame(1000, frame(3, 9), 1000, 0.0)
    for stamp, phase in ((1010, Phase.STARTED), (1020, Phase.FINISHED)):
        monitor.on_event(ActionEvent(stamp_ns=stamp, sequence=1, phase=phase, action=1), 0.0)
    for stamp in range(1030, 2030):
        monitor.on_frame(stamp, frame(3 + STEP, 9), stamp, 1.0)
    image = counterfactuals([frame(3, 9), frame(3 + STEP, 9)])
    (outcome,) = monitor.on_counterfactuals(1010, image, 2040, 9.0)
    assert not outcome.on_time and outcome.dot_error < 1e-3


def test_a_black_prediction_has_no_dot():
    monitor = DemoMonitor(SPACE)
    monitor.on_frame(1000, frame(3, 9), 1000, 0.0)
    monitor.on_event(ActionEvent(stamp_ns=1010, sequence=1, phase=Phase.STARTED, action=1), 0.0)
    black = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    monitor.on_counterfactuals(1010, counterfactuals([black, black]), 1012, 0.0)
    monitor.on_event(ActionEvent(stamp_ns=1020, sequence=1, phase=Phase.FINISHED, action=1), 0.0)
    (outcome,) = monitor.on_frame(1030, frame(13, 9), 1031, 0.0)
    assert outcome.dot_error == math.inf and outcome.counterfactual_errors == (math.inf,)
    assert outcome.mse == outcome.mse_black


def test_counterfactuals_are_cut_into_frames_without_their_bars():
    frames = [frame(3, 9), frame(20, 9)]
    parts = split_counterfactuals(counterfactuals(frames), 2)
    assert all(np.array_equal(a, b) for a, b in zip(parts, frames, strict=True))
    with pytest.raises(ValueError, match=f'{2 * (WIDTH + BAR) + 1} px do not hold 2'):
        wide = np.zeros((HEIGHT, 2 * (WIDTH + BAR) + 1, 3), np.uint8)
        split_counterfactuals(wide, 2)


def test_transitions_with_enough_history_are_counted_whether_predicted_or_not():
    monitor = DemoMonitor(SPACE)
    run(monitor, [1, 0, 1])
    assert (monitor.predictable, len(monitor.outcomes)) == (3, 3)
    silent = DemoMonitor(SPACE)
    silent.on_counterfactuals = lambda *arguments: []
    run(silent, [1, 0, 1])
    assert (silent.actions_seen, silent.predictable, len(silent.outcomes)) == (3, 2, 0)


def test_the_example_shows_the_newest_outcome_with_its_history():
    monitor = DemoMonitor(SPACE)
    run(monitor, [1, 0, 1])
    example = monitor.example
    assert example.actions == (0, 1) and len(example.history) == 2
    assert np.array_equal(example.predictions[1], example.truth)


def test_a_robot_that_is_no_dot_is_compared_by_pixels_only():
    plain = replace(SPACE, actions=tuple(replace(a, parameters=()) for a in SPACE.actions))
    monitor = DemoMonitor(plain)
    outcomes = run(monitor, [1, 0, 1])
    assert monitor.steps_px == []
    assert len(outcomes) == 3 and all(math.isnan(outcome.dot_error) for outcome in outcomes)
    assert {outcome.counterfactual_errors for outcome in outcomes} == {()}
    assert {outcome.mse for outcome in outcomes} == {0.0}

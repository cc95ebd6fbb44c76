"""The node predicts, scores, learns and shows; bad input costs one line and nothing else."""

import math
import time

from devrobot_interfaces.msg import ActionEvent as ActionEventMsg
from devrobot_interfaces.msg import Prediction, PredictionError, TrainingMetrics
from devrobot_interfaces_py import conversions, qos, topics
from devrobot_interfaces_py.actions import ActionDefinition, ActionSpace, Phase
from devrobot_world_model.views import panels
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
import numpy as np
import pytest
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter
from sensor_msgs.msg import Image
from std_msgs.msg import Float32, Float32MultiArray

S, H, W = 8, 16, 24


def stamp_of(message):
    return conversions.stamp_to_ns(message.header.stamp)


def test_an_action_is_predicted_before_its_frame_is_seen_and_scored_after(stage):
    stage.launch()
    predictions = stage.listen(Prediction, topics.WORLD_MODEL_PREDICTION)
    errors = stage.listen(PredictionError, topics.WORLD_MODEL_PREDICTION_ERROR)
    robot = stage.meet()
    robot.show()
    robot.act(1)
    stage.settle(1)
    started_ns = robot.start(1)
    first = stage.wait(lambda: predictions and predictions[0], 'the prediction')
    assert not errors
    robot.finish(1)
    error = stage.wait(lambda: errors and errors[0], 'its score')
    assert first.sequence == error.sequence == 2
    assert stamp_of(first) == stamp_of(error) == started_ns
    assert first.action.index == 1
    assert first.header.frame_id == 'camera'
    assert first.checkpoint_name == ''
    assert conversions.duration_to_s(first.inference_time) > 0
    assert error.mse > 0
    assert error.hybrid_loss > 0
    assert error.baseline_hybrid_loss > 0


def test_a_node_that_is_behind_leaves_out_predictions_and_learns_on(stage):
    node = stage.launch(prediction_deadline=0.01)
    robot = stage.meet()
    robot.show()
    robot.act(1)
    stage.settle(1)
    before = node.session.loop.stats
    robot.start(1)
    # nobody spins the node meanwhile: the event waits in its queue
    end = time.monotonic() + 0.2
    while time.monotonic() < end:
        time.sleep(0.01)
    robot.finish(1)
    stage.settle(2)
    after = node.session.loop.stats
    assert after.predictions == before.predictions
    assert after.predictions_missed == before.predictions_missed + 1


def test_every_new_transition_is_learned_from_and_told(stage):
    stage.launch()
    metrics = stage.listen(TrainingMetrics, topics.WORLD_MODEL_TRAINING_METRICS)
    losses = stage.listen(Float32, topics.WORLD_MODEL_LOSS)
    rates = stage.listen(Float32, topics.WORLD_MODEL_LEARNING_RATE)
    seconds = stage.listen(Float32, topics.WORLD_MODEL_ITERATION_TIME)
    history = stage.listen(Float32MultiArray, topics.WORLD_MODEL_LOSS_HISTORY, qos.LATCHED)
    robot = stage.meet()
    robot.show()
    for done in range(1, 5):
        robot.act(1)
        stage.settle(done)
    stage.wait(lambda: len(metrics) == 3 and len(history) == 3, 'three training steps')
    assert [m.optimizer_step for m in metrics] == [1, 2, 3]
    assert metrics[-1].mode == TrainingMetrics.MODE_ONLINE
    assert metrics[-1].samples_seen == 1 + 2 + 3
    assert metrics[-1].gradient_norm > 0
    assert metrics[-1].samples_per_second > 0
    assert math.isfinite(metrics[-1].validation_loss)
    assert [x.data for x in losses] == [m.train_loss for m in metrics] == list(history[-1].data)
    assert rates[-1].data == metrics[-1].learning_rate > 0
    assert seconds[-1].data > 0


def test_pictures_show_what_was_seen_expected_and_wrong(stage):
    stage.launch()
    names = {
        name: stage.listen(Image, f'world_model/{name}', qos.VIEWS)
        for name in ('canvas', 'canvas_masked', 'inpainted', 'composite', 'current_frame',
                     'error_image', 'rollout')
    } | {
        name: stage.listen(Image, f'world_model/{name}', qos.PREDICTED_IMAGES)
        for name in ('predicted_image', 'counterfactuals')
    }  # fmt: skip
    robot = stage.meet()
    robot.show()
    robot.act(1)
    before = robot.picture()
    started_ns = robot.start(1)
    robot.finish(1)
    stage.wait(lambda: all(names.values()), 'every picture')
    stage.settle(2)
    newest = {name: messages[-1] for name, messages in names.items()}
    assert all(m.encoding == 'rgb8' for m in newest.values())
    assert all(stamp_of(m) == started_ns for n, m in newest.items() if n != 'current_frame')
    shown = {name: conversions.image_from_msg(m) for name, m in newest.items()}
    width = 3 * W + 2 * S
    for name in ('canvas', 'canvas_masked', 'inpainted', 'composite'):
        assert shown[name].shape == (H, width, 3), name
    last = slice(width - W, width)
    canvas, guess = shown['canvas'], shown['predicted_image']
    assert np.array_equal(canvas[:, W + S : 2 * W + S], before)
    assert np.array_equal(canvas[:, last], robot.picture())
    assert tuple(canvas[0, W]) == tuple(canvas[0, 2 * W + S]) == (0, 255, 0)
    assert np.array_equal(shown['current_frame'], robot.picture())
    assert set(np.unique(shown['canvas_masked'][:, last])) == {112, 144}
    assert np.array_equal(shown['composite'][:, : width - W], canvas[:, : width - W])
    assert np.array_equal(shown['composite'][:, last], guess)
    assert np.array_equal(shown['inpainted'][:, last], guess)
    assert not shown['inpainted'][:, : width - W].any()
    assert np.array_equal(shown['error_image'], panels.error_image(guess, robot.picture()))
    strip = shown['counterfactuals']
    assert strip.shape == (H, 2 * (S + W), 3)
    assert tuple(strip[0, 0]) == (255, 0, 0)
    assert tuple(strip[0, S + W]) == (0, 255, 0)
    assert np.array_equal(strip[:, -W:], guess)
    rollout = shown['rollout']
    assert rollout.shape == (H, W + 5 * (S + W), 3)
    assert np.array_equal(rollout[:, :W], before)
    assert tuple(rollout[0, W]) == (0, 255, 0)


def test_pictures_nobody_looks_at_are_not_made(stage, monkeypatch):
    made = []
    real = panels.masked_overlay
    monkeypatch.setattr(panels, 'masked_overlay', lambda *a: made.append(1) or real(*a))
    stage.launch()
    predictions = stage.listen(Prediction, topics.WORLD_MODEL_PREDICTION)
    robot = stage.meet()
    robot.show()
    robot.act(1, 1)
    stage.settle(2)
    stage.wait(lambda: predictions, 'a prediction')
    assert not made
    masked = stage.listen(Image, topics.WORLD_MODEL_CANVAS_MASKED, qos.VIEWS)
    robot.act(1)
    stage.wait(lambda: masked, 'the picture')
    assert made


@pytest.mark.parametrize(
    'change, reason',
    [
        ({'encoding': 'yuv422'}, "encoding 'yuv422' is not one of"),
        ({'height': 17}, 'image_raw ignored'),
        ({'width': 0}, 'image_raw ignored'),
    ],
)
def test_bad_images_cost_one_line_and_nothing_else(stage, capfd, change, reason):
    stage.launch()
    robot = stage.meet()
    broken = conversions.image_to_msg(robot.picture(), robot.now_ns, 'camera')
    for name, value in change.items():
        setattr(broken, name, value)
    for _ in range(3):
        robot.show(broken)
    robot.show()
    robot.act(1, 1)
    stage.settle(2)
    lines = [line for line in capfd.readouterr().err.splitlines() if 'image_raw ignored' in line]
    assert len(lines) == 1
    assert reason in lines[0]
    assert stage.node.session.loop.stats.frames == 3


def test_frames_of_another_size_are_resized(stage):
    stage.launch(canvas__frame_height=8, canvas__frame_width=16)
    predicted = stage.listen(Image, topics.WORLD_MODEL_PREDICTED_IMAGE)
    robot = stage.meet()
    robot.show()
    robot.act(1, 1)
    message = stage.wait(lambda: predicted and predicted[0], 'a prediction')
    assert (message.height, message.width) == (8, 16)


def test_unknown_action_is_told_and_breaks_the_chain(stage, capfd):
    stage.launch()
    robot = stage.meet()
    robot.show()
    robot.act(1, 7, 1)
    stage.settle(2)
    stats = stage.node.session.loop.stats
    assert stats.unpaired['unknown action'] == 1
    assert 'action_events 2: action 7 is not in the action space' in capfd.readouterr().err
    assert stats.optimizer_step == 0
    robot.act(1)
    stage.settle(3)
    assert stage.node.session.loop.stats.optimizer_step == 1


def test_unknown_phase_is_ignored_with_one_line(stage, capfd):
    stage.launch()
    robot = stage.meet()
    robot.send_raw_event(ActionEventMsg(sequence=5, phase=77))
    robot.show()
    robot.act(1)
    stage.settle(1)
    assert 'action_events 5 ignored' in capfd.readouterr().err


def test_reset_of_the_robot_breaks_the_chain(stage):
    stage.launch()
    robot = stage.meet()
    robot.show()
    robot.act(1)
    robot.sequence += 1
    robot.tell(Phase.RESET, 0)
    robot.show()
    robot.act(1)
    stage.settle(2)
    assert stage.node.session.loop.stats.optimizer_step == 0


def test_another_action_space_stops_learning_until_configured_anew(stage, capfd):
    stage.launch()
    robot = stage.meet()
    robot.show()
    robot.act(1)
    stage.settle(1)
    spin = ActionDefinition(label='spin', separator_color=(0, 0, 255))
    robot.offer(ActionSpace(robot_name='other', robot_type='other', actions=(spin,)))
    robot.show()
    robot.act(0)
    diagnostics = stage.listen(DiagnosticArray, topics.DIAGNOSTICS, qos.DIAGNOSTICS)

    def told():
        return [
            s.message for d in diagnostics for s in d.status if 'frames are ignored' in s.message
        ]

    stage.wait(told, 'a diagnostic')
    assert stage.node.session.loop.stats.transitions == 1
    assert 'cleanup and configure to begin anew' in capfd.readouterr().err


def test_two_cameras_are_stacked_from_top_to_bottom(stage):
    stage.launch(image_topics=['top/image_raw', 'bottom/image_raw'], canvas__frame_height=2 * H)
    shown = stage.listen(Image, topics.WORLD_MODEL_CURRENT_FRAME, qos.VIEWS)
    robot = stage.meet('top/image_raw', 'bottom/image_raw')
    robot.show()
    message = stage.wait(lambda: shown and shown[0], 'the stacked frame')
    image = conversions.image_from_msg(message)
    assert np.array_equal(image, np.concatenate([robot.picture()] * 2))


def test_wrong_parameter_refuses_to_configure_with_one_line(stage, capfd):
    node = stage.launch(active=False, optimizer__learning_rate=-1.0)
    assert node.trigger_configure() == TransitionCallbackReturn.FAILURE
    lines = [line for line in capfd.readouterr().err.splitlines() if 'cannot configure' in line]
    assert len(lines) == 1
    assert 'optimizer.learning_rate' in lines[0]
    assert '-1.0' in lines[0]


def test_absent_device_refuses_to_configure(stage, capfd):
    node = stage.launch(active=False, device='cuda:7')
    assert node.trigger_configure() == TransitionCallbackReturn.FAILURE
    assert "device 'cuda:7' was asked for" in capfd.readouterr().err


def test_a_camera_topic_that_is_no_name_refuses_to_configure_with_one_line(stage, capfd):
    node = stage.launch(active=False, image_topics=['image_raw', 'bad topic!'])
    assert node.trigger_configure() == TransitionCallbackReturn.FAILURE
    lines = [line for line in capfd.readouterr().err.splitlines() if 'cannot configure' in line]
    assert len(lines) == 1
    assert "'bad topic!', which is no topic: topic name must not contain" in lines[0]


def test_live_parameters_change_and_others_do_not(stage):
    node = stage.launch()
    stage.meet()
    assert node.set_parameters([Parameter('online.quality_gate', value=0.5)])[0].successful
    assert node.session.loop.quality_gate == 0.5
    assert not node.set_parameters([Parameter('online.quality_gate', value=7.0)])[0].successful
    assert not node.set_parameters([Parameter('seed', value=3)])[0].successful
    assert node.session.loop.quality_gate == 0.5


def test_an_inactive_node_ignores_frames_and_goes_on_when_active(stage):
    node = stage.launch()
    robot = stage.meet()
    robot.show()
    robot.act(1)
    stage.settle(1)
    node.trigger_deactivate()
    robot.act(1, 1)
    marker = stage.listen(DiagnosticArray, topics.DIAGNOSTICS, qos.DIAGNOSTICS)
    stage.wait(lambda: marker, 'a sign of life')
    assert node.session.loop.stats.transitions == 1
    node.trigger_activate()
    robot.show()
    robot.act(1, 1)
    stage.settle(3)
    assert node.session.loop.stats.optimizer_step == 1


def test_cleanup_ends_the_learner_and_configuring_begins_anew(stage):
    node = stage.launch()
    robot = stage.meet()
    robot.show()
    robot.act(1, 1)
    stage.settle(2)
    old = node.session
    node.trigger_deactivate()
    node.trigger_cleanup()
    assert node.session is None
    assert not old.alive
    assert node.bring_up()
    stage.wait(lambda: node.session is not None, 'a new model from the latched action space')
    assert node.session.loop.stats.optimizer_step == 0


def test_diagnostics_tell_what_is_missing_then_how_learning_goes(stage):
    stage.launch()
    arrived = stage.listen(DiagnosticArray, topics.DIAGNOSTICS, qos.DIAGNOSTICS)

    def status(part):
        name = f'/toroidal_dot/world_model: {part}'
        return next((s for m in reversed(arrived) for s in m.status if s.name == name), None)

    waiting = stage.wait(lambda: status('pairing'), 'diagnostics')
    assert waiting.level == DiagnosticStatus.WARN
    assert 'no action_space received yet' in waiting.message
    assert 'cpu' in status('device').message
    robot = stage.meet()
    robot.show()
    robot.act(1, 1)
    stage.settle(2)
    learning = stage.wait(
        lambda: (s := status('learning')) and 'step 1' in s.message and s, 'the step to be told'
    )
    assert learning.level == DiagnosticStatus.OK
    assert {v.key: v.value for v in learning.values}['optimizer step'] == '1'
    assert status('pairing').level == DiagnosticStatus.OK

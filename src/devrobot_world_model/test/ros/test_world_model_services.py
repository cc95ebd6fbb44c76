"""Services answer every wrong request with one line, and leave the model as it was."""

from pathlib import Path

from devrobot_interfaces.msg import DiscreteAction, Prediction
from devrobot_interfaces.srv import (
    ComputeAttention,
    ListCheckpoints,
    LoadCheckpoint,
    Predict,
    SaveCheckpoint,
)
from devrobot_interfaces_py import conversions, topics
import numpy as np
import pytest
from std_srvs.srv import SetBool, Trigger
import torch


def trained(stage, **changes):
    stage.launch(**changes)
    robot = stage.meet()
    robot.show()
    for done, action in enumerate((1, 0, 1), start=1):
        robot.act(action)
        stage.settle(done)
    return robot


def weights(stage):
    return stage.node.session.loop.state().tensors


def equal(left, right):
    return left.keys() == right.keys() and all(torch.equal(left[k], right[k]) for k in left)


def save(stage, name):
    response = stage.call(SaveCheckpoint, topics.WORLD_MODEL_SAVE_CHECKPOINT, name=name)
    assert response.success, response.message
    return response.checkpoint


def load(stage, name, **request):
    return stage.call(LoadCheckpoint, topics.WORLD_MODEL_LOAD_CHECKPOINT, name=name, **request)


def names(stage):
    response = stage.call(ListCheckpoints, topics.WORLD_MODEL_LIST_CHECKPOINTS)
    return [checkpoint.name for checkpoint in response.checkpoints]


def test_without_a_robot_services_say_what_is_missing(stage):
    stage.launch()
    for kind, name in (
        (Trigger, topics.WORLD_MODEL_RESET_HISTORY),
        (Predict, topics.WORLD_MODEL_PREDICT),
        (SaveCheckpoint, topics.WORLD_MODEL_SAVE_CHECKPOINT),
        (LoadCheckpoint, topics.WORLD_MODEL_LOAD_CHECKPOINT),
    ):
        response = stage.call(kind, name)
        assert not response.success
        assert response.message.startswith('no action_space received yet')
    assert names(stage) == []


def test_predict_shows_what_an_action_would_do(stage):
    trained(stage)
    frames = stage.node.session.loop.predict(0).frames
    for index in (0, 1):
        response = stage.call(
            Predict, topics.WORLD_MODEL_PREDICT, action=DiscreteAction(index=index)
        )
        assert response.success, response.message
        assert response.prediction.action.index == index
        image = conversions.image_from_msg(response.predicted_image)
        assert np.array_equal(image, frames[index])


def test_predict_of_an_unknown_action_is_refused_with_the_known_ones(stage):
    trained(stage)
    response = stage.call(Predict, topics.WORLD_MODEL_PREDICT, action=DiscreteAction(index=9))
    assert not response.success
    assert 'action 9 is not in the action space' in response.message
    assert '1 (move)' in response.message


def test_predict_without_history_says_so_also_after_a_reset(stage):
    trained(stage)
    assert stage.call(Trigger, topics.WORLD_MODEL_RESET_HISTORY).success
    response = stage.call(Predict, topics.WORLD_MODEL_PREDICT)
    assert not response.success
    assert 'let the robot act first' in response.message


def test_paused_learning_leaves_the_model_alone_but_predicts(stage):
    robot = trained(stage)
    predictions = stage.listen(Prediction, topics.WORLD_MODEL_PREDICTION)
    assert stage.call(SetBool, topics.WORLD_MODEL_SET_LEARNING, data=False).success
    before = weights(stage)
    robot.act(1, 1)
    stage.settle(5)
    stage.wait(lambda: len(predictions) == 2, 'two predictions')
    assert equal(before, weights(stage))
    assert stage.call(SetBool, topics.WORLD_MODEL_SET_LEARNING, data=True).success
    robot.act(1)
    stage.settle(6)
    assert not equal(before, weights(stage))


def test_learning_can_be_paused_before_the_robot_is_there(stage):
    stage.launch()
    assert stage.call(SetBool, topics.WORLD_MODEL_SET_LEARNING, data=False).success
    stage.meet()
    assert not stage.node.session.loop.learning


def test_a_checkpoint_brings_the_whole_state_back(stage):
    robot = trained(stage)
    saved = weights(stage)
    info = save(stage, 'mine')
    assert Path(info.path) == stage.folder / 'toroidal_dot' / 'mine'
    assert (info.optimizer_step, info.samples_seen) == (2, 3)
    robot.act(1, 1)
    stage.settle(5)
    assert not equal(saved, weights(stage))
    response = load(stage, 'mine', restore_optimizer=True)
    assert response.success, response.message
    assert response.checkpoint.name == 'mine'
    assert equal(saved, weights(stage))
    predictions = stage.listen(Prediction, topics.WORLD_MODEL_PREDICTION)
    robot.act(1)
    stage.wait(lambda: predictions, 'a prediction')
    assert predictions[0].checkpoint_name == 'mine'


def test_checkpoints_are_listed_newest_first_and_no_name_loads_the_newest(stage):
    trained(stage)
    save(stage, 'older')
    save(stage, 'newer')
    made_up = save(stage, '').name
    assert made_up.startswith('toroidal_dot-')
    assert names(stage) == [made_up, 'newer', 'older']
    assert load(stage, '').checkpoint.name == made_up


@pytest.mark.parametrize('name', ['../../outside', '/tmp/outside', '.hidden', 'a/b'])
def test_names_that_leave_the_folder_are_refused(stage, name):
    trained(stage)
    before = weights(stage)
    saved = stage.call(SaveCheckpoint, topics.WORLD_MODEL_SAVE_CHECKPOINT, name=name)
    loaded = load(stage, name)
    for response in (saved, loaded):
        assert not response.success
        assert repr(name) in response.message
    assert not stage.folder.exists()
    assert equal(before, weights(stage))


@pytest.mark.parametrize('file', ['tensors.safetensors', 'checkpoint.json'])
def test_a_truncated_checkpoint_is_refused_and_the_model_untouched(stage, file):
    robot = trained(stage)
    path = Path(save(stage, 'cut').path) / file
    path.write_bytes(path.read_bytes()[:-9])
    robot.act(1)
    stage.settle(4)
    before = weights(stage)
    response = load(stage, 'cut')
    assert not response.success
    assert "'cut' is damaged" in response.message
    assert '\n' not in response.message
    assert equal(before, weights(stage))
    assert names(stage) == []


def test_a_checkpoint_of_another_model_is_refused_with_the_difference(stage):
    trained(stage, model__encoder_width=32)
    save(stage, 'wide')
    stage.node.trigger_deactivate()
    stage.node.close()
    stage.executor.remove_node(stage.node)
    stage.node.destroy_node()
    stage.launch()
    stage.meet()
    before = weights(stage)
    response = load(stage, 'wide')
    assert not response.success
    assert "'wide'" in response.message
    assert 'encoder_width: saved 32, here 16' in response.message
    assert '\n' not in response.message
    assert equal(before, weights(stage))


def test_the_node_starts_from_the_checkpoint_it_is_told(stage):
    trained(stage)
    save(stage, 'start')
    saved = weights(stage)
    stage.node.close()
    stage.executor.remove_node(stage.node)
    stage.node.destroy_node()
    stage.launch(checkpoint='start')
    stage.meet()
    assert equal(saved, weights(stage))


def test_a_start_checkpoint_that_is_missing_costs_one_line(stage, capfd):
    trained(stage, checkpoint='missing')
    text = capfd.readouterr().err
    assert "there is no checkpoint 'missing'" in text
    assert 'going on with random weights' in text
    assert stage.node.session.loop.stats.optimizer_step == 2


def test_the_node_saves_while_learning_and_keeps_the_best(stage):
    robot = trained(stage, checkpoint_every=2, keep_checkpoints=2)
    for done in range(4, 12):
        robot.act(1)
        stage.settle(done)
    kept = names(stage)
    assert len(kept) in (2, 3)  # the two best, and the newest if it is not one of them
    assert stage.node.session.loop.stats.optimizer_step == 10


def test_the_node_saves_at_the_end_when_told_to(stage):
    trained(stage, checkpoint_on_deactivate=True)
    stage.node.trigger_deactivate()
    assert len(names(stage)) == 1


def test_attention_is_a_map_over_the_canvas_for_each_query(stage):
    trained(stage)
    response = stage.call(
        ComputeAttention, topics.WORLD_MODEL_COMPUTE_ATTENTION, query_patches=[8, 21]
    )
    assert response.success, response.message
    found = response.attention
    assert (found.rows, found.columns, found.patch_size) == (2, 11, 8)
    assert list(found.query_patches) == [8, 21]
    assert list(found.layers) == list(found.heads) == [0]
    sums = np.array(found.weights).reshape(2, 22).sum(axis=1)
    assert np.allclose(sums, 1.0, atol=0.02)


def test_attention_of_bright_patches_chooses_from_the_prediction(stage):
    trained(stage)
    response = stage.call(
        ComputeAttention,
        topics.WORLD_MODEL_COMPUTE_ATTENTION,
        selection=ComputeAttention.Request.SELECT_BRIGHT,
        brightness_threshold=0.0,
    )
    assert list(response.attention.query_patches) == [8, 9, 10, 19, 20, 21]


def test_attention_of_a_patch_the_model_does_not_predict_is_refused(stage):
    trained(stage)
    response = stage.call(
        ComputeAttention, topics.WORLD_MODEL_COMPUTE_ATTENTION, query_patches=[0]
    )
    assert not response.success
    assert 'patch 0 is not in the predicted slot' in response.message

from dataclasses import replace
import threading

from devrobot_interfaces_py.actions import ActionEvent, Phase, UnknownActionError
from devrobot_interfaces_py.configs import ConfigError
from devrobot_world_model.compatibility import IncompatibleCheckpointError
from devrobot_world_model.online import OnlineLoop
from devrobot_world_model.results import NotReadyError
from dot_world import dot, feed, session, SPACE, TINY, tiny
import numpy as np
import pytest
import torch


def predictions(results):
    return [p for update, _ in results for p in update.predictions]


def scores(results):
    return [s for update, _ in results for s in update.scores]


def losses(results):
    return [float(result.loss) for _, result in results if result is not None]


def test_every_action_with_enough_history_is_predicted_before_its_frame():
    loop = OnlineLoop(TINY, SPACE)
    seen = []
    for kind, item in session(10):
        update = loop.on_frame(*item) if kind == 'frame' else loop.on_event(item)
        for prediction in update.predictions:
            assert kind == 'event' and item.phase == Phase.STARTED
            seen.append(prediction.sequence)
    assert seen == list(range(2, 11))
    assert loop.stats.predictions_missed == 1


def test_a_prediction_is_scored_with_the_frame_after_its_action():
    loop = OnlineLoop(TINY, SPACE)
    scored = scores(feed(loop, session(20)))
    assert {score.action for score in scored} == {0, 1}
    for score in scored:
        truth = score.truth.astype(float) / 255
        guess = score.prediction.image.astype(float) / 255
        assert score.mse == pytest.approx(((truth - guess) ** 2).mean(), abs=2e-3)
        last = score.prediction.history[-1].astype(float) / 255
        assert score.mse_copy_last == pytest.approx(((truth - last) ** 2).mean(), abs=1e-6)
        assert score.mse_black == pytest.approx((truth**2).mean(), abs=1e-6)


def test_one_sample_more_than_the_history_gives_one_step_each():
    loop = OnlineLoop(TINY, SPACE)
    results = feed(loop, session(12))
    assert len(losses(results)) == 11
    assert loop.stats.optimizer_step == 11
    # the first steps have fewer older samples than a full batch
    assert loop.stats.samples_seen == 1 + 2 + 3 + 8 * 4


def test_no_canvas_and_no_prediction_crosses_a_reset():
    loop = OnlineLoop(TINY, SPACE)
    results = feed(loop, session(20, reset_every=5))
    rows = [
        [np.flatnonzero(image.any(axis=(1, 2))) for image in p.history]
        for p in predictions(results)
    ]
    assert all(np.array_equal(first, second) for first, second in rows)
    assert len(rows) == 4 * 4
    assert len(losses(results)) == 4 * 4


def test_the_same_session_gives_the_same_losses():
    first, second = (losses(feed(OnlineLoop(TINY, SPACE), session(15))) for _ in range(2))
    assert first == second and len(first) == 14


def test_a_concurrent_loop_predicts_and_learns_the_same():
    alone, concurrent = (OnlineLoop(TINY, SPACE, concurrent=flag) for flag in (False, True))
    one, two = (feed(loop, session(10)) for loop in (alone, concurrent))
    assert losses(one) == losses(two)
    for a, b in zip(predictions(one), predictions(two), strict=True):
        assert torch.equal(a.patches, b.patches)


def test_a_frame_is_encoded_once_while_the_weights_stay_and_anew_when_they_change():
    loop = OnlineLoop(TINY, SPACE)
    encoded = []
    loop._actor._model.encoder.register_forward_hook(
        lambda module, inputs, output: encoded.append(len(output))
    )
    loop.set_learning(False)
    feed(loop, session(8))
    assert encoded == [2] + [1] * 6
    before = loop.predict(1).patches
    assert torch.equal(loop.predict(1).patches, before)
    loop.load_state(OnlineLoop(tiny(seed=5), SPACE).state())
    fresh = OnlineLoop(tiny(seed=5), SPACE)
    fresh.set_learning(False)
    feed(fresh, session(8))
    assert torch.allclose(loop.predict(1).patches, fresh.predict(1).patches, atol=1e-6)


def test_frames_are_told_apart_where_the_clock_stands_still():
    loop = OnlineLoop(TINY, SPACE)
    with torch.no_grad():
        loop._learner.model.decoder.head.weight.normal_(std=0.1)
    images = []
    for sequence in range(1, 5):
        loop.on_frame(1000, dot(4 * sequence, 0))
        for phase in (Phase.STARTED, Phase.FINISHED):
            loop.on_event(ActionEvent(stamp_ns=1000, sequence=sequence, phase=phase, action=1))
        images.append(loop.predict(1).image if sequence > 1 else None)
    assert not np.array_equal(images[2], images[3])


def test_predictions_do_not_wait_for_a_training_step():
    loop = OnlineLoop(TINY, SPACE, concurrent=True)
    feed(loop, session(8))
    done = threading.Event()
    with loop._learn_lock:  # a training step that takes for ever
        thread = threading.Thread(target=lambda: (loop.predict(1), done.set()))
        thread.start()
        assert done.wait(timeout=30.0)
    thread.join()


def test_without_time_for_a_prediction_the_transition_is_still_learned_from():
    loop = OnlineLoop(TINY, SPACE)
    steps = 0
    for kind, item in session(8):
        update = loop.on_frame(*item) if kind == 'frame' else loop.on_event(item, predict=False)
        assert update.predictions == () and update.scores == ()
        steps += update.learn and loop.learn() is not None
    assert steps == 7 and loop.stats.predictions_missed == 8


def test_the_smallest_replay_memory_holds_the_longest_canvas_and_less_is_refused():
    memory = replace(TINY.online, replay_frames=16)
    loop = OnlineLoop(tiny(canvas=replace(TINY.canvas, frames=8), online=memory), SPACE)
    for kind, item in session(30):
        if kind == 'frame':
            loop.on_frame(*item)
            loop.on_frame(item[0] + 1, item[1])  # an idle frame: the next before-frame
        else:
            loop.on_event(item, predict=False)
    assert loop.learn().samples > 1
    with pytest.raises(ConfigError, match='replay_frames must be at least .* = 18, got 16'):
        tiny(canvas=replace(TINY.canvas, frames=9), online=memory)


def test_learning_off_predicts_and_does_not_learn():
    loop = OnlineLoop(TINY, SPACE)
    loop.set_learning(False)
    results = feed(loop, session(8))
    assert losses(results) == [] and len(predictions(results)) == 7
    assert loop.learn() is None


def test_under_the_quality_gate_there_is_no_training_step():
    gated = tiny(online=replace(TINY.online, quality_gate=1.0))
    loop = OnlineLoop(gated, SPACE)
    assert losses(feed(loop, session(8))) == []
    assert loop.stats.steps_gated == 7


def test_a_frame_of_another_size_is_resized():
    loop = OnlineLoop(TINY, SPACE)
    loop.on_frame(1, dot(0, 0, 32, 48))
    assert loop._history.newest_frame.image.shape == (16, 24, 3)


def test_counterfactuals_share_the_history_and_differ_by_the_action():
    loop = OnlineLoop(TINY, SPACE)
    feed(loop, session(60))
    both = loop.predict(0)
    assert both.frames.shape == (2, 16, 24, 3)
    assert not np.array_equal(both.frames[0], both.frames[1])
    assert np.array_equal(loop.predict(1).frames, both.frames)


def test_a_prediction_without_history_says_what_is_needed():
    loop = OnlineLoop(TINY, SPACE)
    loop.on_frame(1, dot(0, 0))
    with pytest.raises(NotReadyError, match='1 finished action'):
        loop.predict(1)
    with pytest.raises(UnknownActionError, match='action 7'):
        loop.predict(7)


def test_reset_history_forgets_the_frames_and_keeps_the_model():
    loop = OnlineLoop(TINY, SPACE)
    feed(loop, session(8))
    step = loop.stats.optimizer_step
    loop.reset_history()
    with pytest.raises(NotReadyError):
        loop.predict(0)
    assert loop.stats.optimizer_step == step


def test_an_action_outside_the_space_is_counted_and_ends_in_nothing_else():
    loop = OnlineLoop(TINY, SPACE)
    feed(loop, session(4))
    update = loop.on_event(ActionEvent(stamp_ns=10_000, sequence=9, phase=Phase.STARTED, action=5))
    assert update.predictions == () and loop.stats.unpaired == {'unknown action': 1}


def test_a_rollout_has_one_frame_per_action():
    loop = OnlineLoop(TINY, SPACE)
    feed(loop, session(5))
    imagined = loop.rollout([1, 1, 0])
    assert [image.shape for image in imagined] == [(16, 24, 3)] * 3


def test_attention_of_the_masked_pass_covers_all_canvas_patches():
    loop = OnlineLoop(TINY, SPACE)
    feed(loop, session(5))
    (layer,) = loop.attention_weights(1)
    assert layer.shape == (2, 24, 4 * 20)
    assert torch.allclose(layer.sum(-1), torch.ones(()), atol=1e-4)


def test_a_restored_loop_goes_on_exactly_as_the_saved_one():
    items = list(session(30))
    loop = OnlineLoop(TINY, SPACE)
    feed(loop, items[:60])
    other = OnlineLoop(tiny(seed=9), SPACE)
    other.load_state(loop.state())
    assert other.stats.optimizer_step == loop.stats.optimizer_step
    batch = loop._experience._replay.batch(4, np.random.default_rng(0))
    one, two = (each._learner.train_step(batch) for each in (loop, other))
    assert torch.equal(one.loss, two.loss)
    one, two = (each._learner.train_step(batch) for each in (loop, other))
    assert torch.equal(one.loss, two.loss)


def test_a_state_of_another_architecture_changes_nothing():
    loop = OnlineLoop(TINY, SPACE)
    other = OnlineLoop(tiny(model=replace(TINY.model, decoder_width=48)), SPACE)
    before = {k: v.clone() for k, v in loop.state().tensors.items()}
    with pytest.raises(IncompatibleCheckpointError, match='decoder_width: saved 48, here 32'):
        loop.load_state(other.state())
    after = loop.state().tensors
    assert all(torch.equal(before[k], after[k]) for k in before)


@pytest.mark.parametrize(
    'tensors, state',
    [
        # a generator of another device has a state of another length
        ({'rng.torch': torch.zeros(16, dtype=torch.uint8)}, {}),
        ({}, {'replay_rng': {'bit_generator': 'PCG64'}}),
        ({}, {'replay_rng': 'lost'}),
    ],
)
def test_a_random_state_that_does_not_fit_changes_nothing(tensors, state):
    saved = OnlineLoop(tiny(seed=9), SPACE)
    feed(saved, session(8))
    whole = saved.state()
    broken = replace(whole, tensors=whole.tensors | tensors, state=whole.state | state)
    loop = OnlineLoop(TINY, SPACE)
    feed(loop, session(5))
    before = loop.state()
    with pytest.raises(IncompatibleCheckpointError, match='random state.*restore_optimizer false'):
        loop.load_state(broken)
    after = loop.state()
    assert before.tensors.keys() == after.tensors.keys()
    assert all(torch.equal(before.tensors[k], after.tensors[k]) for k in after.tensors)
    assert before.counters == after.counters
    loop.load_state(broken, restore_optimizer=False)


def test_a_shallower_state_grows_into_a_deeper_loop_that_predicts_the_same():
    loop = OnlineLoop(TINY, SPACE)
    feed(loop, session(10))
    deep = OnlineLoop(tiny(model=replace(TINY.model, decoder_depth=2)), SPACE)
    deep.set_learning(False)
    feed(deep, session(10))
    assert not torch.allclose(deep.predict(1).patches, loop.predict(1).patches, atol=1e-4)
    deep.load_state(loop.state())
    assert torch.allclose(deep.predict(1).patches, loop.predict(1).patches, atol=1e-5)
    assert deep.stats.optimizer_step == 0

"""A training that is done once: read when it has ended, gone on with when it has not."""

from devrobot_training.fit.once import (
    best_weights,
    InterruptedTrainingError,
    read_curves,
    read_trained,
    RESULT,
    train_once,
)
from devrobot_training.fit.problems import RunError
from fit_worlds import dot_session, limited, Losses, open_small
import pytest


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    return open_small(dot_session(tmp_path_factory.mktemp('session') / 'bag'))


def test_what_has_ended_is_read_and_not_done_again(data, tmp_path):
    made = train_once(tmp_path, limited(80), lambda: data)
    assert (made.stop_reason, made.samples, made.usable) == ('samples', 80, True)
    assert train_once(tmp_path, limited(80), lambda: pytest.fail('opened')) == made
    curves = read_curves(tmp_path, 'hybrid')
    assert curves.samples == (40, 80)
    assert min(curves.validation) == made.best_validation
    assert best_weights(tmp_path)


def test_what_was_stopped_goes_on_to_the_same_end(data, tmp_path):
    whole = train_once(tmp_path / 'whole', limited(120), lambda: data)
    losses = Losses()
    with pytest.raises(InterruptedTrainingError):
        train_once(
            tmp_path / 'cut', limited(120), lambda: data, listeners=[losses],
            should_stop=lambda: 12 in losses.by_step,
        )  # fmt: skip
    assert read_trained(tmp_path / 'cut') is None
    again = train_once(tmp_path / 'cut', limited(120), lambda: data)
    assert (again.best_validation, again.samples) == (whole.best_validation, whole.samples)


def test_one_killed_between_its_last_state_and_its_result_has_no_step_left(data, tmp_path):
    made = train_once(tmp_path, limited(80), lambda: data)
    (tmp_path / RESULT).unlink()
    again = train_once(tmp_path, limited(80), lambda: data)
    assert (again.samples, again.best_validation) == (made.samples, made.best_validation)
    assert (again.stop_reason, again.stop_message) == (made.stop_reason, made.stop_message)


def test_a_damaged_result_is_told_with_the_way_out(tmp_path):
    (tmp_path / RESULT).write_text('{"samples": ')
    with pytest.raises(RunError, match='delete it to train this part anew'):
        read_trained(tmp_path)


def test_a_training_that_begins_with_trained_weights_has_their_optimiser_too(data, tmp_path):
    """Without its moments the first steps would spoil what was learned."""
    train_once(tmp_path / 'first', limited(400), lambda: data)
    start = best_weights(tmp_path / 'first')
    config = limited(16, seed=5, optimizer__warmup_steps=0)
    moments, fresh = Losses(), Losses()
    train_once(tmp_path / 'on', config, lambda: data, start=start, listeners=[moments])
    again = Losses()
    train_once(tmp_path / 'again', config, lambda: data, start=start, listeners=[again])
    train_once(tmp_path / 'fresh', config, lambda: data, listeners=[fresh])
    assert moments.by_step == again.by_step
    assert sorted(moments.by_step) == [1, 2, 3, 4]  # steps are counted anew
    last = [sum(losses.by_step[4]) for losses in (moments, fresh)]
    assert last[0] < last[1]


def test_the_seed_of_a_training_decides_though_it_begins_with_the_state_of_another(data, tmp_path):
    train_once(tmp_path / 'first', limited(80), lambda: data)
    start = best_weights(tmp_path / 'first')
    found = []
    for seed in (1, 2):
        losses = Losses()
        config = limited(16, seed=seed, loss__mask_ratio_min=0.5)
        train_once(tmp_path / str(seed), config, lambda: data, start=start, listeners=[losses])
        found.append(losses.by_step)
    assert found[0] != found[1]

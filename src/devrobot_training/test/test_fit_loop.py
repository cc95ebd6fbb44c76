"""The training loop: repeatable, resumable to the bit, and honest about what it saved."""

from itertools import pairwise
import math

from devrobot_interfaces_py.configs import ConfigError
from devrobot_training.fit.config import PRESET_RECIPES, train_preset, TrainConfig
from devrobot_training.fit.events import CHECKPOINT, Happened, StepDone, Validated
from devrobot_training.fit.loop import NEAR_ENOUGH
from devrobot_training.fit.problems import RunError
from devrobot_training.fit.run_folder import BEST, check_run_id, LAST, RunFolder
from devrobot_training.fit.training import Inputs, open_data, read_run, same_data, Training
from devrobot_world_model.checkpoints import load_checkpoint
from devrobot_world_model.config import PRESET_NAMES
from fit_worlds import dot_session, limited, Losses, open_small, SMALL, small, train_small
import numpy as np
import pytest
import torch


@pytest.fixture(scope='module')
def bag(tmp_path_factory):
    return dot_session(tmp_path_factory.mktemp('session') / 'bag')


@pytest.fixture(scope='module')
def data(bag):
    return open_small(bag)


VARIANTS = {
    'uniform': {},
    'epoch': {'sampler__kind': 'epoch'},
    'loss weighted': {'sampler__kind': 'loss_weighted', 'sampler__refresh_batches': 5},
    'chunks': {'sampler__chunk_length': 2},
    'averaged': {'fit__ema': 0.9},
    'imagined': {'fit__imagined_share': 0.5},
    'partly masked': {'loss__mask_ratio_min': 0.5},
    'without prefetch': {'fit__prefetch': 0},
}


@pytest.mark.parametrize('changes', VARIANTS.values(), ids=VARIANTS)
def test_an_interrupted_and_resumed_run_gives_the_losses_of_a_whole_one(data, tmp_path, changes):
    config = limited(160, **changes)
    whole, one = train_small(tmp_path / 'whole', data, config)
    assert sorted(whole.by_step) == list(range(1, 41))
    first, _ = train_small(tmp_path / 'parts', data, config, until=13)
    second, _ = train_small(tmp_path / 'parts', data, config, until=27)
    third, other = train_small(tmp_path / 'parts', data, config)
    assert max(first.by_step) == 13 and min(second.by_step) == 14 and min(third.by_step) == 28
    assert {**first.by_step, **second.by_step, **third.by_step} == whole.by_step
    for a, b in zip(one.learner.model.parameters(), other.learner.model.parameters(), strict=True):
        assert torch.equal(a, b)
    if one.fitter.average is not None:
        for name, value in one.fitter.average.average.items():
            assert torch.equal(value, other.fitter.average.average[name])


def validations(losses: Losses) -> list[tuple]:
    return [
        (event.step, event.hybrid, event.train_loss, event.best, event.improved)
        for event in losses.of_kind(Validated)
    ]


def test_validations_and_rules_go_on_where_they_were(data, tmp_path):
    config = limited(200)
    whole, _ = train_small(tmp_path / 'whole', data, config)
    first, _ = train_small(tmp_path / 'parts', data, config, until=23)
    second, training = train_small(tmp_path / 'parts', data, config)
    assert validations(first) + validations(second) == validations(whole)
    assert training.fitter.progress.validations == 5


def test_the_seed_decides(data, tmp_path):
    config = limited(60)
    one, two = (train_small(tmp_path / name, data, config)[0] for name in 'ab')
    other, _ = train_small(tmp_path / 'c', data, limited(60, seed=1))
    assert one.by_step == two.by_step
    assert one.by_step != other.by_step


def test_validation_looks_at_the_same_canvases_each_time(data, tmp_path):
    config = limited(80, optimizer__learning_rate=0.0)
    losses, training = train_small(tmp_path, data, config)
    seen = losses.of_kind(Validated)
    assert len(seen) == 2 and seen[0].hybrid == seen[1].hybrid
    assert len(training.fitter._validator.rows) == 12
    whole, _ = train_small(tmp_path / 'all', data, limited(40, fit__validation_size=0))
    assert len(data.validation) > 12
    assert whole.of_kind(Validated)[0].hybrid > 0


def test_validation_is_the_mean_over_all_its_canvases(data, tmp_path):
    _, training = train_small(tmp_path, data, limited(40, fit__validation_size=0))
    from devrobot_world_model.model.losses import compute_losses
    from devrobot_world_model.model.patches import to_unit

    model = training.learner.model.eval()
    losses = []
    for row in range(len(data.validation)):
        batch = data.validation.batch(np.array([row]))
        with torch.no_grad():
            prediction, _ = model(batch)
        losses.append(float(compute_losses(prediction, to_unit(batch.targets), SMALL.loss).hybrid))
    found = training.fitter._validator(model)
    assert found.hybrid == pytest.approx(np.mean(losses), rel=1e-2)  # bf16 where there is


def test_last_and_best_name_whole_checkpoints(data, tmp_path):
    losses, training = train_small(tmp_path, data, limited(200))
    folder = RunFolder(tmp_path)
    last = load_checkpoint(folder.checkpoints, LAST)
    assert last.counters == {'optimizer_step': 50, 'samples_seen': 200}
    improved = [event.step for event in losses.of_kind(Validated) if event.improved]
    best = load_checkpoint(folder.checkpoints, BEST)
    assert best.counters['optimizer_step'] == improved[-1] == training.fitter.progress.best_step
    found = {path.name for path in folder.checkpoints.iterdir()}
    assert found == {LAST, BEST, folder.target(LAST), folder.target(BEST)}


def test_listeners_hear_of_a_checkpoint_before_it_is_written(data, tmp_path):
    seen = []

    def listener(event):
        if isinstance(event, Happened) and event.event == CHECKPOINT:
            seen.append((event.step, RunFolder(tmp_path).target(LAST)))

    training = Training(RunFolder(tmp_path), limited(120), data, listeners=[listener])
    training.run()
    for step, newest in seen:
        assert newest < f'step_{step:09d}', 'the log must not lag behind the newest checkpoint'
    assert len(seen) >= 3


def test_averaged_weights_are_the_model_of_the_checkpoint(data, tmp_path):
    _, training = train_small(tmp_path, data, limited(80, fit__ema=0.9))
    saved = load_checkpoint(RunFolder(tmp_path).checkpoints, LAST)
    for name, value in training.fitter.average.average.items():
        assert torch.equal(saved.tensors[f'model.{name}'], value)
    assert not torch.equal(
        saved.tensors['model.decoder.head.weight'], training.learner.model.decoder.head.weight
    )
    with pytest.raises(RunError, match='no averaged weights'):
        plain = tmp_path / 'plain'
        train_small(plain, data, limited(40))
        train_small(plain, data, limited(80, fit__ema=0.9))


def test_a_loss_that_is_no_number_ends_it_and_keeps_the_weights(data, tmp_path):
    config = limited(400, optimizer__learning_rate=1.0, optimizer__gradient_clip=0.0)
    losses = Losses()
    training = Training(RunFolder(tmp_path), config, data, listeners=[losses])
    with torch.no_grad():
        training.learner.model.mask_token.fill_(math.inf)
    stop = training.run()
    assert stop.reason == 'non_finite' and 'lower the learning rate' in stop.message
    assert losses.of_kind(Happened)[-1].message.startswith('non_finite: ')


def test_every_step_tells_its_canvases_and_losses(data, tmp_path):
    losses, training = train_small(tmp_path, data, limited(80))
    steps = losses.of_kind(StepDone)
    assert [step.samples for step in steps] == list(range(4, 84, 4))
    for step in steps:
        assert step.rows.shape == step.hybrid.shape == (4,)
        assert step.loss == pytest.approx(step.hybrid.mean())
        assert step.gradient_norm > 0
    drawn = np.concatenate([step.rows for step in steps])
    ahead = SMALL.fit.prefetch * 4
    assert training.fitter.sampler.counts.sum() == len(drawn) + ahead
    norms = losses.of_kind(Validated)[0].gradient_norms
    assert set(norms) == {'encoder', 'decoder', 'decoder_embed', 'codes'}
    assert all(norm > 0 for norm in norms.values())


def test_it_learns(data, tmp_path):
    config = limited(
        3200, fit__batch_size=8, optimizer__learning_rate=2e-3, fit__validate_every=800
    )
    losses, _ = train_small(tmp_path, data, config)
    means = [event.loss for event in losses.of_kind(StepDone)]
    assert np.mean(means[-20:]) < 0.5 * np.mean(means[:20])


def test_the_seconds_to_95_are_those_of_the_first_validation_that_had_them(data, tmp_path):
    losses = Losses()
    training = Training(RunFolder(tmp_path), limited(200), data, listeners=[losses])
    shares = iter([0.5, NEAR_ENOUGH, 0.6, 1.0, 1.0])
    real = training.fitter._validator

    def measured(model):
        from dataclasses import replace

        return replace(real(model), within_2px=next(shares))

    training.fitter._validator = measured
    training.run()
    second = losses.of_kind(Validated)[1]
    assert training.fitter.progress.cpu_seconds_to_95 == second.cpu_seconds


def test_cpu_seconds_add_up_over_a_resume(data, tmp_path):
    _, first = train_small(tmp_path, data, limited(200), until=20)
    _, second = train_small(tmp_path, data, limited(200))
    assert second.fitter.progress.cpu_seconds > first.fitter.progress.cpu_seconds > 0


def test_a_shallower_checkpoint_grows_into_a_deeper_model(data, tmp_path):
    _, shallow = train_small(tmp_path / 'shallow', data, limited(40))
    config = limited(40, model__decoder_depth=2)
    deep = Training(RunFolder(tmp_path / 'deep'), config, data)
    deep.begin_from(tmp_path / 'shallow' / 'checkpoints' / LAST)
    batch = data.train.batch(np.arange(3))
    with torch.no_grad():
        one, _ = shallow.learner.model.eval()(batch)
        two, _ = deep.learner.model.eval()(batch)
    assert torch.allclose(one, two, atol=1e-6)
    assert deep.learner.step == 0


def test_a_run_folder_tells_all_that_a_resume_needs(bag, data, tmp_path):
    folder = RunFolder.create(tmp_path, 'bag', 'monday')
    inputs = Inputs(train=bag)
    folder.write_config(small(seed=7))
    folder.write_inputs({'inputs': inputs.to_dict(), 'digests': dict(data.digests)})
    config, again = read_run(folder)
    assert config == small(seed=7) and again.train == bag.resolve()
    same_data(folder, open_data(again, config))
    folder.write_inputs({'digests': {'bag_train': 'other'}})
    with pytest.raises(RunError, match='has changed since the run began'):
        same_data(folder, data)
    with pytest.raises(RunError, match='monday exists already'):
        RunFolder.create(tmp_path, 'bag', 'monday')
    assert RunFolder.create(tmp_path, 'bag').path != RunFolder.create(tmp_path, 'bag').path
    with pytest.raises(RunError, match='no run that can be resumed'):
        read_run(RunFolder(tmp_path))


@pytest.mark.parametrize('name', ['../escape', 'a/b', '.hidden', '', 'a..b'])
def test_run_ids_stay_in_their_folder(name):
    with pytest.raises(RunError, match='must be a plain name'):
        check_run_id(name)


def test_two_sessions_are_training_and_validation(bag, tmp_path):
    other = dot_session(tmp_path / 'other', steps=20, seed=5)
    data = open_data(Inputs(train=bag, validation=other), SMALL)
    assert (data.train.name, data.validation.name) == ('bag', 'other')
    split = open_small(bag)
    assert (split.train.name, split.validation.name) == ('bag_train', 'bag_validation')
    assert len(split.train) + len(split.validation) < len(data.train)


@pytest.mark.parametrize('name', PRESET_NAMES)
def test_every_preset_has_a_recipe(name):
    config = train_preset(name)
    assert isinstance(config, TrainConfig)
    assert name in PRESET_RECIPES


def test_settings_that_do_not_fit_are_refused():
    with pytest.raises(ConfigError, match=r'multiple of sampler\.chunk_length 3'):
        small(sampler__chunk_length=3)
    with pytest.raises(ConfigError, match='multiple of model.patch_size'):
        small(canvas__frame_width=25)


def test_steps_and_validations_alternate_as_told(data, tmp_path):
    losses, _ = train_small(tmp_path, data, limited(120))
    steps = [event.step for event in losses.of_kind(Validated)]
    assert steps == [10, 20, 30]
    assert all(b - a == 10 for a, b in pairwise(steps))


ENDINGS = {
    'samples': {},
    'plateau': {'stopping__plateau_patience': 2, 'stopping__plateau_threshold': 1.0},
    'divergence': {
        'stopping__divergence_gap': 0.0,
        'stopping__divergence_in_a_row': 2,
        'stopping__divergence_after': 0,
        'stopping__divergence_ratio': 1.0,
        'stopping__plateau': False,
        'optimizer__learning_rate': 0.0,
    },
}


@pytest.mark.parametrize(('reason', 'changes'), ENDINGS.items(), ids=ENDINGS)
def test_a_run_that_has_ended_has_no_step_left_after_a_resume(data, tmp_path, reason, changes):
    """As one that is killed while its best weights are evaluated."""
    config = limited(200, fit__checkpoint_every=20, **changes)
    first, training = train_small(tmp_path, data, config)
    stop = training.fitter.ended
    assert stop is not None and stop.reason == reason
    again, training = train_small(tmp_path, data, config)
    assert again.by_step == {} and training.fitter.ended == stop
    assert training.learner.step == max(first.by_step)
    free = limited(240, **{**changes, 'stopping__plateau': False, 'stopping__divergence': False})
    more, _ = train_small(tmp_path, data, free)
    assert list(more.by_step) == list(range(training.learner.step + 1, 61))

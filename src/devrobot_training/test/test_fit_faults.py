"""
Faults that an earlier implementation had, each held off by a test.

It stopped by one random validation canvas, its losses never reached the sampler, and what was
started again trained at a thousandth of the rate.
"""

from devrobot_training.data.samplers import loss_weights
from devrobot_training.fit.events import StepDone, Validated
from devrobot_training.fit.run_folder import LAST, RunFolder
from devrobot_training.fit.training import Training
from devrobot_world_model.model.losses import compute_losses
from devrobot_world_model.model.patches import to_unit
from fit_worlds import dot_session, limited, Losses, open_small, SMALL, train_small
import numpy as np
import pytest
import torch

COSINE = {
    'optimizer__schedule': 'cosine',
    'optimizer__warmup_steps': 5,
    'optimizer__total_steps': 30,
    'optimizer__final_ratio': 0.001,
}


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    return open_small(dot_session(tmp_path_factory.mktemp('session') / 'bag'))


def test_the_rules_see_the_mean_over_the_whole_validation_set_each_time(data, tmp_path):
    config = limited(120, fit__validation_size=0, optimizer__precision='fp32')
    losses = Losses()
    training = Training(RunFolder(tmp_path), config, data, listeners=[losses])
    seen, alone = [], []
    rules = training.fitter._rules
    decide = rules.after_validation

    def spy(*, train_ema, validation):
        seen.append(validation)
        alone.append(hybrid_of_each(training.learner.model, data.validation))
        return decide(train_ema=train_ema, validation=validation)

    rules.after_validation = spy
    training.run()
    assert len(seen) == 3
    for value, each in zip(seen, alone, strict=True):
        assert len(each) == len(data.validation) and np.ptp(each) > 0
        assert value == pytest.approx(each.mean(), rel=1e-4)
    assert [event.hybrid for event in losses.of_kind(Validated)] == seen


def hybrid_of_each(model, canvases) -> np.ndarray:
    """Return the loss of every canvas, predicted alone."""
    model.eval()
    found = []
    for row in range(len(canvases)):
        batch = canvases.batch(np.array([row]))
        with torch.no_grad():
            prediction, _ = model(batch)
        found.append(float(compute_losses(prediction, to_unit(batch.targets), SMALL.loss).hybrid))
    return np.array(found)


@pytest.mark.parametrize('chunk', [0, 2])
def test_the_losses_of_training_are_the_weights_of_the_sampler(data, tmp_path, chunk):
    config = limited(
        200,
        sampler__kind='loss_weighted',
        sampler__refresh_batches=5,
        sampler__chunk_length=chunk,
        fit__prefetch=0,
    )
    losses, training = train_small(tmp_path, data, config)
    steps = losses.of_kind(StepDone)
    sampler = training.fitter.sampler
    runs = data.train.runs(chunk or 1)
    newest = np.full(len(runs), np.nan)
    # The weights of now were made before the last five of fifty batches.
    for step in steps[:45]:
        first = step.rows.reshape(-1, chunk or 1)[:, 0]
        of_runs = step.hybrid.reshape(-1, chunk or 1).mean(axis=1)
        newest[np.searchsorted(runs[:, 0], first)] = of_runs
    weights = (sampler._inner if chunk else sampler).weights
    assert weights == pytest.approx(loss_weights(newest, 0.5), rel=1e-5)
    assert weights.max() > 1.5 * weights.min()


def rates(losses: Losses) -> list[float]:
    return [event.learning_rate for event in losses.of_kind(StepDone)]


def test_what_begins_with_the_weights_of_a_finished_run_has_the_whole_rate(data, tmp_path):
    first, training = train_small(tmp_path / 'first', data, limited(120, **COSINE))
    peak = SMALL.optimizer.learning_rate
    assert rates(first)[-1] < 0.01 * peak
    again = Losses()
    second = Training(
        RunFolder(tmp_path / 'second'), limited(120, **COSINE), data, listeners=[again]
    )
    second.begin_from(tmp_path / 'first' / 'checkpoints' / LAST)
    for name, value in second.learner.model.state_dict().items():
        assert torch.equal(value, training.learner.model.state_dict()[name])
    second.run()
    assert rates(again) == rates(first)
    assert max(rates(again)) == pytest.approx(peak, rel=0.02)


def test_a_resumed_run_goes_on_with_the_rate_that_it_would_have_had(data, tmp_path):
    whole, _ = train_small(tmp_path / 'whole', data, limited(120, **COSINE))
    first, _ = train_small(tmp_path / 'parts', data, limited(120, **COSINE), until=12)
    second, _ = train_small(tmp_path / 'parts', data, limited(120, **COSINE))
    assert rates(first) + rates(second) == rates(whole)
    assert {**first.by_step, **second.by_step} == whole.by_step
    assert rates(second)[0] > 0.5 * max(rates(whole))

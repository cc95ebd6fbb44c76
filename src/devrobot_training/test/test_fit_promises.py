"""What a training promises about its data, its clock and its averages, worked out by hand."""

from dataclasses import replace

from devrobot_interfaces_py.actions import ActionDefinition
from devrobot_interfaces_py.configs import ConfigError
from devrobot_training.fit.compiling import compiles
from devrobot_training.fit.events import StepDone, Validated
from devrobot_training.fit.gradients import gradient_norms
from devrobot_training.fit.progress import Clock
from devrobot_training.fit.run_folder import RunFolder
from devrobot_training.fit.training import Inputs, open_data, Training
from devrobot_training.sessions.session import SessionError
from fit_worlds import dot_session, limited, Losses, open_small, SMALL, train_small
import pytest
from session_worlds import SPACE
import torch
from torch import nn


@pytest.fixture(scope='module')
def bag(tmp_path_factory):
    return dot_session(tmp_path_factory.mktemp('session') / 'bag')


@pytest.fixture(scope='module')
def data(bag):
    return open_small(bag)


def test_training_and_validation_of_different_robots_are_refused(bag, tmp_path):
    stay, move = SPACE.actions
    space = replace(
        SPACE, actions=(stay, move, ActionDefinition(label='back', separator_color=(0, 0, 255)))
    )
    other = dot_session(tmp_path / 'other', steps=20, action_space=space)
    inputs = Inputs(train=bag, validation=other)
    with pytest.raises(SessionError, match='different action spaces: 2 and 3 actions') as error:
        open_data(inputs, SMALL)
    assert 'other' in str(error.value) and '\n' not in str(error.value)


@pytest.mark.parametrize('weight', [0.1, 0.25, 1.0])
def test_the_training_loss_is_averaged_with_the_weight_of_the_settings(data, tmp_path, weight):
    config = limited(80, stopping__train_loss_weight=weight)
    losses, _ = train_small(tmp_path, data, config)
    average = None
    expected = {}
    for step in losses.of_kind(StepDone):
        average = step.loss if average is None else average + weight * (step.loss - average)
        expected[step.step] = average
    found = {event.step: event.train_loss for event in losses.of_kind(Validated)}
    assert found == {step: pytest.approx(expected[step]) for step in (10, 20)}


def test_a_period_that_is_no_multiple_of_the_batch_is_kept_on_the_whole(data, tmp_path):
    """Of 4, 8, 12 … samples the first at or behind 10, 20, 30, 40, 50, 60."""
    losses, _ = train_small(tmp_path, data, limited(60, fit__validate_every=10))
    seen = [event.samples for event in losses.of_kind(Validated)]
    assert seen == [12, 20, 32, 40, 52, 60]


def test_a_batch_longer_than_the_period_is_validated_once(data, tmp_path):
    losses, _ = train_small(tmp_path, data, limited(24, fit__batch_size=8, fit__validate_every=3))
    assert [event.samples for event in losses.of_kind(Validated)] == [8, 16, 24]


def test_a_time_budget_ends_it_after_the_step_that_used_it_up(data, tmp_path):
    config = limited(0, stopping__time_budget=7.5, optimizer__learning_rate=0.0)
    training = Training(RunFolder(tmp_path), config, data, listeners=[losses := Losses()])
    # The clock is looked at several times per step, and moves by a second per training step.
    training.fitter._watch.clock = Clock(wall=lambda: 100.0 + training.learner.step)
    stop = training.run()
    assert stop.reason == 'time' and sorted(losses.by_step) == list(range(1, 9))
    again = Training(RunFolder(tmp_path), config, data)
    assert again.resume()
    again.fitter._watch.clock = Clock(wall=lambda: 5000.0)
    assert again.run() == stop and again.learner.step == 8


@pytest.mark.parametrize(
    'changes', [{'fit__store': 'disk'}, {'fit__prefetch': 0}, {'fit__prefetch': 5}]
)
def test_where_frames_come_from_and_when_does_not_change_a_loss(bag, data, tmp_path, changes):
    expected, _ = train_small(tmp_path / 'memory', data, limited(60))
    config = limited(60, **changes)
    other = open_small(bag, config)
    assert other.train.store.kind == changes.get('fit__store', 'memory')
    found, _ = train_small(tmp_path / 'other', other, config)
    assert found.by_step == expected.by_step


def test_a_compiled_model_has_the_losses_of_a_plain_one_and_goes_on_exactly(data, tmp_path):
    changes = {'optimizer__precision': 'fp32', 'loss__mask_ratio_min': 0.5}
    plain, _ = train_small(tmp_path / 'plain', data, limited(40, **changes))
    config = limited(40, fit__compile='always', **changes)
    whole, _ = train_small(tmp_path / 'whole', data, config)
    assert len(whole.by_step) == 10
    for step, losses in plain.by_step.items():
        # Sums are taken in another order.
        assert whole.by_step[step] == pytest.approx(losses, rel=1e-3)
    first, _ = train_small(tmp_path / 'parts', data, config, until=4)
    second, _ = train_small(tmp_path / 'parts', data, config)
    assert {**first.by_step, **second.by_step} == whole.by_step


@pytest.mark.parametrize(
    ('wanted', 'device', 'expected'),
    [('never', 'cuda', 0), ('auto', 'cuda', 1), ('auto', 'cpu', 0), ('always', 'cpu', 1)],
)
def test_compiling_is_for_where_it_pays(monkeypatch, wanted, device, expected):
    monkeypatch.setenv('CXX', 'g++')
    assert compiles(wanted, device) is bool(expected)


def test_without_a_compiler_nothing_is_compiled_unless_somebody_asks(monkeypatch):
    monkeypatch.delenv('CXX', raising=False)
    monkeypatch.setenv('PATH', '')
    assert compiles('auto', 'cuda') is False
    with pytest.raises(ConfigError, match='no C.. compiler: install g.., or use --fit.compile n'):
        compiles('always', 'cpu')


@pytest.mark.parametrize(('free', 'stays'), [(10**9, False), (10, True)])
def test_frames_that_would_fill_a_gpu_stay_in_memory(bag, monkeypatch, free, stays):
    data = open_small(bag)
    moved = []
    monkeypatch.setattr(torch.cuda, 'mem_get_info', lambda device: (free, 2 * 10**9))
    monkeypatch.setattr(torch.Tensor, 'to', lambda tensor, *_: moved.append(tensor) or tensor)
    data.train.store.to(torch.device('cuda:0'))
    assert bool(moved) is not stays


def test_masks_are_drawn_anew_where_a_run_goes_on_with_another_kind_of_device(data, tmp_path):
    config = limited(40, loss__mask_ratio_min=0.5)
    _, training = train_small(tmp_path, data, config, until=5)
    # The state of a GPU's generator: 16 bytes instead of a CPU's 5056.
    training.learner.generator = OfAGpu()
    training.fitter._saved_step = -1
    training._save(best=False)
    losses, _ = train_small(tmp_path, data, config)
    assert sorted(losses.by_step) == [6, 7, 8, 9, 10]


class OfAGpu:
    def get_state(self) -> torch.Tensor:
        return torch.zeros(16, dtype=torch.uint8)


def test_gradient_norms_of_parts_worked_by_hand():
    model = nn.Module()
    model.mask_token = nn.Parameter(torch.zeros(1))
    model.slot_code = nn.Parameter(torch.zeros(2))
    model.encoder = nn.Linear(2, 1)
    model.decoder = nn.Linear(1, 1)
    assert gradient_norms(model) == {}
    model.mask_token.grad = torch.tensor([2.0])
    model.slot_code.grad = torch.tensor([3.0, 6.0])
    model.encoder.weight.grad = torch.tensor([[3.0, 0.0]])
    model.encoder.bias.grad = torch.tensor([4.0])
    assert gradient_norms(model) == {'codes': 7.0, 'encoder': 5.0}

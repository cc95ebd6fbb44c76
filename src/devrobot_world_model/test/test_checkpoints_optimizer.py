"""Optimiser states survive a checkpoint without pickle, and only fit their own model."""

import json

from devrobot_world_model import checkpoints
from devrobot_world_model.optimizer_state import (
    flatten_optimizer,
    optimizer_problems,
    unflatten_optimizer,
)
import pytest
import torch


def make(rows=4, columns=6):
    torch.manual_seed(0)
    model = torch.nn.Linear(columns, rows)
    groups = [
        {'params': [model.weight], 'weight_decay': 0.01},
        {'params': [model.bias], 'weight_decay': 0.0},
    ]
    return model, torch.optim.AdamW(groups, lr=1e-2, betas=(0.8, 0.99))


def step(model, optimizer, seed):
    generator = torch.Generator().manual_seed(seed)
    loss = model(torch.randn(2, model.in_features, generator=generator)).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def test_training_goes_on_exactly_after_a_checkpoint(tmp_path):
    model, optimizer = make()
    step(model, optimizer, 1)
    flat, plain = flatten_optimizer(optimizer.state_dict())
    weights = {f'model.{name}': value for name, value in model.state_dict().items()}
    checkpoints.save_checkpoint(
        tmp_path, 'one', tensors=weights | flat, config={}, metrics={}, counters={}, state=plain
    )
    loaded = checkpoints.load_checkpoint(tmp_path, 'one')
    other, other_optimizer = make()
    other.load_state_dict(loaded.part('model.'))
    other_optimizer.load_state_dict(unflatten_optimizer(loaded.tensors, loaded.state))
    for seed in (2, 3):
        step(model, optimizer, seed)
        step(other, other_optimizer, seed)
    assert torch.equal(model.weight, other.weight)
    assert torch.equal(model.bias, other.bias)


def test_flat_state_is_plain_json_and_tensors_only():
    model, optimizer = make()
    step(model, optimizer, 1)
    optimizer.param_groups[0]['lr'] = torch.tensor(0.5)
    flat, plain = flatten_optimizer(optimizer.state_dict())
    assert set(flat) == {
        f'optimizer.{i}.{key}' for i in (0, 1) for key in ('step', 'exp_avg', 'exp_avg_sq')
    }
    back = unflatten_optimizer(flat, json.loads(json.dumps(plain)))
    assert back['param_groups'][0]['lr'] == 0.5
    assert back['param_groups'][1]['betas'] == (0.8, 0.99)


def test_numbers_in_the_state_survive():
    state = {'state': {3: {'step': 5}}, 'param_groups': [{'params': [3]}]}
    assert unflatten_optimizer(*flatten_optimizer(state)) == state


def test_what_is_no_plain_data_is_refused():
    state = {'state': {0: {'hook': object()}}, 'param_groups': []}
    with pytest.raises(TypeError, match='state 0.hook holds a object'):
        flatten_optimizer(state)


def test_state_of_another_model_is_told_before_it_is_loaded():
    small, large = make(4, 6), make(5, 6)
    step(*small, 1)
    shapes = {0: large[0].weight.shape, 1: large[0].bias.shape}
    loaded = small[1].state_dict()
    problems = optimizer_problems(loaded, large[1].state_dict(), shapes)
    assert 'optimiser 0.exp_avg: saved [4, 6], here [5, 6]' in problems
    own_shapes = {0: small[0].weight.shape, 1: small[0].bias.shape}
    assert optimizer_problems(loaded, small[1].state_dict(), own_shapes) == []


def test_state_with_other_groups_is_told():
    loaded = {'state': {}, 'param_groups': [{'params': [0, 1]}]}
    own = {'state': {}, 'param_groups': [{'params': [0]}, {'params': [1]}]}
    assert optimizer_problems(loaded, own, {}) == [
        'optimiser groups: saved [2] parameters, here [1, 1]'
    ]


def test_state_with_missing_parts_is_told():
    model, optimizer = make()
    step(model, optimizer, 1)
    shapes = {0: model.weight.shape, 1: model.bias.shape}
    loaded = optimizer.state_dict()
    del loaded['state'][1]['exp_avg']
    loaded['state'][7] = {}
    loaded['param_groups'][0] = {'params': [0]}
    problems = optimizer_problems(loaded, optimizer.state_dict(), shapes)
    assert 'optimiser 1.exp_avg: missing' in problems
    assert 'optimiser 7: unknown here' in problems
    assert 'optimiser group 0: lr is missing' in problems

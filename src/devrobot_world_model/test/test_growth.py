from dataclasses import replace

from devrobot_world_model.model.factory import build_model
from devrobot_world_model.model.growth import grow_state
from dot_world import TINY, tiny
import pytest
from small_models import random_batch, trained
import torch


def deeper():
    return tiny(model=replace(TINY.model, encoder_depth=2, decoder_depth=3), seed=5)


def test_a_grown_model_computes_what_the_shallow_one_did():
    shallow, deep = trained(TINY), build_model(deeper()).eval()
    deep.load_state_dict(grow_state(shallow.state_dict(), deep))
    batch = random_batch(shallow)
    assert torch.allclose(shallow(batch)[0], deep(batch)[0], atol=1e-6)


def test_grown_blocks_can_learn():
    shallow, deep = trained(TINY), build_model(deeper())
    deep.load_state_dict(grow_state(shallow.state_dict(), deep))
    deep(random_batch(deep))[0].square().sum().backward()
    assert deep.decoder.blocks[2].mlp.fc2.weight.grad.abs().sum() > 0


def test_a_deeper_saved_model_is_refused():
    with pytest.raises(ValueError, match='which this model lacks'):
        grow_state(build_model(deeper()).state_dict(), build_model(TINY))


def test_another_width_is_refused():
    wide = tiny(model=replace(TINY.model, decoder_width=48))
    with pytest.raises(ValueError, match='in the saved model and'):
        grow_state(build_model(TINY).state_dict(), build_model(wide))

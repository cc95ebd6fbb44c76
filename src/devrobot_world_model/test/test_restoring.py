"""A model from a checkpoint: the one that was saved, or one line that says why not."""

from devrobot_interfaces_py.configs import config_to_dict, ConfigError
from devrobot_world_model.checkpoints import CheckpointError, save_checkpoint
from devrobot_world_model.learning.restoring import load_model
from devrobot_world_model.online import OnlineLoop
from dot_world import feed, session, SPACE, TINY, tiny
import pytest
from small_models import random_batch, trained
import torch


def saved(folder, config=TINY, **changes):
    model = trained(config)
    save_checkpoint(
        folder,
        'mine',
        tensors={f'model.{name}': value for name, value in model.state_dict().items()},
        config={**config_to_dict(config), **changes},
        metrics={'validation_loss': 0.5},
        counters={'optimizer_step': 7, 'samples_seen': 28},
    )
    return model


def test_the_model_predicts_as_the_saved_one(tmp_path):
    model = saved(tmp_path)
    again, loaded = load_model(tmp_path, 'mine')
    batch = random_batch(model)
    with torch.no_grad():
        assert torch.equal(model(batch)[0], again(batch)[0])
    assert not again.training
    assert loaded.counters['optimizer_step'] == 7


def test_a_checkpoint_of_the_online_learner_loads_too(tmp_path):
    loop = OnlineLoop(TINY, SPACE)
    feed(loop, session(8))
    state = loop.state()
    save_checkpoint(
        tmp_path,
        'live',
        tensors=state.tensors,
        config=state.config,
        metrics=state.metrics,
        counters=state.counters,
        state=state.state,
    )
    model, _ = load_model(tmp_path, 'live')
    for name, value in model.state_dict().items():
        assert torch.equal(value, state.tensors[f'model.{name}'])


def test_what_cannot_be_loaded_is_one_line(tmp_path):
    saved(tmp_path / 'odd', surprise=3)
    with pytest.raises(CheckpointError, match='knew other settings: unknown setting surprise'):
        load_model(tmp_path / 'odd', 'mine')
    other = config_to_dict(tiny())['model'] | {'encoder_width': 64}
    saved(tmp_path / 'other', model=other)
    with pytest.raises(CheckpointError, match='does not fit its own settings') as caught:
        load_model(tmp_path / 'other', 'mine')
    assert '\n' not in str(caught.value)
    with pytest.raises(CheckpointError, match='there is no checkpoint'):
        load_model(tmp_path, 'none')
    saved(tmp_path)
    with pytest.raises(ConfigError, match='cuda:5'):
        load_model(tmp_path, 'mine', 'cuda:5')

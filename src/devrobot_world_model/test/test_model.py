from dataclasses import replace

from devrobot_interfaces_py.configs import ConfigError
from devrobot_world_model.config import ModelConfig, preset, PRESET_NAMES, WorldModelConfig
from devrobot_world_model.learning.precision import autocast
from devrobot_world_model.learning.predict import predict_actions, rollout
from devrobot_world_model.model.factory import build_model, resolve_device
from devrobot_world_model.model.losses import compute_losses
from devrobot_world_model.model.mae import Batch
from devrobot_world_model.model.patches import to_unit
from devrobot_world_model.model.rotary import grid_positions, rotary_table, rotate
from dot_world import TINY, tiny
import pytest
from small_models import random_batch, trained
import torch

KINDS = ('encoder_decoder', 'decoder_only')


def of_kind(kind: str, attention: str = 'auto') -> WorldModelConfig:
    return tiny(model=replace(TINY.model, kind=kind), attention=attention)


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('dtype', ['fp32', 'bf16'])
def test_extracted_attention_belongs_to_the_same_pass_as_the_fast_path(kind, dtype):
    fast, slow = trained(of_kind(kind, 'sdpa')), trained(of_kind(kind, 'sdpa'))
    batch = random_batch(fast)
    with autocast(torch.device('cpu'), dtype):
        quick, nothing = fast(batch)
        same, weights = slow(batch, need_weights=True)
    assert nothing == []
    tolerance = {'fp32': 1e-5, 'bf16': 3e-2}[dtype]
    assert torch.allclose(quick.float(), same.float(), atol=tolerance)
    quick.float().square().sum().backward()
    same.float().square().sum().backward()
    for (name, a), (_, b) in zip(fast.named_parameters(), slow.named_parameters(), strict=True):
        scale = a.grad.abs().max().clamp(min=1e-3)
        assert torch.allclose(a.grad / scale, b.grad / scale, atol=10 * tolerance), name
    assert len(weights) == fast.config.model.decoder_depth


@pytest.mark.parametrize('kind', KINDS)
def test_attention_weights_are_per_layer_and_head_and_sum_to_one(kind):
    model = trained(of_kind(kind))
    layout = model.layout
    tokens = layout.rows * layout.canvas_columns
    _, weights = model(random_batch(model), need_weights=True)
    for layer in weights:
        assert layer.shape == (2, 2, layout.patches_per_frame, tokens)
        assert torch.allclose(layer.sum(-1), torch.ones(()), atol=1e-5)


@pytest.mark.parametrize('kind', KINDS)
def test_the_hidden_frame_does_not_leak_into_its_prediction(kind):
    model = trained(of_kind(kind))
    batch = random_batch(model)
    changed = batch.frames.clone()
    changed[:, -1] = 255 - changed[:, -1]
    other = Batch(frames=changed, colors=batch.colors)
    assert torch.equal(model(batch)[0], model(other)[0])


@pytest.mark.parametrize('kind', KINDS)
def test_every_history_frame_and_every_action_matters(kind):
    model = trained(of_kind(kind))
    batch = random_batch(model)
    for index in range(2):
        frames, colors = batch.frames.clone(), batch.colors.clone()
        frames[:, index] = 255 - frames[:, index]
        colors[:, index] = 255 - colors[:, index]
        for other in (
            Batch(frames=frames, colors=batch.colors),
            Batch(frames=batch.frames, colors=colors),
        ):
            assert not torch.allclose(model(batch)[0], model(other)[0], atol=1e-6)


@pytest.mark.parametrize('kind', KINDS)
def test_the_order_of_the_history_matters(kind):
    model = trained(of_kind(kind))
    batch = random_batch(model)
    swapped = Batch(frames=batch.frames[:, [1, 0, 2]], colors=batch.colors[:, [1, 0]])
    assert not torch.allclose(model(batch)[0], model(swapped)[0], atol=1e-6)


def test_a_partly_visible_slot_shows_its_visible_patches_only():
    model = trained(TINY)
    batch = random_batch(model, 1)
    mask = torch.ones(1, model.layout.patches_per_frame, dtype=torch.bool)
    mask[0, 3] = False
    seen, hidden = batch.frames.clone(), batch.frames.clone()
    seen[:, -1, 3] = 255 - seen[:, -1, 3]
    hidden[:, -1, 4] = 255 - hidden[:, -1, 4]
    reference = model(batch, mask)[0]
    assert torch.equal(reference, model(Batch(frames=hidden, colors=batch.colors), mask)[0])
    assert not torch.equal(reference, model(Batch(frames=seen, colors=batch.colors), mask)[0])


def test_sharing_the_encoded_history_predicts_what_whole_canvases_predict():
    model = trained(TINY)
    batch = random_batch(model, 1)
    candidates = torch.tensor([[255, 0, 0], [0, 255, 0], [0, 0, 255]], dtype=torch.uint8)
    shared = predict_actions(model, batch.frames[0, :-1], batch.colors[0, :1], candidates, 'fp32')
    for index, color in enumerate(candidates):
        colors = torch.stack([batch.colors[0, 0], color])[None]
        whole = model(Batch(frames=batch.frames, colors=colors))[0][0]
        assert torch.allclose(shared[index], whole, atol=1e-5)


@pytest.mark.parametrize('kind', ['encoder_decoder', 'decoder_only'])
def test_canvases_that_share_frames_are_predicted_and_learned_as_whole_ones(kind):
    config = replace(TINY, model=replace(TINY.model, kind=kind))
    whole = random_batch(trained(config), size=3)
    frames = torch.cat([whole.frames[0], whole.frames[1, -1:]])
    index = torch.tensor([[0, 1, 2], [1, 2, 3], [0, 1, 1]])
    shared = Batch(frames=frames, colors=whole.colors, index=index, shared=3)
    alone = Batch(frames=frames[index], colors=whole.colors)
    assert torch.equal(shared.targets, alone.targets)
    gradients = []
    for batch in (shared, alone):
        model = trained(config)
        prediction, _ = model(batch)
        compute_losses(prediction, to_unit(batch.targets), config.loss).hybrid.mean().backward()
        gradients.append((prediction, [p.grad for p in model.parameters()]))
    assert torch.allclose(gradients[0][0], gradients[1][0], atol=1e-6)
    for one, other in zip(gradients[0][1], gradients[1][1], strict=True):
        assert (one is None) == (other is None)
        assert one is None or torch.allclose(one, other, atol=1e-6)


def test_a_rollout_feeds_its_own_frames_back():
    model = trained(TINY)
    batch = random_batch(model, 1)
    colors = [torch.tensor([0, 255, 0], dtype=torch.uint8)] * 2
    frames, past = batch.frames[0, :-1], batch.colors[0, :1]
    two = rollout(model, frames, past, colors, 'fp32')
    first = predict_actions(model, frames, past, colors[0][None], 'fp32')
    assert torch.equal(two[0], first[0])
    fed = (first.clamp(0, 1) * 255).round().to(torch.uint8)
    second = predict_actions(
        model, torch.cat([frames[1:], fed]), colors[0][None], colors[1][None], 'fp32'
    )
    assert torch.allclose(two[1], second[0], atol=1e-6)


def test_rotary_attention_depends_on_the_offset_only():
    generator = torch.Generator().manual_seed(0)
    query, key = torch.randn(2, 1, 1, 1, 16, generator=generator)
    near = rotary_table(grid_positions(6, 9), 16, 30.0)

    def product(a: int, b: int) -> float:
        return float((rotate(query, near[:, [a]]) * rotate(key, near[:, [b]])).sum())

    assert product(0, 11) == pytest.approx(product(20, 31), abs=1e-5)
    assert product(0, 11) != pytest.approx(product(0, 12), abs=1e-3)


def test_equal_seeds_give_equal_weights_and_leave_the_global_generator_alone():
    before = torch.random.get_rng_state()
    first, second, other = (build_model(tiny(seed=seed)) for seed in (3, 3, 4))
    assert torch.equal(before, torch.random.get_rng_state())
    assert torch.equal(first.slot_code, second.slot_code)
    assert not torch.equal(first.slot_code, other.slot_code)


@pytest.mark.parametrize('name', PRESET_NAMES)
def test_every_preset_is_valid_and_has_its_size(name):
    config = preset(name)
    assert config.canvas.frames == 3
    sizes = {'tiny': (64, 8), 'base': (224, 16), 'reference': (224, 16), 'large': (224, 16)}
    assert (config.canvas.frame_height, config.model.patch_size) == sizes[name]


def test_unknown_names_are_refused_with_the_known_ones():
    with pytest.raises(ConfigError, match="unknown preset 'huge', choose one of tiny, base"):
        preset('huge')
    with pytest.raises(ConfigError, match='there is no GPU|unknown device'):
        resolve_device('cuda:99' if not torch.cuda.is_available() else 'nonsense')


def test_heads_that_do_not_fit_rotary_positions_are_refused():
    with pytest.raises(ConfigError, match='multiple of 4 x encoder_heads .* got 100 with 4'):
        ModelConfig(encoder_width=100)


def test_the_parameter_names_are_timms():
    names = set(dict(build_model(TINY).encoder.named_parameters()))
    expected = {'norm1', 'attn.qkv', 'attn.proj', 'norm2', 'mlp.fc1', 'mlp.fc2'}
    assert {f'blocks.0.{part}.weight' for part in expected} <= names


@pytest.mark.parametrize('name', ['meta', 'mps', 'nonsense', 'cuda:-1'])
def test_a_device_that_cannot_compute_the_model_is_refused_with_those_that_can(name):
    with pytest.raises(ConfigError, match=f"unknown device '{name}', use auto, cpu, cuda"):
        resolve_device(name)

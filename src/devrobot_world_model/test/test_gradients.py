"""Gradients computed in parts on several threads are those of the whole batch."""

from dataclasses import replace

from devrobot_world_model.learning.gradients import LARGEST_PART, PartedGradients
from devrobot_world_model.model.losses import compute_losses
from devrobot_world_model.model.mae import Batch
from devrobot_world_model.model.patches import to_unit
from dot_world import TINY, tiny
import pytest
from small_models import random_batch, trained
import torch


@pytest.fixture
def threads():
    """Set the number of threads of torch; the one before comes back."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def of_chunk(model, size: int) -> Batch:
    """Return canvases of frames that follow each other, every frame once."""
    frames = random_batch(model, size + 2).frames[:, 0]
    colors = torch.randint(0, 256, (size, 2, 3), dtype=torch.uint8)
    index = torch.arange(size)[:, None] + torch.arange(3)
    return Batch(frames=frames, colors=colors, index=index, shared=size + 1)


def whole(model, batch, mask=None):
    """Return losses and gradients of one plain backward pass."""
    model.zero_grad()
    prediction, _ = model(batch, mask)
    losses = compute_losses(prediction, to_unit(batch.targets), TINY.loss, mask)
    losses.hybrid.mean().backward()
    return losses.hybrid.detach(), {n: p.grad for n, p in model.named_parameters()}


def parted(model, batch, mask=None, *, bf16=False):
    """Return the same, computed in parts."""
    model.zero_grad()
    losses, _ = PartedGradients(model, TINY.loss, bf16=bf16).compute(batch, mask)
    return losses.hybrid, {n: p.grad for n, p in model.named_parameters()}


def assert_near(one, other, tolerance):
    assert torch.allclose(one[0], other[0], rtol=tolerance)
    for name, gradient in one[1].items():
        scale = gradient.abs().max().clamp(min=1e-6)
        assert torch.allclose(gradient / scale, other[1][name] / scale, atol=tolerance), name


@pytest.mark.parametrize('kind', ['encoder_decoder', 'decoder_only'])
@pytest.mark.parametrize('count', [1, 2, 3])
@pytest.mark.parametrize('size', [1, 5, 2 * LARGEST_PART + 3])
def test_parts_give_the_gradients_of_the_whole_batch(threads, kind, count, size):
    model = trained(tiny(model=replace(TINY.model, kind=kind)))
    threads(count)
    for batch in (random_batch(model, size), of_chunk(model, size)):
        assert_near(whole(model, batch), parted(model, batch), 1e-4)


def test_a_mask_is_parted_with_its_canvases(threads):
    model = trained(TINY)
    batch = random_batch(model, 5)
    mask = torch.rand(5, model.layout.patches_per_frame) < 0.5
    threads(2)
    assert_near(whole(model, batch, mask), parted(model, batch, mask), 1e-4)


@pytest.mark.parametrize('count', [1, 2])
def test_bf16_matrices_compute_what_autocast_does(threads, count):
    model = trained(TINY)
    batch = of_chunk(model, 6)
    with torch.autocast('cpu', torch.bfloat16):
        expected = whole(model, batch)
    threads(count)
    assert_near(expected, parted(model, batch, bf16=True), 3e-2)


def test_weights_that_were_changed_from_outside_are_seen():
    model = trained(TINY)
    batch = random_batch(model, 2)
    gradients = PartedGradients(model, TINY.loss, bf16=True)
    before = gradients.compute(batch, None)[0].hybrid
    with torch.no_grad():
        model.decoder.head.bias += 1.0
    assert not torch.allclose(gradients.compute(batch, None)[0].hybrid, before, rtol=0.1)


def test_equal_batches_give_equal_gradients_to_the_bit(threads):
    model = trained(TINY)
    batch = of_chunk(model, 2 * LARGEST_PART + 3)
    threads(2)
    first, *others = [parted(model, batch, bf16=True) for _ in range(4)]
    for other in others:
        assert torch.equal(first[0], other[0])
        assert all(torch.equal(value, other[1][name]) for name, value in first[1].items())


def test_frozen_parts_get_no_gradients_and_the_others_keep_theirs(threads):
    model = trained(TINY)
    batch = random_batch(model, 4)
    _, expected = whole(model, batch)
    model.encoder.requires_grad_(False)
    model.decoder_embed.requires_grad_(False)
    threads(2)
    _, found = parted(model, batch)
    assert all((found[name] is None) == name.startswith(('encoder.', 'decoder_embed.'))
               for name in found)  # fmt: skip
    left = [name for name, value in found.items() if value is not None]
    assert left and all(torch.allclose(found[n], expected[n], atol=1e-5) for n in left)


def test_the_number_of_threads_stays_what_it_was(threads):
    model = trained(TINY)
    threads(3)
    parted(model, random_batch(model, 6))
    assert torch.get_num_threads() == 3

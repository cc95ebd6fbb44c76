import math

from devrobot_world_model.config import LossConfig
from devrobot_world_model.model.losses import compute_losses, constant_baselines
from devrobot_world_model.model.patches import patchify
import pytest
import torch

HYBRID = LossConfig()


def disc():
    y, x = torch.meshgrid(torch.arange(224), torch.arange(224), indexing='ij')
    white = ((x - 100) ** 2 + (y - 90) ** 2 <= 25).float()
    return patchify(white[..., None].expand(-1, -1, 3), 16)[None]


def test_black_scores_0_0016_plain_and_0_174_hybrid_on_the_dot_world():
    losses = constant_baselines(disc(), HYBRID)['black']
    assert losses.plain.item() == pytest.approx(81 / 224**2)
    assert round(losses.plain.item(), 4) == 0.0016
    assert round(losses.hybrid.item(), 3) == 0.174


def test_the_best_grey_beats_black_though_it_shows_nothing():
    baselines = constant_baselines(disc(), HYBRID)
    assert baselines['grey'].hybrid.item() < 0.5 * baselines['black'].hybrid.item()


def test_the_losses_are_the_formulas():
    prediction = torch.tensor([[[0.0, 0.5], [1.0, 0.25]]])
    truth = torch.tensor([[[0.0, 0.0], [0.0, 0.0]]])
    errors = [0.0, 0.25, 1.0, 0.0625]
    weights = [math.exp(5.0 * e) for e in errors]
    plain = sum(errors) / 4
    focal = sum(w * e for w, e in zip(weights, errors, strict=True)) / sum(weights)
    losses = compute_losses(prediction, truth, HYBRID)
    assert losses.plain.item() == pytest.approx(plain)
    assert losses.focal.item() == pytest.approx(focal)
    assert losses.hybrid.item() == pytest.approx(0.1 * plain + 0.9 * focal)


def test_a_samples_loss_does_not_depend_on_its_batch():
    generator = torch.Generator().manual_seed(0)
    prediction, truth = torch.rand(2, 5, 6, 12, generator=generator)
    together = compute_losses(prediction, truth, HYBRID).hybrid
    alone = torch.cat(
        [compute_losses(prediction[i : i + 1], truth[i : i + 1], HYBRID).hybrid for i in range(5)]
    )
    assert torch.allclose(together, alone)


def test_only_masked_patches_count():
    truth = torch.zeros(1, 3, 2)
    prediction = torch.zeros(1, 3, 2)
    prediction[0, 2] = 1.0
    mask = torch.tensor([[True, True, False]])
    losses = compute_losses(prediction, truth, HYBRID, mask)
    assert losses.plain.item() == losses.focal.item() == losses.hybrid.item() == 0.0
    assert compute_losses(prediction, truth, HYBRID, ~mask).plain.item() == 1.0


def test_the_weights_of_the_focal_loss_carry_no_gradient():
    prediction = torch.tensor([[[0.5, 1.0]]], requires_grad=True)
    compute_losses(prediction, torch.zeros(1, 1, 2), HYBRID).focal.sum().backward()
    w = [math.exp(5 * 0.25), math.exp(5 * 1.0)]
    expected = [w[0] * 2 * 0.5 / sum(w), w[1] * 2 * 1.0 / sum(w)]
    assert prediction.grad[0, 0].tolist() == pytest.approx(expected)

"""Measures of an evaluation against numbers worked out by hand."""

import math

from devrobot_training.evaluation.measures import divergence, make_baselines, PairDivergence
from devrobot_training.evaluation.result import plain, share_within
from devrobot_training.evaluation.similarity import psnr, ssim
from devrobot_training.evaluation.statistics import describe, histogram
from devrobot_training.evaluation.truth import oracle_of, toroidal_dot
from devrobot_world_model.canvas.layout import CanvasLayout
from devrobot_world_model.model.patches import patchify
from fit_worlds import dot, dot_session, open_small, SMALL
import numpy as np
import pytest
import torch

LAYOUT = CanvasLayout(frame_height=16, frame_width=24, separator_width=4, patch_size=4)


def test_psnr_is_that_of_the_mean_squared_error():
    values = psnr(torch.tensor([1.0, 0.01, 0.0], dtype=torch.float64))
    assert values.tolist() == [0.0, pytest.approx(20.0), math.inf]


def test_equal_pictures_have_an_ssim_of_one_in_any_batch():
    pictures = torch.rand(3, 16, 24, 3, generator=torch.Generator().manual_seed(0))
    other = pictures.flip(0)
    assert torch.allclose(ssim(pictures, pictures), torch.ones(3), atol=1e-5)
    together, alone = (
        ssim(pictures, other),
        [ssim(pictures[i : i + 1], other[i : i + 1]) for i in range(3)],
    )
    assert torch.allclose(together, torch.cat(alone), atol=1e-6)
    assert torch.allclose(ssim(other, pictures), together, atol=1e-6)


def test_ssim_of_constant_pictures_is_the_luminance_term():
    """Without any structure it is (2ab + c1) / (a² + b² + c1), the variances being zero."""
    a, b, c1 = 0.2, 0.6, 0.01**2
    one, other = torch.full((1, 12, 20, 3), a), torch.full((1, 12, 20, 3), b)
    assert float(ssim(one, other)[0]) == pytest.approx(
        (2 * a * b + c1) / (a * a + b * b + c1), rel=1e-3
    )


def test_ssim_of_an_inverted_picture_is_negative():
    rng = torch.Generator().manual_seed(1)
    picture = torch.rand(1, 16, 24, 3, generator=rng)
    assert float(ssim(picture, 1 - picture)[0]) < -0.5


def test_statistics_of_five_numbers_and_two_that_are_none():
    found = describe(np.array([1.0, 2.0, 3.0, 4.0, 10.0, math.inf, math.nan]))
    assert (found.count, found.missing) == (5, 2)
    assert (found.mean, found.median, found.minimum, found.maximum) == (4.0, 3.0, 1.0, 10.0)
    assert found.standard_deviation == pytest.approx(math.sqrt((9 + 4 + 1 + 0 + 36) / 5))
    assert found.percentiles[25] == 2.0 and found.percentiles[75] == 4.0
    empty = describe(np.array([math.nan]))
    assert (empty.count, empty.missing) == (0, 1) and math.isnan(empty.mean)


def test_a_histogram_counts_every_finite_value():
    found = histogram(np.array([0.0, 0.1, 0.9, 1.0, math.inf]))
    assert sum(found.counts) == 4 and len(found.edges) == len(found.counts) + 1
    assert (found.edges[0], found.edges[-1]) == (0.0, 1.0)
    assert histogram(np.array([])).counts == (0,)


def predictions(*frames: np.ndarray) -> torch.Tensor:
    """Return (A, 1, N, D) predictions in 0..1 that show these frames."""
    pictures = torch.from_numpy(np.stack(frames)).float() / 255
    return patchify(pictures, 4)[:, None]


def test_divergence_of_two_dots_is_their_pixels():
    first, second = dot(0, 0), dot(8, 4)
    (pair,) = divergence(LAYOUT, predictions(first, second), threshold=0.5)
    assert (pair.first, pair.second, pair.maximum) == (0, 1, 1.0)
    assert pair.changed == pytest.approx(2 * 16 / (16 * 24))
    assert pair.mean == pytest.approx(2 * 16 / (16 * 24))
    assert [(p.first, p.second) for p in divergence(LAYOUT, predictions(*[first] * 3), 0.5)] == [
        (0, 1),
        (0, 2),
        (1, 2),
    ]


def test_divergence_of_batches_is_weighted_by_their_size():
    parts = [
        [PairDivergence(first=0, second=1, mean=0.1, maximum=0.5, changed=0.2, count=3)],
        [PairDivergence(first=0, second=1, mean=0.5, maximum=0.4, changed=0.6, count=1)],
    ]
    (joined,) = PairDivergence.joined(parts)
    assert joined.mean == pytest.approx(0.2) and joined.changed == pytest.approx(0.3)
    assert (joined.maximum, joined.count) == (0.5, 4)


def test_what_is_not_finite_becomes_none():
    value = {'a': [1.0, math.nan], 'b': {'c': math.inf}, 3: (True, 'x')}
    assert plain(value) == {'a': [1.0, None], 'b': {'c': None}, '3': [True, 'x']}


def test_a_missing_dot_is_an_error_and_a_nan_is_not_counted():
    assert share_within(np.array([0.0, 2.0, 2.1, math.inf]), 2.0) == 0.5
    assert share_within(np.array([[math.nan, 1.0], [math.nan, 9.0]]), 2.0) == 0.5
    assert share_within(np.array([math.nan]), 2.0) is None
    assert share_within(None, 2.0) is None


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    return open_small(dot_session(tmp_path_factory.mktemp('session') / 'bag'))


def test_the_simulator_says_where_each_action_puts_the_dot(data):
    session = data.validation.sessions[0]
    frames = np.stack([dot(4, 3), dot(22, 5), np.zeros((16, 24, 3), np.uint8)])
    truth = toroidal_dot(frames, session)
    assert truth[0].tolist() == [pytest.approx([5.5, 4.5]), pytest.approx([9.5, 4.5])]
    assert truth[1, 1].tolist() == pytest.approx([3.5, 6.5])  # around the edge
    assert np.isnan(truth[2]).all()


def test_a_canvas_of_another_size_moves_by_its_own_step(data):
    session = data.validation.sessions[0]
    half = np.zeros((1, 8, 12, 3), np.uint8)
    half[0, 2:4, 2:4] = 255
    assert toroidal_dot(half, session)[0, 1].tolist() == pytest.approx([4.5, 2.5])


def test_nobody_knows_the_truth_of_a_robot_without_a_simulator(data):
    from dataclasses import replace

    session = data.validation.sessions[0]
    assert oracle_of(session) is toroidal_dot
    for changes in ({'robot_type': 'jetbot'}, {'parameters': ()}):
        assert oracle_of(replace(session, info=replace(session.info, **changes))) is None


def test_the_mean_frame_is_that_of_the_targets(data):
    found = make_baselines(data.validation, SMALL.loss, from_training=False)
    rows = np.arange(len(data.validation))
    targets = data.validation.batch(rows).targets.float().mean(0) / 255
    assert torch.allclose(found.mean_frame, targets, atol=1e-6)
    assert 0.0 < found.grey < 1.0 and not found.from_training

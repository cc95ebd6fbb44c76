"""Measures of an evaluation against numbers worked out by hand."""

from dataclasses import replace
import math

from devrobot_training.evaluation.measures import divergence, make_baselines, PairDivergence
from devrobot_training.evaluation.result import median_of, plain, share_within
from devrobot_training.evaluation.similarity import psnr, ssim
from devrobot_training.evaluation.statistics import describe, histogram, percentile
from devrobot_training.evaluation.truth import dot_errors, oracle_of, toroidal_dot
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


def test_ssim_is_that_of_a_window_moved_over_the_picture():
    """Wang et al. 2004, equation 13, place by place."""
    one, other = torch.rand(2, 14, 13, 3, generator=torch.Generator().manual_seed(2)).double()
    bell = torch.exp(-(torch.arange(-5.0, 6.0) ** 2) / (2 * 1.5**2)).double()
    weights = (bell[:, None] * bell / bell.sum() ** 2)[..., None]
    values = []
    for row in range(14 - 10):
        for column in range(13 - 10):
            a, b = (p[row : row + 11, column : column + 11] for p in (one, other))
            ma, mb = ((weights * p).sum(dim=(0, 1)) for p in (a, b))
            va, vb = ((weights * (p - m) ** 2).sum(dim=(0, 1)) for p, m in ((a, ma), (b, mb)))
            cov = (weights * (a - ma) * (b - mb)).sum(dim=(0, 1))
            c1, c2 = 0.01**2, 0.03**2
            values.append(
                (2 * ma * mb + c1) * (2 * cov + c2) / ((ma**2 + mb**2 + c1) * (va + vb + c2))
            )
    expected = float(torch.stack(values).mean())
    assert float(ssim(one[None], other[None])[0]) == pytest.approx(expected, abs=1e-5)


def test_ssim_of_an_inverted_picture_is_negative():
    rng = torch.Generator().manual_seed(1)
    picture = torch.rand(1, 16, 24, 3, generator=rng)
    assert float(ssim(picture, 1 - picture)[0]) < -0.5


def test_statistics_of_five_numbers_and_two_that_are_none():
    found = describe(np.array([1.0, 2.0, 3.0, 4.0, 10.0, math.inf, math.nan]))
    assert (found.count, found.missing) == (5, 2)
    assert (found.mean, found.minimum, found.maximum) == (4.0, 1.0, 10.0)
    assert found.standard_deviation == pytest.approx(math.sqrt((9 + 4 + 1 + 0 + 36) / 5))
    assert found.percentiles == {
        point: pytest.approx(value)
        for point, value in {
            1: 1.05, 5: 1.25, 25: 2.25, 50: 3.5, 75: 8.5, 95: math.inf, 99: math.inf
        }.items()
    }  # fmt: skip
    assert found.median == 3.5
    empty = describe(np.array([math.nan]))
    assert (empty.count, empty.missing) == (0, 1) and math.isnan(empty.mean)


@pytest.mark.parametrize(
    ('values', 'median'),
    [
        ([1.0, math.inf], math.inf),
        ([1.0, 2.0, math.inf], 2.0),
        ([math.inf, math.inf], math.inf),
        ([math.nan, 3.0], 3.0),
        ([7.0], 7.0),
    ],
)
def test_a_missing_dot_counts_in_the_median_as_infinitely_far(values, median):
    assert percentile(np.array(values), 50) == median
    assert median_of(np.array(values)) == (median if math.isfinite(median) else None)
    assert median_of(np.array([math.nan])) is None and median_of(None) is None


@pytest.mark.parametrize('values', [[0.0] * 40, [0.1, np.nextafter(0.1, 1.0)] * 20])
def test_values_that_hardly_differ_make_one_bar(values):
    assert histogram(np.array(values)).counts == (40,)


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
    session = data.validation.sessions[0]
    assert oracle_of(session) is toroidal_dot
    known = dict(session.info.parameters)
    settings = [{**known, 'step': 'far'}, {**known, 'width': '0'}, {**known, 'step': 'nan'}, {}]
    for changes in (
        {'robot_type': 'jetbot'},
        *({'parameters': tuple(s.items())} for s in settings),
    ):
        assert oracle_of(replace(session, info=replace(session.info, **changes))) is None


def test_a_dot_that_was_not_found_is_infinitely_far_and_no_truth_is_no_error():
    nowhere = [math.nan, math.nan]
    errors = dot_errors(
        np.array([[1.0, 1.0], nowhere, [1.0, 1.0], nowhere]),
        np.array([[23.0, 1.0], [1.0, 1.0], nowhere, nowhere]),
        height=16,
        width=24,
    )
    assert errors[:2].tolist() == [2.0, math.inf] and np.isnan(errors[2:]).all()


def test_the_mean_frame_is_that_of_the_targets(data):
    found = make_baselines(data.validation, SMALL.loss, from_training=False)
    rows = np.arange(len(data.validation))
    targets = data.validation.batch(rows).targets.float().mean(0) / 255
    assert torch.allclose(found.mean_frame, targets, atol=1e-6)
    assert 0.0 < found.grey < 1.0 and not found.from_training

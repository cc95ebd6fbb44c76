"""Samplers draw what they promise: shares, passes, runs; and go on exactly where they were."""

import json
from types import SimpleNamespace

from devrobot_interfaces_py.configs import ConfigError
from devrobot_training.data.balance import chance_of, draw_summary
from devrobot_training.data.samplers import (
    EpochSampler,
    loss_weights,
    LossWeightedSampler,
    UniformSampler,
)
from devrobot_training.data.sampling import ChunkedSampler, make_sampler, SamplerConfig
from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

RUNS = np.arange(9)[:, None] + np.arange(3)  # of 11 canvases
E1, E2 = np.exp(1.0), np.exp(2.0)


class Canvases(SimpleNamespace):
    """As much of a set of canvases as a sampler needs."""

    def __len__(self) -> int:
        return self.count

    def runs(self, length: int) -> np.ndarray:
        return np.arange(max(0, self.count - length + 1))[:, None] + np.arange(length)


def made(kind: str, *, seed: int = 0, count: int = 11, chunk: int = 0, refresh: int = 2):
    config = SamplerConfig(kind=kind, chunk_length=chunk, refresh_batches=refresh)
    return make_sampler(config, Canvases(count=count, name='walk'), seed)


KINDS = {
    f'{kind}, runs of {chunk}': (kind, chunk)
    for kind in ('uniform', 'epoch', 'loss_weighted')
    for chunk in (0, 3)
}
ALL = pytest.mark.parametrize(('kind', 'chunk'), KINDS.values(), ids=KINDS)


def loss_of(rows: np.ndarray) -> np.ndarray:
    return (rows % 5) / 7.0 + 0.1


def drawn(sampler, batches: int, size: int = 6) -> list[list[int]]:
    result = []
    for _ in range(batches):
        rows = sampler.draw(size)
        sampler.observe(rows, loss_of(rows))
        result.append(rows.tolist())
    return result


# What is promised of all of them


@ALL
def test_batches_are_rows_of_the_asked_size_and_are_counted(kind, chunk):
    sampler = made(kind, chunk=chunk)
    rows = np.concatenate([sampler.draw(size) for size in (3, 6, 30)])
    assert rows.dtype == np.int64 and rows.shape == (39,)
    assert np.bincount(rows, minlength=11).tolist() == sampler.counts.tolist()


@ALL
def test_the_seed_decides(kind, chunk):
    one, same, other = (made(kind, chunk=chunk, seed=seed) for seed in (4, 4, 5))
    assert drawn(one, 20) == drawn(same, 20) != drawn(other, 20)


@ALL
def test_samplers_do_not_share_a_generator(kind, chunk):
    alone = drawn(made(kind, chunk=chunk), 6)
    one, other = made(kind, chunk=chunk), made(kind, chunk=chunk)
    mixed = []
    for _ in range(6):
        mixed += drawn(one, 1)
        np.random.random()
        drawn(other, 2)
    assert mixed == alone


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(sorted(KINDS.values())),
    st.integers(0, 12),
    st.integers(1, 12),
    st.sampled_from([3, 6, 12]),
    st.integers(0, 2**31),
)
def test_a_state_goes_through_json_and_on_with_the_same_draws(which, before, after, size, seed):
    kind, chunk = which
    sampler = made(kind, chunk=chunk, seed=seed, refresh=3)
    drawn(sampler, before, size)
    text = json.dumps(sampler.state(), allow_nan=False)
    rest = drawn(sampler, after, size)
    other = made(kind, chunk=chunk, seed=99, refresh=3)
    drawn(other, 2)  # what it had before does not matter
    other.restore(json.loads(text))
    assert drawn(other, after, size) == rest
    assert other.counts.tolist() == sampler.counts.tolist()
    assert other.expected_share().tolist() == sampler.expected_share().tolist()
    assert draw_summary(other) == draw_summary(sampler)


@ALL
def test_the_expected_shares_add_up_and_are_kept(kind, chunk):
    sampler = made(kind, chunk=chunk, seed=3, refresh=4)
    assert sampler.expected_share().sum() == pytest.approx(1.0)
    drawn(sampler, 4000)
    share = sampler.expected_share()
    assert share.sum() == pytest.approx(1.0)
    # 24000 draws of 11: a share of 1/11 has a standard deviation of 0.002 (more in runs).
    assert np.abs(sampler.counts / sampler.counts.sum() - share).max() < 0.01
    assert draw_summary(sampler)['chance'] > 0.01


# Uniform and epoch


def test_uniform_draws_with_replacement():
    sampler = UniformSampler(3, seed=0)
    assert all(len(sampler.draw(8)) == 8 for _ in range(4))
    assert sampler.expected_share().tolist() == [1 / 3] * 3


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 20), st.lists(st.integers(1, 30), min_size=1, max_size=12))
def test_an_epoch_has_every_row_once_whatever_the_batches(count, sizes):
    sampler = EpochSampler(count, seed=1)
    rows = np.concatenate([sampler.draw(size) for size in sizes])
    assert len(rows) == sum(sizes)
    for begin in range(0, len(rows) - count + 1, count):
        assert sorted(rows[begin : begin + count]) == list(range(count))
    assert np.ptp(sampler.counts) <= 1


def test_passes_differ():
    sampler = EpochSampler(20, seed=0)
    first, second = sampler.draw(20), sampler.draw(20)
    assert sorted(first) == sorted(second) and first.tolist() != second.tolist()


class Dice:
    """A generator that gives what it was told."""

    def __init__(self, *given) -> None:
        self.given = list(given)

    def _next(self, *shape) -> np.ndarray:
        return np.array(self.given.pop(0))

    integers = random = permutation = _next


def test_a_sequence_of_uniform_draws_worked_by_hand():
    sampler = UniformSampler(4, seed=0)
    sampler._rng = Dice([3, 0, 3], [1, 3])
    assert [sampler.draw(3).tolist(), sampler.draw(2).tolist()] == [[3, 0, 3], [1, 3]]
    assert sampler.counts.tolist() == [1, 1, 0, 3]


def test_a_sequence_of_passes_worked_by_hand():
    sampler = EpochSampler(3, seed=0)
    sampler._rng = Dice([2, 0, 1], [1, 2, 0], [0, 1, 2])
    batches = [sampler.draw(2).tolist() for _ in range(4)]
    assert batches == [[2, 0], [1, 1], [2, 0], [0, 1]]
    assert sampler.counts.tolist() == [3, 3, 2]
    # One that reaches over a whole pass.
    sampler._rng = Dice([1, 0, 2], [2, 1, 0])
    assert sampler.draw(6).tolist() == [2, 1, 0, 2, 2, 1]


# Weights by loss


@pytest.mark.parametrize(
    ('losses', 'temperature', 'relative'),
    [
        ([0.1, 0.2, 0.3], 0.5, [1, E1, E2]),
        ([10.0, 20.0, 30.0], 0.5, [1, E1, E2]),  # the scale does not matter
        ([0.1, 0.2, 0.3], 1.0, [1, np.sqrt(E1), E1]),
        ([0.1, 0.3, np.nan], 0.5, [1, E2, E1]),  # unseen = mean of the known, 0.2
        ([0.1, 0.1, 0.4, np.nan], 0.5, [1, 1, E2, np.exp(2 / 3)]),  # mean 0.2
        ([np.nan, 0.7, np.nan], 0.5, [1, 1, 1]),
        ([np.nan, np.nan], 0.5, [1, 1]),
        ([0.3, 0.3], 0.5, [1, 1]),
        ([0.1, 0.2, np.inf], 0.5, [1, E2, E1]),
    ],
)
def test_weights_worked_by_hand(losses, temperature, relative):
    expected = np.array(relative) / np.sum(relative)
    assert loss_weights(np.array(losses), temperature) == pytest.approx(expected)


def test_a_cold_temperature_does_not_overflow():
    weights = loss_weights(np.array([1.0, 2.0, 3.0]), 0.001)
    assert weights == pytest.approx([0.0, 0.0, 1.0]) and weights.sum() == 1.0


def test_losses_really_reach_the_draws():
    """The weights once were computed and then not used: all was drawn alike."""
    sampler = LossWeightedSampler(10, seed=2, temperature=0.5, refresh=1)
    sampler.observe(np.arange(10), np.array([0.9] + [0.1] * 9))
    rows = np.concatenate([sampler.draw(8) for _ in range(1000)])
    counts = np.bincount(rows, minlength=10)
    share = E2 / (E2 + 9)
    assert sampler.weights[0] == pytest.approx(share)
    # Pearson's statistic of 10 shares exceeds 28 with a chance of 0.001; of equal ones it is 8000.
    owed = 8000 * np.array([share] + [(1 - share) / 9] * 9)
    assert ((counts - owed) ** 2 / owed).sum() < 28
    assert ((counts - 800) ** 2 / 800).sum() > 1000


def test_weights_are_renewed_every_so_many_batches():
    config = SamplerConfig(kind='loss_weighted')
    assert (config.temperature, config.refresh_batches) == (0.5, 50)
    sampler = make_sampler(config, Canvases(count=4, name='walk'), 0)
    sampler.draw(2)
    sampler.observe(np.arange(4), np.array([4.0, 1.0, 1.0, 1.0]))
    for _ in range(49):
        sampler.draw(2)
        assert sampler.weights.tolist() == [0.25] * 4
    sampler.draw(2)
    assert sampler.weights[0] == pytest.approx(E2 / (E2 + 3))


def test_a_sequence_of_weighted_draws_worked_by_hand():
    """Losses 0.1, 0.3, 0.1 are 0, 1, 0 of their range: weights 1, e², 1 of 2 + e²."""
    sampler = LossWeightedSampler(3, seed=0, temperature=0.5, refresh=2)
    low, high = 1 / (2 + E2), E2 / (2 + E2)
    edges = [low - 1e-9, low + 1e-9, low + high - 1e-9, low + high + 1e-9]
    sampler._rng = Dice([0.0, 0.34, 0.67, 0.999], [0.32, 0.34], edges, [0.0, 0.5])
    # Equal weights until the second renewal, whatever was observed in between.
    assert sampler.draw(4).tolist() == [0, 1, 2, 2]
    sampler.observe(np.array([0, 1, 2, 2]), np.array([0.1, 0.3, 0.9, 0.1]))
    assert sampler.draw(2).tolist() == [0, 1]
    assert sampler.draw(4).tolist() == [0, 1, 1, 2]
    sampler.observe(np.array([1]), np.array([0.0]))
    assert sampler.draw(2).tolist() == [0, 1]
    assert sampler.counts.tolist() == [4, 5, 3]
    expected = (6 * np.full(3, 1 / 3) + 6 * np.array([low, high, low])) / 12
    assert sampler.expected_share() == pytest.approx(expected)


def test_the_last_loss_counts_and_one_that_is_not_finite_does_not():
    sampler = LossWeightedSampler(3, seed=0, temperature=0.5, refresh=1)
    sampler.observe(np.array([0, 1, 2, 0]), np.array([5.0, 0.12, 0.3, 0.1]))
    sampler.observe(np.array([2, 1]), np.array([np.nan, np.inf]))
    sampler.draw(1)
    low = np.exp(0.1 / 0.5)
    assert sampler.weights == pytest.approx(np.array([1, low, E2]) / (1 + low + E2))


def test_the_expected_share_is_the_mean_of_the_weights_that_were_in_force():
    sampler = LossWeightedSampler(2, seed=0, temperature=0.5, refresh=2)
    for _ in range(2):
        sampler.draw(3)
    sampler.observe(np.arange(2), np.array([0.1, 0.2]))
    for _ in range(2):
        sampler.draw(6)
    high = E2 / (1 + E2)
    assert sampler.expected_share()[1] == pytest.approx((6 * 0.5 + 12 * high) / 18)


# Runs


def test_chunks_are_whole_runs():
    sampler = made('uniform', chunk=3)
    for _ in range(20):
        pieces = sampler.draw(12).reshape(4, 3)
        assert (np.diff(pieces, axis=1) == 1).all()
    with pytest.raises(ValueError, match='a batch of 8 cannot be made of runs of 3 canvases'):
        sampler.draw(8)


def test_a_run_is_weighted_by_the_mean_loss_of_its_canvases():
    inner = LossWeightedSampler(9, seed=0, temperature=0.5, refresh=1)
    sampler = ChunkedSampler(RUNS, 11, inner)
    rows = RUNS[[4, 0, 8]].ravel()
    # Means 0.3, 0.1 and 0.6, so that 0.3 lies at 0.4 between the others, and unseen is 1/3.
    sampler.observe(rows, np.array([0.1, 0.2, 0.6, 0.1, 0.1, 0.1, 0.6, 0.6, 0.6]))
    sampler.draw(3)
    low, middle, unseen, high = (np.exp(2 * u) for u in (0.0, 0.4, 7 / 15, 1.0))
    expected = np.full(9, unseen)
    expected[[0, 4, 8]] = low, middle, high
    assert inner.weights == pytest.approx(expected / expected.sum())


def test_a_batch_that_is_not_made_of_runs_is_refused():
    sampler = made('loss_weighted', chunk=3)
    for rows in ([0, 1, 3], [10, 9, 8], [9, 10, 11]):
        with pytest.raises(ValueError, match='not made of whole runs'):
            sampler.observe(np.array(rows), np.ones(3))
    with pytest.raises(ValueError, match='in the order of their first rows'):
        ChunkedSampler(RUNS[::-1], 11, UniformSampler(9, seed=0))


def test_canvases_at_the_ends_are_in_fewer_runs_and_are_owed_less():
    share = made('uniform', chunk=3).expected_share()
    in_runs = np.array([1, 2, 3, 3, 3, 3, 3, 3, 3, 2, 1])
    assert share == pytest.approx(in_runs / 27)


def test_no_run_of_the_asked_length_is_refused():
    with pytest.raises(ConfigError, match='chunk_length is 12, but walk has no run of so many'):
        made('uniform', chunk=12)


# Balance


def test_the_chance_worked_by_hand():
    # The worst of two: 10 more than the 30 that are owed; 4 exp(-100 / (2 (30 + 10/3))).
    counts, owed = np.array([40, 20]), np.array([30.0, 30.0])
    assert chance_of(counts, owed) == pytest.approx(4 * np.exp(-1.5))
    assert chance_of(np.zeros(3), np.zeros(3)) == 1.0


def test_draws_that_ignore_the_weights_are_no_chance():
    sampler = LossWeightedSampler(50, seed=1, temperature=0.5, refresh=1)
    sampler.observe(np.arange(50), np.linspace(0.1, 0.9, 50))
    sampler.draw(8)
    good = draw_summary(sampler)
    assert good['most_owed'] / good['least_owed'] == pytest.approx(E2)
    for _ in range(1000):
        sampler.draw(8)
    assert draw_summary(sampler)['chance'] > 0.01
    sampler.counts[:] = np.bincount(
        np.random.default_rng(0).integers(0, 50, sampler.counts.sum()), minlength=50
    )
    assert draw_summary(sampler)['chance'] < 1e-9


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 60), st.integers(1, 400), st.integers(0, 2**31))
def test_few_draws_are_uneven_by_chance_and_are_not_blamed(count, draws, seed):
    sampler = UniformSampler(count, seed=seed)
    sampler.draw(draws)
    assert draw_summary(sampler)['chance'] > 1e-6


def test_an_epoch_that_misses_a_canvas_is_no_chance():
    sampler = EpochSampler(5, seed=0)
    sampler.draw(12)
    assert draw_summary(sampler)['chance'] == 1.0
    sampler.counts[0] += 2
    assert draw_summary(sampler)['chance'] == 0.0


def test_the_summary_counts_canvases_and_owes_runs():
    sampler = made('uniform', chunk=3)
    sampler.draw(30)
    summary = draw_summary(sampler)
    assert summary['draws'] == 10 and summary['least_owed'] == pytest.approx(10 / 9)
    assert summary['maximum'] == sampler.counts.max()
    assert summary['unseen'] == (sampler.counts == 0).sum()

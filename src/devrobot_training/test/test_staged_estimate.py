"""How long a plan may take, against figures that were worked out by hand."""

from devrobot_training.staged.estimate import estimate, Speed, START_S
import pytest
from staged_worlds import staged

#: A second per ten samples, and nothing for the validations between.
SPEED = Speed(sample=0.1, canvas=0.0)


def times(**changes):
    config = staged(
        sweep__candidates=2, sweep__samples_a=40, sweep__survivors=1, sweep__seeds=1,
        sweep__samples_b=40, sweep__max_per_stage=1, **changes,
    )  # fmt: skip
    return estimate(config, SPEED, canvases=100, actions=2, baseline=True, workers=1)


def test_a_budget_is_that_of_a_training_with_its_sweeps_and_a_baseline_has_all_of_it():
    found = times(stopping__max_samples=1000)
    # 100 s for each of the two; the sweep of the one takes 2 * 40 + 40 samples out of it.
    assert found.sweeps == pytest.approx(12 + START_S)
    assert found.training == pytest.approx(200 - found.sweeps)
    assert found.runs == 2


def test_a_sweep_takes_no_more_than_the_budget_of_its_own_training():
    found = times(stopping__max_samples=0, stopping__time_budget=4.0)
    assert found.sweeps <= 4.0
    assert found.training + found.sweeps == pytest.approx(8.0)
    assert found.training >= 4.0


def test_baselines_that_sweep_share_their_budget_with_sweeps_too():
    found = times(stopping__max_samples=1000, baseline_sweeps=True)
    assert found.sweeps == pytest.approx(2 * (12 + START_S))
    assert found.training == pytest.approx(200 - found.sweeps)


def test_without_a_limit_nobody_knows():
    assert times(stopping__max_samples=0).training is None

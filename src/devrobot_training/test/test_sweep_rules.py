"""The rules of sweeps against hand-worked sequences: grid, seeds, ranking, budgets, cooldown."""

import itertools

from devrobot_interfaces_py.configs import ConfigError
from devrobot_training.fit.stopping import PLATEAU, PlateauRule, StoppingConfig
from devrobot_training.staged.budget import Budget, sweep_budgets
from devrobot_training.staged.rules import NO_GAIN, Rules
from devrobot_training.sweeps.config import SweepConfig
from devrobot_training.sweeps.grid import derive_seed, learning_rates
from devrobot_training.sweeps.phases import A, B, beaten, points_of, trial_config
from devrobot_training.sweeps.ranking import rank, TrialOutcome
from fit_worlds import small
import pytest


def outcomes(**losses: list[float | None]) -> list[TrialOutcome]:
    """Return the trials of rates called r1, r2 …: the digit is the rate, None a failure."""
    numbers = itertools.count()
    return [
        TrialOutcome(number=next(numbers), learning_rate=float(name[1:]), seed=seed, best=loss,
                     reason='' if loss is not None else 'boom')
        for name, values in losses.items()
        for seed, loss in enumerate(values)
    ]  # fmt: skip


def order(how: str, **losses) -> list[float]:
    return [ranked.learning_rate for ranked in rank(outcomes(**losses), how)]


# The grid


def test_the_default_grid_is_centred_on_what_this_model_wants():
    rates = learning_rates(SweepConfig())
    assert (rates[0], rates[-1], len(rates)) == (1e-4, 6e-4, 5)
    assert rates[2] == pytest.approx((1e-4 * 6e-4) ** 0.5, rel=0.01)


def test_rates_are_evenly_spaced_logarithms():
    config = SweepConfig(lowest_rate=1e-6, highest_rate=1e-2, candidates=5, survivors=1)
    assert learning_rates(config) == (1e-6, 1e-5, 1e-4, 1e-3, 1e-2)
    one = SweepConfig(lowest_rate=1e-4, highest_rate=1e-2, candidates=1, survivors=1)
    assert learning_rates(one) == (1e-3,)


def test_rates_that_are_the_same_are_tried_once():
    config = SweepConfig(lowest_rate=1e-3, highest_rate=1e-3, candidates=4)
    assert learning_rates(config) == (1e-3,)


@pytest.mark.parametrize(
    ('wrong', 'text'),
    [
        ({'lowest_rate': 1e-7}, 'lowest_rate'),
        ({'highest_rate': 0.1}, 'highest_rate'),
        ({'lowest_rate': 1e-3, 'highest_rate': 1e-4}, 'must not exceed highest_rate'),
        ({'candidates': 1, 'survivors': 2}, 'must not exceed candidates'),
        ({'rank': 'best'}, 'rank'),
        ({'when': 'sometimes'}, 'when'),
    ],
)
def test_sweeps_that_make_no_sense_are_refused(wrong, text):
    with pytest.raises(ConfigError, match=text):
        SweepConfig(**wrong)


def test_every_part_has_a_seed_of_its_own_that_never_changes():
    seeds = [derive_seed(0, *names) for names in (('a',), ('b',), ('a', 1), (1, 'a'))]
    assert len(set(seeds)) == 4 and derive_seed(1, 'a') not in seeds
    # Fixed for ever: a run that is resumed by a later release has to find its seeds.
    assert derive_seed(0, 'part', 1) == 804277132


def test_phase_b_has_every_survivor_with_every_seed():
    config = SweepConfig(seeds=3)
    assert len(set(points_of(B, (1e-4, 2e-4), config, 5))) == 6
    broad = points_of(A, (1e-4, 2e-4), config, 5)
    assert [rate for rate, _ in broad] == [1e-4, 2e-4] and broad[0][1] == broad[1][1]


def test_a_trial_reaches_its_rate_and_nothing_but_its_budget_ends_it():
    base = small(optimizer__warmup_steps=1000, optimizer__schedule='cosine')
    made = trial_config(base, 3e-4, 7, samples=400, seconds=9.0)
    assert made.optimizer.warmup_steps == 10  # a tenth of its 100 steps
    assert (made.optimizer.schedule, made.optimizer.learning_rate) == ('constant', 3e-4)
    assert (made.stopping.max_samples, made.stopping.time_budget) == (400, 9.0)
    assert not made.stopping.plateau and not made.stopping.divergence
    assert trial_config(base, 3e-4, 7, samples=20, seconds=0.0).fit.validate_every == 20


# Ranking


def test_the_median_the_mean_and_the_minimum_choose_as_worked_out_by_hand():
    losses = {'r1': [0.30, 0.31, 0.32], 'r2': [0.10, 0.33, 0.34], 'r3': [0.29, 0.29, 0.60]}
    assert order('median', **losses) == [3.0, 1.0, 2.0]  # 0.29, 0.31, 0.33
    assert order('mean', **losses) == [2.0, 1.0, 3.0]  # 0.2567, 0.31, 0.3933
    assert order('min', **losses) == [2.0, 3.0, 1.0]  # 0.10, 0.29, 0.30


@pytest.mark.parametrize('how', ['median', 'mean', 'min'])
def test_failed_trials_rank_last_with_their_reason(how):
    ranked = rank(outcomes(r1=[None, None], r2=[0.9, 0.9], r3=[0.8, 0.8]), how)
    assert [r.learning_rate for r in ranked] == [3.0, 2.0, 1.0]
    assert ranked[-1].failures == ('boom', 'boom') and ranked[-1].best_trial is None
    assert ranked[-1].score is None


def test_one_failed_seed_counts_against_a_rate():
    assert order('median', r1=[0.1, None], r2=[0.9, 0.9]) == [2.0, 1.0]
    assert order('mean', r1=[0.1, 0.1, None], r2=[0.9, 0.9, 0.9]) == [2.0, 1.0]
    assert order('median', r1=[None, None, 0.1], r2=[None, 0.5, None], r3=[None] * 3) == [1, 2, 3]


def test_a_loss_that_is_no_number_is_a_failure_in_the_order():
    assert order('median', r1=[float('nan')], r2=[5.0]) == [2.0, 1.0]


def test_of_equal_rates_the_lower_one_comes_first():
    assert order('median', r3=[0.5], r1=[0.5], r2=[0.5]) == [1.0, 2.0, 3.0]


def test_the_weights_are_those_of_the_best_seed():
    (ranked,) = rank(outcomes(r1=[0.3, 0.2, 0.4]), 'median')
    assert ranked.best_trial == 1


# Budgets

TEN = SweepConfig(candidates=6, survivors=2, seeds=2, samples_a=1000, samples_b=1000)


def test_a_sweep_takes_at_most_its_share_of_the_samples():
    left = sweep_budgets(Budget(max_samples=10_000), TEN, workers=1, batch_size=8)
    assert left is not None and (left.samples_a, left.samples_b) == (700, 700)  # 10 x 700 = 70 %
    plenty = sweep_budgets(Budget(max_samples=10**6), TEN, workers=1, batch_size=8)
    assert plenty is not None and plenty.samples_a == 1000
    free = sweep_budgets(Budget(), TEN, workers=1, batch_size=8)
    assert free is not None and (free.samples_a, free.seconds_a) == (1000, 0.0)


def test_what_was_used_is_gone():
    budget = Budget(max_samples=10_000, max_seconds=100.0).spend(8000, 60.0)
    assert (budget.samples_left, budget.seconds_left) == (2000, 40.0)
    left = sweep_budgets(budget, TEN, workers=1, batch_size=8)
    assert left is not None and left.samples_a == 140
    assert budget.exhausted is None
    assert budget.spend(2000, 0.0).exhausted.reason == 'samples'
    assert budget.spend(0, 41.0).exhausted.reason == 'time'


@pytest.mark.parametrize(('workers', 'seconds'), [(1, 7.0), (2, 14.0), (4, 70 / 3)])
def test_a_sweep_takes_at_most_its_share_of_the_time(workers, seconds):
    """Rounds of trials: 6 + 4 with one worker, 3 + 2 with two, 2 + 1 with four."""
    left = sweep_budgets(Budget(max_seconds=100.0), TEN, workers=workers, batch_size=8)
    assert left is not None and left.seconds_a == pytest.approx(seconds)


def test_a_trial_has_the_lower_one_of_two_limits():
    config = SweepConfig(trial_seconds=3.0)
    left = sweep_budgets(Budget(max_seconds=10_000.0), config, workers=1, batch_size=8)
    assert left is not None and left.seconds_a == 3.0


def test_a_sweep_that_could_learn_nothing_is_not_made():
    few = sweep_budgets(Budget(max_samples=400), TEN, workers=1, batch_size=8)
    assert isinstance(few, str) and 'of the 400 samples that are left gives its trials' in few
    tiny = SweepConfig(samples_a=8, samples_b=8)
    configured = sweep_budgets(Budget(), tiny, workers=1, batch_size=8)
    assert configured == (
        'sweep.samples_a and samples_b give its trials 8 and 8 samples, less than 4 batches of 8'
    )
    spent = Budget(max_seconds=10.0, seconds=10.0)
    assert sweep_budgets(spent, TEN, workers=1, batch_size=8) == 'no time of the budget is left'


def trial(number: int, rate: float, best: float | None) -> TrialOutcome:
    return TrialOutcome(
        number=number, learning_rate=rate, seed=0, best=best, reason='', samples=1, seconds=1.0
    )


def test_of_the_second_phase_the_best_weights_of_each_rate_are_kept_of_the_first_none():
    made = [trial(0, 1e-3, 0.4), trial(1, 1e-3, 0.3), trial(2, 1e-4, None), trial(3, 1e-4, 0.5),
            trial(4, 1e-4, 0.5)]  # fmt: skip
    assert beaten(made, keep_best=True) == [0, 2, 4]
    assert beaten(made, keep_best=False) == [0, 1, 2, 3, 4]
    assert beaten([], keep_best=True) == []


# When to sweep, and when to stop


def rules(**changes) -> Rules:
    return Rules(sweep=SweepConfig(**changes), threshold=0.005)


def test_only_a_plateau_triggers_a_sweep():
    for reason in ('samples', 'time', 'divergence', 'non_finite'):
        assert rules().after_training(reason, 'why', sweeps=0).reason == reason
    assert rules().after_training(PLATEAU, 'why', sweeps=0) is None
    assert rules(when='off').after_training(PLATEAU, 'why', sweeps=0).reason == PLATEAU
    assert rules(when='initial').after_training(PLATEAU, 'why', sweeps=0).reason == PLATEAU


def test_there_are_at_most_two_sweeps_per_stage():
    made = [rules().after_training(PLATEAU, 'flat', sweeps=n) for n in range(4)]
    assert made[:2] == [None, None]
    assert made[2].reason == PLATEAU and '2 sweeps' in made[2].message
    assert rules(max_per_stage=0).after_training(PLATEAU, 'flat', sweeps=0) is not None


@pytest.mark.parametrize(
    ('before', 'after', 'stops'),
    [(1.0, 0.9949, False), (1.0, 0.9951, True), (1.0, 1.2, True), (1.0, None, False),
     (None, 0.5, False), (0.0, 0.0, True)],
)  # fmt: skip
def test_a_sweep_that_gains_nothing_ends_the_stage(before, after, stops):
    stop = rules().after_sweep(before, after)
    assert (stop is not None) is stops
    if stop is not None:
        assert stop.reason == NO_GAIN


def stops_at(config: StoppingConfig, losses) -> int | None:
    rule = PlateauRule(config)
    return next((n for n, loss in enumerate(losses, 1) if rule.update(loss) is not None), None)


def test_the_cooldown_really_holds_for_five_updates():
    """The first 5 updates never count: 25 more are needed after them, not 20."""
    flat = [1.0] * 60
    assert stops_at(StoppingConfig(), flat) == 26
    assert stops_at(StoppingConfig(plateau_after=5), flat) == 5 + 25


def test_what_came_during_the_cooldown_is_what_has_to_be_improved_on():
    rule = StoppingConfig(plateau_after=3, plateau_patience=2)
    assert stops_at(rule, [1.0, 0.5, 0.9, 0.6, 0.6]) == 5
    assert stops_at(rule, [1.0, 0.5, 0.9, 0.4, 0.6, 0.6]) == 6


def test_a_plateau_rule_in_its_cooldown_is_restored_there():
    config = StoppingConfig(plateau_after=5, plateau_patience=2)
    first = PlateauRule(config)
    for _ in range(4):
        assert first.update(1.0) is None
    second = PlateauRule(config)
    second.restore(first.state())
    assert [second.update(1.0) is not None for _ in range(3)] == [False, False, True]

"""When a training ends: each rule against sequences worked by hand, and across a resume."""

import json
import math

from devrobot_interfaces_py.configs import ConfigError
from devrobot_training.fit.stopping import (
    DIVERGENCE,
    DivergenceRule,
    NON_FINITE,
    PLATEAU,
    PlateauRule,
    SAMPLES,
    Stop,
    StoppingConfig,
    StoppingRules,
    TIME,
)
from hypothesis import given, settings
from hypothesis import strategies as st
import pytest

HEALTHY = (0.010, 0.010)
ABOVE_GAP = (0.100, 0.1021)  # the ratio is fine
ABOVE_RATIO = (0.0010, 0.00151)  # the gap is fine


def stops_at(rule, checks) -> int | None:
    """Return the number, from 1, of the check that stops."""
    for number, check in enumerate(checks, 1):
        if rule.update(*check) is not None:
            return number
    return None


def diverging(**changes) -> DivergenceRule:
    return DivergenceRule(StoppingConfig(**changes))


def stalling(**changes) -> PlateauRule:
    return PlateauRule(StoppingConfig(**changes))


# Divergence


@pytest.mark.parametrize('bad', [ABOVE_GAP, ABOVE_RATIO], ids=['gap', 'ratio'])
def test_twenty_diverged_checks_in_a_row_stop_from_the_sixth_on(bad):
    assert stops_at(diverging(), [bad] * 40) == 25
    assert stops_at(diverging(), [HEALTHY] * 10 + [bad] * 40) == 30
    assert stops_at(diverging(), [bad] * 24) is None


@pytest.mark.parametrize(
    ('train', 'validation', 'stops'),
    [
        (0.100, 0.10199, False),
        (0.1, 0.1 + 0.002 + 1e-9, True),
        (0.0010, 0.00149, False),
        (0.0010, 0.0015, True),
        (0.0, 0.0, False),
        (0.0, 0.0001, True),
        (math.nan, 5.0, False),  # nothing was trained yet
    ],
)
def test_the_limits(train, validation, stops):
    rule = diverging()
    assert (stops_at(rule, [(train, validation)] * 30) is not None) == stops


def test_one_healthy_check_begins_the_count_anew():
    checks = [ABOVE_GAP] * 24 + [HEALTHY] + [ABOVE_GAP] * 19
    rule = diverging()
    assert stops_at(rule, checks) is None
    assert stops_at(rule, [ABOVE_GAP]) == 1


def test_one_bad_check_does_not_stop():
    checks = ([HEALTHY] * 9 + [(0.010, 5.0)]) * 10
    assert stops_at(diverging(), checks) is None


def test_a_share_of_checks_far_above_the_best_is_diverged():
    """Validation at 2.1 times its best, with a training loss that is just as bad."""
    good, bad = (0.0010, 0.0010), (0.0021, 0.0021)
    # Twelve of the last fifteen are 0.75 or more: from the 12th bad check on.
    assert stops_at(diverging(), [good] * 20 + [bad] * 60) == 20 + 12 + 19
    assert stops_at(diverging(), [good] * 20 + [(0.002, 0.002)] * 60) is None
    # Two of three, which is 10 of 15.
    assert stops_at(diverging(), [good] * 20 + [bad, bad, good] * 40) is None


def test_the_share_is_not_judged_before_the_window_is_full():
    good, bad = (0.0010, 0.0010), (0.0021, 0.0021)
    assert stops_at(diverging(), [good] + [bad] * 60) == 15 + 19


def test_a_loss_that_falls_fast_is_not_diverged():
    """Judged by the best of today, nearly all earlier checks were above twice the best."""
    assert stops_at(diverging(), [(loss, loss) for loss in (0.9**n for n in range(200))]) is None


@pytest.mark.parametrize(
    ('changes', 'stop'),
    [
        ({'divergence_in_a_row': 3}, 8),
        ({'divergence_after': 0}, 20),
        ({'divergence_after': 0, 'divergence_in_a_row': 1}, 1),
        ({'divergence_gap': 0.01}, None),
    ],
)
def test_the_numbers_are_settings(changes, stop):
    assert stops_at(diverging(**changes), [ABOVE_GAP] * 60) == stop


def test_the_settings_of_the_share():
    good, bad = (0.0010, 0.0010), (0.0021, 0.0021)
    checks = [good] * 20 + [bad] * 60
    assert stops_at(diverging(divergence_factor=3.0), checks) is None
    assert stops_at(diverging(divergence_window=4), checks) == 20 + 3 + 19
    assert stops_at(diverging(divergence_share=0.5), checks) == 20 + 8 + 19
    ratio = diverging(divergence_ratio=1.6)
    assert stops_at(ratio, [ABOVE_RATIO] * 60) is None


def test_the_message_has_the_numbers():
    rule = diverging(divergence_in_a_row=2, divergence_after=0)
    rule.update(0.1, 0.2)
    stop = rule.update(0.1, 0.3)
    assert stop is not None and stop.reason == DIVERGENCE
    for word in ('2 times in a row', '0.3', '0.1', '0.2 as best'):
        assert word in stop.message


# Plateau


def test_twenty_five_updates_without_half_a_percent_stop():
    assert stops_at(stalling(), [(1.0,)] * 40) == 26
    assert stops_at(stalling(), [(1.0,), *[(0.996,)] * 40]) == 26
    assert stops_at(stalling(), [(1.0,), *[(1.5,)] * 40]) == 26


def test_an_improvement_of_half_a_percent_begins_the_count_anew():
    checks = [(1.0,)] * 25 + [(0.9949,)] + [(1.0,)] * 30
    assert stops_at(stalling(), checks) == 26 + 25
    assert stops_at(stalling(), [(1.0,)] * 25 + [(0.9951,)]) == 26


def test_small_improvements_add_up():
    """0.05 % per update are 1.2 % over 25 of them."""
    assert stops_at(stalling(), [(0.9995**n,) for n in range(300)]) is None
    assert stops_at(stalling(), [(0.9999**n,) for n in range(300)]) == 26


def test_noise_around_a_falling_loss_does_not_stop():
    losses = [0.99**n * (1.3 if n % 2 else 1.0) for n in range(200)]
    assert stops_at(stalling(), [(loss,) for loss in losses]) is None


@pytest.mark.parametrize(
    ('changes', 'stop'),
    [({'plateau_patience': 3}, 4), ({'plateau_threshold': 0.0}, None), ({}, 26)],
)
def test_patience_and_threshold_are_settings(changes, stop):
    assert stops_at(stalling(**changes), [(0.9999**n,) for n in range(60)]) == stop


def test_a_perfect_loss_is_a_plateau():
    assert stops_at(stalling(), [(0.0,)] * 40) == 26


def test_the_message_tells_the_best():
    rule = stalling(plateau_patience=2)
    stops = [rule.update(loss) for loss in (1.0, 0.997, 0.999)]
    assert stops[2] is not None and stops[2].reason == PLATEAU
    assert stops[2].message == (
        'the best validation loss, now 0.997, did not improve by 0.5 % in 2 validations'
    )


# All rules together


def test_samples_and_time_are_limits_that_can_be_off():
    rules = StoppingRules(StoppingConfig(max_samples=100, time_budget=60.0))
    assert rules.after_step(samples=99, elapsed_s=59.9) is None
    assert rules.after_step(samples=100, elapsed_s=0.0).reason == SAMPLES
    assert rules.after_step(samples=101, elapsed_s=0.0).reason == SAMPLES
    assert rules.after_step(samples=99, elapsed_s=60.0).reason == TIME
    free = StoppingRules(StoppingConfig())
    assert free.after_step(samples=10**12, elapsed_s=1e9) is None
    assert not StoppingConfig().uses_time and StoppingConfig(time_budget=1.0).uses_time


@pytest.mark.parametrize('loss', [math.nan, math.inf])
def test_a_validation_loss_that_is_not_finite_stops_at_once(loss):
    stop = StoppingRules(StoppingConfig()).after_validation(train_ema=0.1, validation=loss)
    assert stop is not None and stop.reason == NON_FINITE and str(loss) in stop.message


@pytest.mark.parametrize(
    ('changes', 'reason', 'at'),
    [
        ({}, DIVERGENCE, 25),
        ({'divergence': False}, PLATEAU, 26),
        ({'plateau': False}, DIVERGENCE, 25),
        ({'plateau': False, 'divergence': False}, None, None),
    ],
)
def test_each_rule_can_be_switched_off(changes, reason, at):
    rules = StoppingRules(StoppingConfig(**changes))
    for number in range(1, 100):
        stop = rules.after_validation(train_ema=0.01, validation=0.02)
        if stop is not None:
            assert (stop.reason, number) == (reason, at)
            return
    assert reason is None


@pytest.mark.parametrize(
    ('changes', 'reason'),
    [({}, DIVERGENCE), ({'divergence': False, 'plateau_patience': 25}, PLATEAU)],
)
def test_what_ended_a_training_holds_after_a_resume_unless_the_settings_changed(changes, reason):
    rules = StoppingRules(StoppingConfig(**changes))
    stop = None
    while stop is None:
        stop = rules.after_validation(train_ema=0.01, validation=0.02)
    assert stop.reason == reason

    def holds(**more) -> bool:
        other = StoppingRules(StoppingConfig(**{**changes, **more}))
        other.restore(json.loads(json.dumps(rules.state())))
        return other.holds(stop, samples=1000, elapsed_s=1.0)

    assert holds()
    assert not holds(**{reason: False})
    patience = {DIVERGENCE: 'divergence_in_a_row', PLATEAU: 'plateau_patience'}[reason]
    assert not holds(**{patience: 90})
    assert holds(**{patience: 10})


def test_limits_of_samples_and_time_hold_until_they_are_raised():
    rules = StoppingRules(StoppingConfig(max_samples=100, time_budget=60.0))
    samples = rules.after_step(samples=100, elapsed_s=1.0)
    elapsed = rules.after_step(samples=10, elapsed_s=61.0)
    assert rules.holds(samples, samples=100, elapsed_s=1.0)
    assert rules.holds(elapsed, samples=10, elapsed_s=61.0)
    raised = StoppingRules(StoppingConfig(max_samples=101, time_budget=62.0))
    assert not raised.holds(samples, samples=100, elapsed_s=1.0)
    assert not raised.holds(elapsed, samples=10, elapsed_s=61.0)
    # A loss that was not finite may be another one at the next try.
    assert not rules.holds(Stop(NON_FINITE, ''), samples=10, elapsed_s=1.0)


@pytest.mark.parametrize(
    'wrong',
    [
        {'max_samples': -1},
        {'divergence_share': 0.0},
        {'divergence_ratio': 0.9},
        {'plateau_patience': 0},
        {'time_budget': math.nan},
    ],
)
def test_settings_out_of_range_are_refused(wrong):
    (name,) = wrong
    with pytest.raises(ConfigError, match=name):
        StoppingConfig(**wrong)


LOSSES = st.floats(0.0, 1.0) | st.sampled_from([0.001, 0.0021, 0.01, 0.5])
CHECKS = st.lists(st.tuples(LOSSES, LOSSES), max_size=60)
SMALL = st.builds(
    StoppingConfig,
    divergence_in_a_row=st.integers(1, 5),
    divergence_after=st.integers(0, 5),
    divergence_window=st.integers(1, 6),
    plateau_patience=st.integers(1, 6),
)


def decisions(rules: StoppingRules, checks) -> list:
    return [rules.after_validation(train_ema=a, validation=b) for a, b in checks]


@settings(max_examples=200, deadline=None)
@given(SMALL, CHECKS, st.integers(0, 60))
def test_a_state_goes_through_json_and_on_with_the_same_decisions(config, checks, cut):
    whole = StoppingRules(config)
    expected = decisions(whole, checks)
    first = StoppingRules(config)
    begun = decisions(first, checks[:cut])
    text = json.dumps(first.state(), allow_nan=False)
    second = StoppingRules(config)
    decisions(second, checks[::-1])  # what it had before does not matter
    second.restore(json.loads(text))
    assert begun + decisions(second, checks[cut:]) == expected
    assert second.state() == whole.state()

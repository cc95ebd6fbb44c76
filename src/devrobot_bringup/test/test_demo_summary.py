from dataclasses import replace
import math

from devrobot_bringup.demo.monitor import Outcome
from devrobot_bringup.demo.summary import as_json, Figures, figures, seconds_to_share
import pytest

LABELS = ('stay', 'move')


def outcome(index, error=0.5, other=0.5, on_time=True):
    return Outcome(
        sequence=index,
        action=index % 2,
        seconds=float(index),
        on_time=on_time,
        dot_error=error,
        counterfactual_errors=(other,),
        mse=0.1,
        mse_copy_last=0.2,
        mse_black=0.3,
    )


def test_only_the_last_hundred_count():
    outcomes = [outcome(i, error=9.0) for i in range(50)] + [outcome(i) for i in range(100)]
    result = figures(outcomes, LABELS)
    assert (result.count, result.within_2px) == (100, 1.0)


def test_shares_are_counted_per_action_and_for_the_action_not_taken():
    outcomes = [outcome(i, error=2.5 if i % 2 else 2.0, other=3.0) for i in range(100)]
    result = figures(outcomes, LABELS)
    assert result.within_2px == 0.5
    assert result.within_2px_by_action == {'stay': 1.0, 'move': 0.0}
    assert result.within_3px_by_action == {'stay': 1.0, 'move': 1.0}
    assert (result.counterfactual_within_2px, result.counterfactual_within_3px) == (0.0, 1.0)


def test_late_predictions_do_not_count():
    outcomes = [outcome(i) for i in range(10)]
    outcomes += [outcome(i, error=0.0, on_time=False) for i in range(90)]
    assert figures(outcomes, LABELS).count == 10
    assert seconds_to_share(outcomes) is None


def test_the_time_to_95_percent_is_that_of_the_first_full_window():
    outcomes = [outcome(i, error=9.0 if i < 105 else 0.0) for i in range(300)]
    # 95 of the last 100 are right for the first time with number 105 + 94
    assert seconds_to_share(outcomes) == 199.0


def test_the_time_is_null_if_it_never_held():
    assert seconds_to_share([outcome(i) for i in range(99)]) is None
    assert seconds_to_share([outcome(i, error=9.0 * (i % 10 == 0)) for i in range(500)]) is None


def test_what_was_not_measured_is_null_in_json():
    empty = as_json(Figures())
    assert empty['within_2px'] is None and empty['count'] == 0
    missing = as_json(figures([outcome(0, error=math.inf)], LABELS))
    assert missing['median_dot_error'] is None
    assert missing['within_2px_by_action'] == {'stay': 0.0, 'move': None}


def test_means_are_means():
    result = figures([outcome(i) for i in range(4)], LABELS)
    assert (result.mse, result.mse_copy_last, result.mse_black) == pytest.approx((0.1, 0.2, 0.3))


def test_a_robot_that_is_no_dot_is_judged_by_its_pixels_alone():
    outcomes = [replace(outcome(i, error=math.nan), counterfactual_errors=()) for i in range(200)]
    values = as_json(figures(outcomes, ['stay', 'move']))
    assert values['below_copy_last'] == 0.5
    assert (values['within_2px'], values['median_dot_error']) == (None, None)
    assert values['within_2px_by_action'] == {'stay': None, 'move': None}
    assert seconds_to_share(outcomes) is None

"""The profile of motor speeds over time."""

from devrobot_robots.jetbot.ramp import make_ramp
import pytest

STANDARD = {'duration_s': 0.2, 'steps': 4, 'step_s': 0.015, 'refresh_s': 0.1}


def test_the_standard_ramp_is_four_steps_up_a_hold_and_four_steps_down():
    ramp = make_ramp(0.0, 0.12, **STANDARD)
    moments = [point.at_s for point in ramp.setpoints]
    speeds = [point.right for point in ramp.setpoints]
    assert moments == pytest.approx(
        [0.0, 0.015, 0.03, 0.045, 0.145, 0.2, 0.215, 0.23, 0.245], abs=1e-9
    )
    assert speeds == pytest.approx([0.03, 0.06, 0.09, 0.12, 0.12, 0.09, 0.06, 0.03, 0.0])
    assert {point.left for point in ramp.setpoints} == {0.0}
    assert ramp.total_s == pytest.approx(0.26)
    assert ramp.way_s == pytest.approx(0.12 * 0.2)


def test_staying_is_told_once_and_takes_as_long():
    ramp = make_ramp(0.0, 0.0, **STANDARD)
    assert [(p.at_s, p.left, p.right) for p in ramp.setpoints] == [(0.0, 0.0, 0.0)]
    assert ramp.total_s == make_ramp(0.3, 0.3, **STANDARD).total_s


def test_a_long_hold_is_told_again_before_a_dead_man_timer_runs_out():
    ramp = make_ramp(0.2, -0.2, duration_s=3.0, steps=4, step_s=0.015, refresh_s=0.1)
    moments = [point.at_s for point in ramp.setpoints]
    gaps = [b - a for a, b in zip(moments, moments[1:], strict=False)]
    assert moments == sorted(moments) and max(gaps) < 0.16
    assert (ramp.setpoints[10].left, ramp.setpoints[10].right) == (0.2, -0.2)
    assert ramp.way_s == pytest.approx((0.2 + 0.2) * 3.0)


@pytest.mark.parametrize('steps', [0, 1, 7])
def test_every_ramp_ends_at_zero_and_never_exceeds_its_speed(steps):
    ramp = make_ramp(-0.4, 0.3, duration_s=0.5, steps=steps, step_s=0.01, refresh_s=0.1)
    last = ramp.setpoints[-1]
    assert (last.left, last.right) == (0.0, 0.0)
    assert last.at_s <= ramp.total_s
    assert all(-0.4 <= p.left <= 0.0 <= p.right <= 0.3 for p in ramp.setpoints)


def test_a_ramp_longer_than_its_action_is_refused():
    with pytest.raises(ValueError, match='4 steps of 0.015 s do not fit into an action of 0.05 s'):
        make_ramp(0.1, 0.1, duration_s=0.05, steps=4, step_s=0.015, refresh_s=0.1)

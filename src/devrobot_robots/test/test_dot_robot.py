"""The toroidal dot as a robot: action space, delay, stop."""

from devrobot_interfaces_py.actions import UnknownActionError
from devrobot_robots.registry import load_robot_class
from devrobot_robots.toroidal_dot.config import ToroidalDotConfig
from devrobot_robots.toroidal_dot.robot import ToroidalDotRobot
import numpy as np
import pytest
from robots_fakes import FakeClock


def robot(clock: FakeClock | None = None, **settings) -> ToroidalDotRobot:
    config = ToroidalDotConfig(**settings)
    return ToroidalDotRobot.from_config(config, clock=clock or FakeClock(), name='dot_1')


def test_it_is_found_by_its_name():
    assert load_robot_class('toroidal_dot') is ToroidalDotRobot


def test_its_actions_are_stay_and_move():
    space = robot().action_space
    assert (space.robot_name, space.robot_type) == ('dot_1', 'toroidal_dot')
    assert [action.label for action in space.actions] == ['stay', 'move']
    assert [action.parameter('step_px') for action in space.actions] == [0.0, 27.0]
    assert [action.separator_color for action in space.actions] == [(255, 0, 0), (0, 255, 0)]


def test_the_digest_tells_steps_apart_but_not_delays_or_names():
    assert robot(action_delay=0.5).action_space.digest == robot().action_space.digest
    assert robot(step=13).action_space.digest != robot().action_space.digest


def test_executing_moves_and_succeeds():
    dot = robot(initial_x=10, initial_y=10)
    dot.execute(1, lambda: False)
    moved = robot(initial_x=37, initial_y=10)
    np.testing.assert_array_equal(dot.observe()[''], moved.observe()[''])


def test_an_action_takes_its_delay():
    clock = FakeClock()
    robot(clock, action_delay=0.25).execute(1, lambda: False)
    assert clock.time == pytest.approx(0.25)


def test_a_stopped_action_does_not_move_the_dot():
    clock = FakeClock()
    dot = robot(clock, action_delay=0.25)
    before = dot.observe()['']
    dot.execute(1, lambda: clock.time > 0.1)
    assert clock.time < 0.25
    np.testing.assert_array_equal(dot.observe()[''], before)


def test_an_unknown_action_is_refused():
    with pytest.raises(UnknownActionError, match='action 2'):
        robot().execute(2, lambda: False)

"""Rules of action spaces and colours."""

import dataclasses

from devrobot_interfaces_py.actions import (
    ActionDefinition,
    ActionSpace,
    default_separator_color,
    motor_fraction_color,
    UnknownActionError,
)
import pytest

STAY = ActionDefinition(label='stay', separator_color=(255, 0, 0), parameters=(('step_px', 0.0),))
MOVE = ActionDefinition(label='move', separator_color=(0, 255, 0), parameters=(('step_px', 27.0),))
SPACE = ActionSpace(robot_name='toroidal_dot', robot_type='toroidal_dot', actions=(STAY, MOVE))


def test_digest_is_the_same_on_every_machine_and_in_every_version():
    assert SPACE.digest == '69e2a72d05eb9d09'


def test_digest_does_not_depend_on_the_name_of_the_robot():
    assert dataclasses.replace(SPACE, robot_name='other').digest == SPACE.digest


@pytest.mark.parametrize(
    'change',
    [
        {'label': 'go'},
        {'duration_s': 0.5},
        {'separator_color': (0, 254, 0)},
        {'parameters': (('step_px', 28.0),)},
    ],
)
def test_digest_depends_on_every_part_of_an_action(change):
    changed = dataclasses.replace(SPACE, actions=(STAY, dataclasses.replace(MOVE, **change)))
    assert changed.digest != SPACE.digest


def test_digest_depends_on_type_and_order():
    assert dataclasses.replace(SPACE, robot_type='jetbot').digest != SPACE.digest
    assert dataclasses.replace(SPACE, actions=(MOVE, STAY)).digest != SPACE.digest


def test_digest_takes_whole_numbers_for_floats():
    whole = dataclasses.replace(MOVE, parameters=(('step_px', 27),))
    assert dataclasses.replace(SPACE, actions=(STAY, whole)).digest == SPACE.digest


@pytest.mark.parametrize('index', [-1, 2, 7])
def test_unknown_action_is_refused_with_the_known_ones(index):
    expected = f'action {index} is not in the action space of toroidal_dot: 0 .stay., 1 .move.'
    with pytest.raises(UnknownActionError, match=expected):
        SPACE.check(index)


def test_known_action_is_returned():
    assert len(SPACE) == 2
    assert SPACE.check(1) is MOVE
    assert MOVE.parameter('step_px') == 27.0


def test_unknown_parameter_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match='action move has no parameter speed; it has: step_px'):
        MOVE.parameter('speed')


def test_bad_definitions_are_refused():
    with pytest.raises(ValueError, match=r'separator_color is \(0, 0, 256\)'):
        dataclasses.replace(MOVE, separator_color=(0, 0, 256))
    with pytest.raises(ValueError, match=r'duration_s of move is -1.0'):
        dataclasses.replace(MOVE, duration_s=-1.0)
    with pytest.raises(ValueError, match='label twice'):
        dataclasses.replace(SPACE, actions=(MOVE, MOVE))
    with pytest.raises(ValueError, match='empty'):
        dataclasses.replace(SPACE, actions=())


def test_motor_color_goes_from_red_to_green():
    assert motor_fraction_color(0.0) == (255, 0, 0)
    assert motor_fraction_color(1.0) == (0, 255, 0)
    assert motor_fraction_color(0.2) == (204, 51, 0)
    with pytest.raises(ValueError, match=r'motor fraction is 1.5'):
        motor_fraction_color(1.5)


def test_default_colors_are_red_green_blue_then_yellow():
    colors = [default_separator_color(index) for index in range(5)]
    assert colors == [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (255, 255, 0)]

"""Which actions may be declared, and what they become."""

from devrobot_interfaces_py.configs import config_from_dict, ConfigError
from devrobot_robots.clock import SystemClock
from devrobot_robots.jetbot.config import JetBotConfig
from devrobot_robots.jetbot.robot import JetBotRobot
from devrobot_robots.registry import load_robot_class
import pytest

FOUR = ('stay 0 0', 'left 0 0.12', 'right 0.12 0', 'back -0.1 -0.1 0.3')


def robot(**settings) -> JetBotRobot:
    return JetBotRobot.from_config(JetBotConfig(**settings), clock=SystemClock(), name='j1')


def test_it_is_found_by_its_name():
    assert load_robot_class('jetbot') is JetBotRobot


def test_the_default_actions_are_staying_and_turning():
    space = robot().action_space
    assert (space.robot_name, space.robot_type) == ('j1', 'jetbot')
    commands = [
        (a.parameter('motor_left'), a.parameter('motor_right'), a.duration_s)
        for a in space.actions
    ]
    assert commands == [(0.0, 0.0, 0.2), (0.0, 0.12, 0.2)]
    assert [a.separator_color for a in space.actions] == [(255, 0, 0), (0, 255, 0)]


def test_more_actions_can_be_declared_each_with_its_own_colour_and_duration():
    space = robot(actions=FOUR).action_space
    assert [action.label for action in space.actions] == ['stay', 'left', 'right', 'back']
    assert space.actions[3].duration_s == 0.3
    many = robot(actions=('stay 0 0', *(f'a{i} 0.1 0' for i in range(7)))).action_space
    assert len({action.separator_color for action in many.actions}) == 8


def test_actions_come_from_a_parameter_file_as_a_list():
    config = config_from_dict(JetBotConfig, {'actions': ['stay 0 0', 'go 0.1 0.1']})
    assert [action.label for action in config.motor_actions()] == ['stay', 'go']


def test_trims_turn_one_motor_faster_but_do_not_change_the_action_space():
    config = JetBotConfig(actions=FOUR, left_trim=0.1)
    assert config.ramp(config.motor_actions()[2]).setpoints[4].left == pytest.approx(0.132)
    assert robot(actions=FOUR, left_trim=0.1).action_space.digest == (
        robot(actions=FOUR).action_space.digest
    )


@pytest.mark.parametrize(
    ('settings', 'text'),
    [
        ({'actions': ()}, '0 are declared, must be 1 to 8'),
        ({'actions': ('go 0.1 0.1',)}, 'action 0 must stand still'),
        ({'actions': ('stay 0 0', 'go 0.1')}, "'go 0.1' must look like 'LABEL LEFT RIGHT"),
        ({'actions': ('stay 0 0', 'go fast 0')}, "'go fast 0' must look like"),
        ({'actions': ('stay 0 0', 'go nan 0')}, 'not finite'),
        ({'actions': ('stay 0 0', 'a 0 0.1', 'a 0.1 0')}, 'a label stands twice'),
        ({'actions': ('stay 0 0', 'go 0.9 0')}, "'go' turns a motor at 0.9"),
        ({'actions': ('stay 0 0', 'go 0.5 0'), 'left_trim': 0.2}, 'with its trim'),
        ({'actions': ('stay 0 0', 'go 0.1 0 0.03')}, 'do not fit into an action of 0.03 s'),
        (
            {'actions': ('stay 0 0', 'go 0.1 0 1e8')},
            "'go 0.1 0 1e8' lasts 1e\\+08 s, must be 0.02",
        ),
        ({'actions': ('stay 0 0 10.1',)}, 'lasts 10.1 s, must be 0.02 to 10 s'),
        ({'actions': ('stay 0 0', 'go 0.1 0 -1')}, 'lasts -1 s'),
        ({'duration': 0.05}, 'do not fit'),
        ({'max_speed': 1.5}, 'max_speed is 1.5'),
        ({'port': 0}, 'port is 0'),
        ({'host': ''}, "host is '', must be a name"),
        ({'host': 'a..b'}, "host is 'a..b', must be a name"),
        ({'host': 'x' * 64}, 'must be a name'),
        ({'retry_first': 20.0}, 'retry_first 20 is more than retry_most 10'),
    ],
)
def test_what_cannot_be_meant_is_refused(settings, text):
    with pytest.raises(ConfigError, match=text):
        JetBotConfig(**settings)

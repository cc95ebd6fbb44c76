"""The recorded selector repeats what was done, and refuses what does not fit the robot."""

from dataclasses import replace

from devrobot_interfaces_py.actions import ActionDefinition
from devrobot_interfaces_py.configs import ConfigError
from devrobot_robots.selectors.base import SelectorError
from devrobot_robots.selectors.config import SelectorConfig
from devrobot_robots.selectors.registry import make_selector
import pytest
from recorded_worlds import write_bag
from robots_fakes import ACTIONS

OTHER = replace(
    ACTIONS,
    robot_type='other',
    actions=(*ACTIONS.actions, ActionDefinition(label='jump', separator_color=(0, 0, 255))),
)


def repeat(bag, robot=ACTIONS, **settings) -> list[int]:
    """Return all that is chosen until the end."""
    selector = make_selector(SelectorConfig(selector='recorded', bag=str(bag), **settings), robot)
    return list(iter(selector.next_action, None))


@pytest.fixture
def bag(tmp_path):
    return write_bag(tmp_path / 'session', [1, 1, 0, 1, 0], aborted=[3])


def test_finished_actions_are_repeated_once_and_aborted_ones_are_not(bag):
    assert repeat(bag) == [1, 1, 0, 0]


def test_it_stays_at_its_end(bag):
    selector = make_selector(SelectorConfig(selector='recorded', bag=str(bag)), ACTIONS)
    assert [selector.next_action() for _ in range(6)] == [1, 1, 0, 0, None, None]


def test_only_the_actions_to_keep_are_repeated(bag):
    assert repeat(bag, keep_actions=(1,)) == [1, 1]
    assert repeat(bag, keep_actions=(0, 1)) == [1, 1, 0, 0]


def test_the_name_of_the_robot_does_not_matter(bag):
    assert repeat(bag, replace(ACTIONS, robot_name='twin')) == [1, 1, 0, 0]


def test_a_bag_of_another_action_space_is_refused_unless_allowed(bag):
    with pytest.raises(SelectorError, match='any_action_space') as caught:
        repeat(bag, OTHER)
    assert ACTIONS.digest in str(caught.value)
    assert OTHER.digest in str(caught.value)
    assert '\n' not in str(caught.value)
    assert repeat(bag, OTHER, any_action_space=True) == [1, 1, 0, 0]


def test_an_action_that_the_robot_does_not_have_is_refused(tmp_path):
    bag = write_bag(tmp_path / 'session', [0, 2], space=OTHER)
    with pytest.raises(SelectorError, match='selector recorded: action 2 is not in'):
        repeat(bag, any_action_space=True)
    assert repeat(bag, any_action_space=True, keep_actions=(0,)) == [0]


def test_one_of_several_robots_is_chosen_by_its_namespace(bag):
    assert repeat(bag, bag_namespace='/fake') == [1, 1, 0, 0]
    with pytest.raises(SelectorError, match='no robot /other in it, only /fake'):
        repeat(bag, bag_namespace='other')


def test_a_filter_that_leaves_nothing_is_refused(tmp_path):
    bag = write_bag(tmp_path / 'session', [1, 1])
    with pytest.raises(SelectorError, match=r'no finished action among \[0\], see keep_actions'):
        repeat(bag, keep_actions=(0,))
    with pytest.raises(SelectorError, match='action 7 is not in'):
        repeat(bag, keep_actions=(7,))


def test_what_is_no_bag_is_refused(tmp_path):
    with pytest.raises(SelectorError, match='selector recorded: .*nowhere: there is no such bag'):
        repeat(tmp_path / 'nowhere')
    with pytest.raises(ConfigError, match='bag must name the session'):
        SelectorConfig(selector='recorded')

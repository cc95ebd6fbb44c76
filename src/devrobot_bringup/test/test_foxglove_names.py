"""Which names are shown, and how parameters are called."""

from devrobot_bringup.foxglove.names import (
    full_node_name,
    is_hidden_name,
    parameter_name,
    select_interfaces,
    split_parameter_name,
    Whitelist,
)
import pytest

ALL = Whitelist(['.*'])


def test_whitelist_wants_the_whole_name():
    whitelist = Whitelist(['/bot/.*', '/rosout'])
    assert whitelist.allows('/bot/image')
    assert whitelist.allows('/rosout')
    assert not whitelist.allows('/other/bot/image')
    assert not whitelist.allows('/rosout_agg')


def test_parameter_services_and_events_are_hidden():
    shown = select_interfaces(
        [
            ('/bot/stop', ['std_srvs/srv/Trigger']),
            ('/bot/driver/list_parameters', ['rcl_interfaces/srv/ListParameters']),
            (
                '/bot/driver/get_type_description',
                ['type_description_interfaces/srv/GetTypeDescription'],
            ),
            ('/parameter_events', ['rcl_interfaces/msg/ParameterEvent']),
            ('/rosout', ['rcl_interfaces/msg/Log']),
        ],
        ALL,
    )
    assert sorted(shown) == ['/bot/stop', '/rosout']


@pytest.mark.parametrize('name', ['/train/_action/status', '/_hidden', '/bot/_x/y'])
def test_names_with_an_underscore_part_are_hidden(name):
    assert is_hidden_name(name)
    assert select_interfaces([(name, ['std_msgs/msg/Empty'])], ALL) == {}


def test_first_of_several_types_counts_and_no_type_is_left_out():
    names = [('/a', ['std_msgs/msg/Empty', 'std_msgs/msg/Bool']), ('/b', [])]
    assert select_interfaces(names, ALL) == {'/a': 'std_msgs/msg/Empty'}


def test_parameter_names_split_at_the_first_dot():
    assert parameter_name('/bot/driver', 'robot.width') == '/bot/driver.robot.width'
    assert split_parameter_name('/bot/driver.robot.width') == ('/bot/driver', 'robot.width')


@pytest.mark.parametrize('name', ['driver.width', '/bot/driver', '/bot/driver.', ''])
def test_name_that_is_no_parameter_is_refused(name):
    with pytest.raises(ValueError, match='not a parameter name like'):
        split_parameter_name(name)


def test_full_node_name_knows_the_root_namespace():
    assert full_node_name('node', '/') == '/node'
    assert full_node_name('node', '/bot') == '/bot/node'

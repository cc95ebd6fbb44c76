"""Parameters seen and set by a real viewer."""

import time

import pytest

pytest.importorskip('rclpy')

from devrobot_bringup.foxglove import values
from rcl_interfaces.msg import FloatingPointRange, ParameterDescriptor
from rcl_interfaces.msg import ParameterType as Kind
from rclpy.parameter import Parameter

READ_ONLY = ParameterDescriptor(read_only=True)
UP_TO_TWO = ParameterDescriptor(
    floating_point_range=[FloatingPointRange(from_value=0.0, to_value=2.0)]
)


@pytest.fixture
def robot(graph):
    robot = graph.node('robot')
    robot.declare_parameter('speed', 1.0, UP_TO_TWO)
    robot.declare_parameter('robot.width', 64, READ_ONLY)
    robot.declare_parameter('names', ['a', 'b'])
    return robot


@pytest.fixture
def viewer(robot, serve, connect):
    viewer = connect(serve())

    def asked() -> bool:
        viewer.send('getParameters', parameterNames=[], id='all')
        return '/bot/robot.names' in viewer.parameters

    viewer.wait_for(asked, 'the parameters')
    return viewer


def set_parameter(viewer, name, value) -> None:
    viewer.send('setParameters', parameters=[{'name': name, 'value': value}], id='set')


def test_parameters_are_called_by_node_and_name(viewer):
    assert viewer.parameters['/bot/robot.speed'] == 1.0
    assert viewer.parameters['/bot/robot.robot.width'] == 64
    assert viewer.parameters['/bot/robot.names'] == ['a', 'b']
    assert not [name for name in viewer.parameters if name.startswith('/foxglove_server')]


def test_whole_number_sets_a_double(viewer, robot):
    set_parameter(viewer, '/bot/robot.speed', 2)
    viewer.wait_for(lambda: viewer.parameters['/bot/robot.speed'] == 2.0, 'the new value')
    assert robot.get_parameter('speed').value == 2.0


@pytest.mark.parametrize(
    ('name', 'value', 'kept'),
    [
        ('speed', 9.0, 1.0),
        ('speed', 'fast', 1.0),
        ('robot.width', 65, 64),
    ],
)
def test_rejected_value_gives_a_warning_and_the_old_value(viewer, robot, name, value, kept):
    set_parameter(viewer, f'/bot/robot.{name}', value)
    viewer.wait_for(lambda: 'set' in viewer.replies and viewer.statuses, 'the answer')
    assert viewer.replies['set'] == {f'/bot/robot.{name}': kept}
    assert f'/bot/robot.{name} was not set' in viewer.statuses[0]
    assert repr(value) in viewer.statuses[0]
    assert robot.get_parameter(name).value == kept


def test_unknown_parameter_gives_a_warning(viewer):
    set_parameter(viewer, '/bot/robot.colour', 1)
    viewer.wait_for(lambda: viewer.statuses, 'the warning')
    assert viewer.statuses == ['/bot/robot.colour was not set: there is no such parameter']


def test_change_by_somebody_else_is_pushed(viewer, robot):
    viewer.send('subscribeParameterUpdates', parameterNames=['/bot/robot.speed'])
    viewer.send('getParameters', parameterNames=['/bot/robot.speed'], id='again')
    robot.set_parameters([Parameter('speed', value=0.5)])
    viewer.wait_for(lambda: viewer.parameters['/bot/robot.speed'] == 0.5, 'the change')


def test_viewers_that_come_and_go_while_parameters_change_do_not_block_the_server(
    viewer, robot, connect
):
    port = viewer.port
    robot.create_timer(
        0.001, lambda: robot.set_parameters([Parameter('speed', value=time.time() % 2.0)])
    )
    for _ in range(30):
        other = connect(port)
        other.send('subscribeConnectionGraph')
        other.send('subscribeParameterUpdates', parameterNames=['/bot/robot.speed', '/a.b'])
        other.wait_for(lambda other=other: '/bot/robot.speed' in other.parameters, 'a push')
        other.close()


def test_parameter_declared_later_is_seen(viewer, robot):
    robot.declare_parameter('late', True)

    def asked() -> bool:
        viewer.send('getParameters', parameterNames=[], id='all')
        return viewer.parameters.get('/bot/robot.late') is True

    viewer.wait_for(asked, 'the new parameter')


def test_every_kind_of_value_survives_the_way_to_a_viewer_and_back():
    samples = {
        Kind.PARAMETER_BOOL: True,
        Kind.PARAMETER_INTEGER: -3,
        Kind.PARAMETER_DOUBLE: 0.5,
        Kind.PARAMETER_STRING: 'text',
        Kind.PARAMETER_BYTE_ARRAY: b'\x00\xff',
        Kind.PARAMETER_BOOL_ARRAY: [True, False],
        Kind.PARAMETER_INTEGER_ARRAY: [1, 2],
        Kind.PARAMETER_DOUBLE_ARRAY: [1.0, 2.5],
        Kind.PARAMETER_STRING_ARRAY: ['a', ''],
    }
    for kind, sample in samples.items():
        assert values.to_python(values.from_python(sample, kind)) == sample


def test_numbers_follow_the_declared_type():
    assert values.to_python(values.from_python(2, Kind.PARAMETER_DOUBLE)) == 2.0
    assert values.to_python(values.from_python(2.0, Kind.PARAMETER_INTEGER)) == 2
    assert values.to_python(values.from_python([1, 2.5], Kind.PARAMETER_DOUBLE_ARRAY)) == [
        1.0,
        2.5,
    ]


@pytest.mark.parametrize(
    ('content', 'kind'),
    [
        (True, Kind.PARAMETER_INTEGER),
        (True, Kind.PARAMETER_DOUBLE),
        (2.5, Kind.PARAMETER_INTEGER),
        (2**63, Kind.PARAMETER_INTEGER),
        (1, Kind.PARAMETER_BOOL),
        (1, Kind.PARAMETER_STRING),
        ('a', Kind.PARAMETER_STRING_ARRAY),
        ([1, 'a'], Kind.PARAMETER_INTEGER_ARRAY),
        ('a', Kind.PARAMETER_NOT_SET),
    ],
)
def test_value_of_another_type_is_refused(content, kind):
    with pytest.raises(values.ParameterValueError):
        values.from_python(content, kind)

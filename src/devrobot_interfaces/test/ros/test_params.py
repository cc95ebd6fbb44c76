"""Rules of config dataclasses as ROS parameters, on a real node."""

from dataclasses import dataclass, field

from devrobot_interfaces_py.configs import check_ranges, ConfigError, param
from devrobot_interfaces_py.params import declare_config, live_config_callback
import pytest
from rclpy.node import Node
from rclpy.parameter import Parameter


@dataclass(frozen=True, kw_only=True)
class Optimizer:
    learning_rate: float = param(0.1, 'Step size.', minimum=0.0, maximum=1.0, live=True)
    betas: tuple[float, ...] = param((0.9, 0.95), 'Memory of the moments.', minimum=0.0)

    def __post_init__(self):
        check_ranges(self)


@dataclass(frozen=True, kw_only=True)
class Config:
    count: int = param(3, 'How many.', minimum=1)
    mode: str = param('a', 'How.', choices=('a', 'b'), live=True)
    note: str | None = param(None, 'Free text.')
    topics: tuple[str, ...] = param((), 'Names.')
    optimizer: Optimizer = field(default_factory=Optimizer)

    def __post_init__(self):
        check_ranges(self)


@pytest.fixture
def make_node(context):
    nodes = []

    def make(**overrides):
        parameters = [
            Parameter(name.replace('__', '.'), value=value) for name, value in overrides.items()
        ]
        nodes.append(Node('node', context=context, parameter_overrides=parameters))
        return nodes[-1]

    yield make
    for node in nodes:
        node.destroy_node()


def set_one(node, name, value):
    (result,) = node.set_parameters([Parameter(name, value=value)])
    return result


def test_defaults_are_declared_under_dotted_names(make_node):
    node = make_node()
    assert declare_config(node, Config(count=4)) == Config(count=4)
    assert node.get_parameter('count').value == 4
    assert list(node.get_parameter('optimizer.betas').value) == [0.9, 0.95]


def test_prefix_is_put_before_every_name(make_node):
    node = make_node(robot__count=8)
    assert declare_config(node, Config(), prefix='robot').count == 8
    assert node.has_parameter('robot.optimizer.learning_rate')


def test_overrides_are_taken(make_node):
    node = make_node(count=7, note='n', topics=['x'], optimizer__betas=[0.1, 0.2])
    expected = Config(count=7, note='n', topics=('x',), optimizer=Optimizer(betas=(0.1, 0.2)))
    assert declare_config(node, Config()) == expected


def test_whole_number_is_accepted_for_a_floating_point_setting(make_node):
    node = make_node(optimizer__learning_rate=1, optimizer__betas=[1, 2])
    assert declare_config(node, Config()).optimizer == Optimizer(
        learning_rate=1.0, betas=(1.0, 2.0)
    )
    assert node.get_parameter('optimizer.learning_rate').type_ == Parameter.Type.DOUBLE


@pytest.mark.parametrize(
    ('name', 'value', 'expected'),
    [
        ('learning_rate', -1.0, 'is -1.0, must be between 0.0 and 1.0'),
        ('learning_rate', 2, 'is 2.0, must be between 0.0 and 1.0'),
        ('learning_rate', 'fast', "is 'fast', must be a number"),
        ('learning_rate', True, 'is True, must be a number'),
    ],
)
def test_wrong_override_is_one_clear_line(make_node, name, value, expected):
    node = make_node(**{f'optimizer__{name}': value})
    with pytest.raises(ConfigError) as caught:
        declare_config(node, Config())
    assert str(caught.value) == f'parameter optimizer.{name} {expected}'


def test_wrong_choice_and_wrong_whole_number_are_refused(make_node):
    with pytest.raises(ConfigError, match="parameter mode is 'z', must be one of a, b"):
        declare_config(make_node(mode='z'), Config())
    with pytest.raises(ConfigError, match='parameter count is 1.5, must be a whole number'):
        declare_config(make_node(count=1.5), Config())


def test_descriptors_tell_doc_range_and_read_only(make_node):
    node = make_node()
    declare_config(node, Config())
    rate = node.describe_parameter('optimizer.learning_rate')
    assert (rate.description, rate.read_only) == ('Step size.', False)
    assert rate.floating_point_range[0].to_value == 1.0
    count = node.describe_parameter('count')
    assert (count.read_only, count.integer_range[0].from_value) == (True, 1)
    assert node.describe_parameter('mode').additional_constraints == 'one of a, b'


def test_second_configure_reads_what_is_declared(make_node):
    node = make_node(count=7)
    first = declare_config(node, Config())
    assert set_one(node, 'optimizer.learning_rate', 0.5).successful
    second = declare_config(node, Config())
    assert (first.count, second.count) == (7, 7)
    assert second.optimizer.learning_rate == 0.5


def test_live_setting_changes_while_the_node_runs(make_node):
    node = make_node()
    seen = []
    live = live_config_callback(node, declare_config(node, Config()), seen.append)
    assert set_one(node, 'optimizer.learning_rate', 0.5).successful
    assert set_one(node, 'mode', 'b').successful
    assert seen == [
        Config(optimizer=Optimizer(learning_rate=0.5)),
        Config(mode='b', optimizer=Optimizer(learning_rate=0.5)),
    ]
    assert live.config == seen[-1]


def test_wrong_live_value_is_refused_with_a_reason(make_node):
    node = make_node()
    seen = []
    live_config_callback(node, declare_config(node, Config()), seen.append)
    result = set_one(node, 'mode', 'z')
    assert not result.successful
    assert result.reason == "parameter mode is 'z', must be one of a, b"
    assert 'out of range' in set_one(node, 'optimizer.learning_rate', 2.0).reason
    assert node.get_parameter('mode').value == 'a'
    assert seen == []


def test_setting_that_is_not_live_is_refused(make_node):
    node = make_node()
    seen = []
    live_config_callback(node, declare_config(node, Config()), seen.append)
    result = set_one(node, 'count', 5)
    assert not result.successful
    assert 'read-only parameter: count' in result.reason
    assert seen == []


def test_parameters_of_others_pass(make_node):
    node = make_node()
    seen = []
    live_config_callback(node, declare_config(node, Config()), seen.append)
    node.declare_parameter('other', 1)
    assert set_one(node, 'other', 2).successful
    assert seen == []

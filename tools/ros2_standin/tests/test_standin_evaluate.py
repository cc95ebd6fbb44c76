"""A launch file becomes the processes that the real tool would start, with the same arguments."""

from pathlib import Path

import pytest
from ros2_standin.errors import LaunchFileError
from ros2_standin.launching.evaluate import evaluate
from ros2_standin.launching.processes import ProcessSpec
from ros2_standin.launching.sources import load
import yaml


@pytest.fixture
def steps(workspace):
    """Evaluate a launch file body with arguments."""
    workspace.executable('node')

    def run(body, name='main.launch.xml', **configurations):
        written = []

        def write(text):
            written.append(workspace.root / f'params_{len(written)}.yaml')
            written[-1].write_text(text)
            return written[-1]

        root = load(workspace.launch_file(body, name))
        return evaluate(
            root, configurations=configurations, environment={'OUTER': 'yes'}, write=write
        ).steps

    return run


NODE = 'node pkg="tiny" exec="node"'


def loaded(path):
    return yaml.safe_load(Path(path).read_text())


def arguments(spec):
    return list(spec.command[1:])


def test_a_bare_node_gets_no_name_and_no_namespace(steps, workspace):
    (spec,) = steps(f'<{NODE}/>')
    assert spec.command == (str(workspace.prefix / 'lib/tiny/node'), '--ros-args')
    assert spec.label == 'node-1'


def test_name_namespace_arguments_and_remappings_are_in_the_order_of_the_real_tool(steps):
    (spec,) = steps(
        f'<{NODE} name="n" namespace="robot" args="--flag x" ros_args="--log-level info">'
        '<remap from="a" to="b"/></node>'
    )
    assert arguments(spec) == [
        '--flag', 'x', '--ros-args', '--log-level', 'info', '--ros-args',
        '-r', '__node:=n', '-r', '__ns:=/robot', '-r', 'a:=b',
    ]  # fmt: skip


def test_text_is_split_at_spaces_but_values_of_substitutions_are_not(steps):
    (spec,) = steps(f'<{NODE} args="-f $(var path)/file \'a b\' last"/>', path='/my files')
    assert arguments(spec)[:-1] == ['-f', '/my files/file', 'a b', 'last']


def test_pushed_namespaces_nest_and_end_with_the_group(steps):
    specs = steps(
        '<group><push_ros_namespace namespace="a"/><push-ros-namespace namespace="b"/>'
        f'<{NODE} namespace="c"/><{NODE}/><{NODE} namespace="/d"/></group><{NODE}/>'
    )
    namespaces = [[word for word in spec.command if '__ns' in word] for spec in specs]
    assert namespaces == [['__ns:=/a/b/c'], ['__ns:=/a/b'], ['__ns:=/d'], []]


def test_an_invalid_namespace_is_refused(steps):
    with pytest.raises(LaunchFileError, match="namespace 'a b' is not valid"):
        steps(f'<{NODE} namespace="$(var x)"/>', x='a b')


def test_parameters_keep_their_order_and_get_their_types(steps, workspace):
    file = workspace.root / 'given.yaml'
    file.write_text('/**:\n  ros__parameters:\n    a: 1\n')
    (spec,) = steps(
        f'<{NODE} name="n" namespace="r"><param name="i" value="1"/>'
        f'<param from="{file}"/><param name="s" value="1" type="str"/>'
        '<param name="o"><param name="f" value="1.0"/><param name="l" value="[1, 2]"/></param>'
        '<param name="b" value="$(var flag)"/></node>',
        flag='true',
    )
    files = [spec.command[i + 1] for i, word in enumerate(spec.command) if word == '--params-file']
    assert files[1] == str(file)
    values = [loaded(path)['/r/n']['ros__parameters'] for path in files if path != str(file)]
    assert values == [{'i': 1}, {'s': '1'}, {'o': {'f': 1.0, 'l': [1, 2]}}, {'b': True}]


def test_parameters_of_a_node_without_a_full_name_are_for_all_nodes(steps):
    (spec,) = steps(f'<{NODE} name="n"><param name="i" value="1"/></node>')
    assert list(loaded(spec.command[-1])) == ['/**']


def test_a_missing_parameter_file_is_refused(steps):
    with pytest.raises(LaunchFileError, match="2: parameter file '/gone.yaml' does not exist"):
        steps(f'<{NODE}><param from="/gone.yaml"/></node>')


def test_a_value_that_does_not_fit_its_type_is_refused(steps):
    with pytest.raises(LaunchFileError, match="value '1.5' is not of type int"):
        steps(f'<{NODE}><param name="i" value="1.5" type="int"/></node>')


def test_scoped_settings_reach_the_nodes_of_their_group(steps):
    inside, outside = steps(
        '<group><set_parameter name="p" value="1"/><set_remap from="a" to="b"/>'
        f'<set_env name="E" value="1"/><{NODE}><env name="F" value="2"/></node></group><{NODE}/>'
    )
    assert arguments(inside) == ['--ros-args', '-p', 'p:=1', '-r', 'a:=b']
    assert inside.environment == {'OUTER': 'yes', 'E': '1', 'F': '2'}
    assert arguments(outside) == ['--ros-args'] and outside.environment == {'OUTER': 'yes'}


def test_let_ends_with_a_scoped_group_only(steps):
    body = (
        '<let name="x" value="1"/><group scoped="{}"><let name="x" value="2"/></group>'
        '<log message="$(var x)"/>'
    )
    assert steps(body.format('true'))[0].text == '1'
    assert steps(body.format('false'))[0].text == '2'


def test_a_group_that_does_not_forward_begins_empty(steps):
    with pytest.raises(LaunchFileError, match="launch configuration 'x' does not exist"):
        steps('<group forwarding="false"><log message="$(var x)"/></group>', x='1')


@pytest.mark.parametrize('value, expected', [('true', ['if']), ('0', ['unless'])])
def test_conditions_choose(steps, value, expected):
    body = '<log message="if" if="$(var c)"/><log message="unless" unless="$(var c)"/>'
    assert [step.text for step in steps(body, c=value)] == expected


def test_a_condition_that_is_no_boolean_is_refused(steps):
    with pytest.raises(LaunchFileError, match="attribute 'if' of <log>: 'maybe' is not a bool"):
        steps('<log message="x" if="maybe"/>')


def test_includes_get_their_arguments_and_their_own_directory(steps, workspace):
    workspace.launch_file('<arg name="a"/><log message="$(var a) $(dirname)"/>', 'in.launch.xml')
    body = '<include file="$(find-pkg-share tiny)/launch/in.launch.xml"><arg name="a" value="v"/>'
    (message,) = steps(f'{body}</include>')
    assert message.text == f'v {workspace.prefix}/share/tiny/launch'


def test_a_file_that_includes_itself_is_refused(steps):
    with pytest.raises(LaunchFileError, match='nested more than'):
        steps('<include file="$(dirname)/main.launch.xml"/>')


def test_an_include_that_does_not_exist_is_refused(steps):
    with pytest.raises(LaunchFileError, match=":2: launch file '/gone.xml' does not exist"):
        steps('<include file="/gone.xml"/>')


def test_a_required_argument_must_be_given(steps):
    with pytest.raises(LaunchFileError, match="'a' was not provided .why.: add a:=VALUE"):
        steps('<arg name="a" description="why"/>')


def test_a_value_outside_the_choices_is_refused(steps):
    body = '<arg name="a" default="x"><choice value="x"/><choice value="y"/></arg>'
    assert steps(body) == []
    with pytest.raises(LaunchFileError, match=r"'z' is not valid. .* \['x', 'y'\]"):
        steps(body, a='z')


def test_an_unknown_executable_is_refused_with_the_nearest(steps):
    with pytest.raises(LaunchFileError, match="No executable 'nod' in .*did you mean 'node'?"):
        steps('<node pkg="tiny" exec="nod"/>')


def test_attributes_of_processes(steps):
    required, respawning = steps(
        f'<{NODE} on_exit="shutdown" output="screen" sigterm_timeout="1"/>'
        '<executable cmd="echo hi" name="e" respawn="$(var r)" respawn_delay="0.5"/>',
        r='true',
        sigkill_timeout='2',
    )
    assert required.is_required and required.show_stdout
    assert (required.sigterm_timeout_s, required.sigkill_timeout_s) == (1.0, 2.0)
    assert respawning == ProcessSpec(
        label='e-2', command=('echo', 'hi'), environment={'OUTER': 'yes'}, respawn=True,
        respawn_delay_s=0.5, sigkill_timeout_s=2.0,
    )  # fmt: skip


def test_an_unknown_output_is_refused(steps):
    with pytest.raises(LaunchFileError, match="output 'console' is not one of both, log, screen"):
        steps(f'<{NODE} output="console"/>')


def test_a_launch_prefix_goes_before_the_executable(steps):
    (spec,) = steps(f'<{NODE} launch-prefix="nice -n 5"/>')
    assert spec.command[:3] == ('nice', '-n', '5')

"""Launch arguments are listed like the real tool does, and unknown ones are refused."""

import pytest
from ros2_standin.errors import StandinError
from ros2_standin.launching.arguments import collect, parse_command_line, refuse_unknown, show
from ros2_standin.launching.output import LaunchOutput
from ros2_standin.launching.sources import load
from ros2_standin.verbs.launch import plan


def test_arguments_are_shown_in_the_format_of_the_real_tool(workspace):
    path = workspace.launch_file(
        '<arg name="name" default="dot" description="Name of it"/>'
        '<arg name="preset" default="$(var name)"><choice value="a"/></arg>'
        '<arg name="size" description="How big"><choice value="1"/><choice value="2"/></arg>'
        '<group if="false"><arg name="rare" default=""/></group>'
    )
    assert show(collect(load(path)).arguments) == (
        "Arguments (pass arguments as '<name>:=<value>'):\n"
        '\n'
        "    'name':\n"
        '        Name of it\n'
        "        (default: 'dot')\n"
        '\n'
        "    'preset':\n"
        "        One of: ['a']\n"
        "        (default: LaunchConfig('name'))\n"
        '\n'
        "    'size':\n"
        "        How big. Valid choices are: ['1', '2']\n"
        '\n'
        "    'rare':*\n"
        '        no description given\n'
        "        (default: '')\n"
        '\n'
        '* argument(s) which are only used if specific conditions occur'
    )


def test_a_file_without_arguments_says_so(workspace):
    assert show(collect(load(workspace.launch_file(''))).arguments).endswith('\n\n  No arguments.')


def test_arguments_of_included_files_are_known_but_not_those_that_are_set(workspace):
    workspace.launch_file('<arg name="open"/><arg name="fixed"/>', 'in.launch.xml')
    path = workspace.launch_file(
        '<include file="$(dirname)/in.launch.xml"><arg name="fixed" value="1"/></include>'
    )
    declared = collect(load(path))
    assert [argument.name for argument in declared.arguments] == ['open']
    assert declared.complete


@pytest.fixture
def planned(workspace):
    """Plan a launch file with command line words."""
    output = LaunchOutput(workspace.root)
    return lambda body, *words: plan(workspace.launch_file(body), words, output)


def test_an_unknown_argument_is_refused_with_the_nearest_name(planned):
    body = '<arg name="preset" default="tiny"/><arg name="seed" default="0"/>'
    message = "unknown launch argument 'presett'; did you mean 'preset'. .known: preset, seed."
    with pytest.raises(StandinError, match=message):
        planned(body, 'presett:=base')


def test_arguments_of_an_include_that_depends_on_an_argument_are_accepted(planned, workspace):
    workspace.launch_file('<arg name="inner" default="0"/>', 'in.launch.xml')
    body = '<arg name="f" default="in"/><include file="$(dirname)/$(var f).launch.xml"/>'
    assert planned(body, 'inner:=1') == []
    with pytest.raises(StandinError, match="unknown launch argument 'iner'"):
        planned(body, 'iner:=1')


def test_the_last_value_of_an_argument_wins_and_may_hold_the_separator():
    assert parse_command_line(['a:=1', 'b:=x:=y', 'a:=2']) == {'a': '2', 'b': 'x:=y'}


@pytest.mark.parametrize('word', ['a', 'a=1', ':=1', 'a:='])
def test_malformed_arguments_are_refused(word):
    with pytest.raises(StandinError, match=f"malformed launch argument '{word}', expected"):
        parse_command_line([word])


def test_time_limits_may_always_be_given():
    refuse_unknown({'sigterm_timeout': '1'}, ())

"""Everything outside the subset is refused with file and line, before anything starts."""

import pytest
from ros2_standin.errors import LaunchFileError, StandinError
from ros2_standin.launching.sources import load

REFUSED = {
    'unknown tag': ('<nodes/>', "unexpected tag <nodes> inside <launch>; did you mean 'node'?"),
    'timer': ('<timer period="1"/>', '<timer> inside <launch> is not read by this stand-in'),
    'composable': ('<node_container/>', 'needs the real ros2'),
    'include let': (
        '<include file="x"><let name="a" value="b"/></include>',
        'unexpected tag <let> inside <include>',
    ),
    'unknown attribute': (
        '<node pkg="a" exec="b" respwan="true"/>',
        "unexpected attribute 'respwan' of <node>; did you mean 'respawn'?",
    ),
    'ROS 1 type': ('<node pkg="a" type="b"/>', "unexpected attribute 'type' of <node>"),
    'missing pkg': ('<node exec="b"/>', "<node> needs the attribute 'pkg'"),
    'missing exec': ('<node pkg="b"/>', "<node> needs the attribute 'exec'"),
    'missing cmd': ('<executable/>', "<executable> needs the attribute 'cmd'"),
    'missing name': ('<arg default="b"/>', "<arg> needs the attribute 'name'"),
    'missing file': ('<include/>', "<include> needs the attribute 'file'"),
    'both conditions': (
        '<log message="x" if="true" unless="true"/>',
        "<log> cannot have both 'if' and 'unless'",
    ),
    'condition on param': (
        '<node pkg="a" exec="b"><param name="x" value="1" if="true"/></node>',
        "unexpected attribute 'if' of <param>",
    ),
    'on_exit': (
        '<node pkg="a" exec="b" on_exit="restart"/>',
        "attribute 'on_exit' of <node>: the only possible value is 'shutdown', got 'restart'",
    ),
    'on_exit substitution': (
        '<node pkg="a" exec="b" on_exit="$(var x)"/>',
        'no substitutions are possible here',
    ),
    'arg name substitution': ('<arg name="$(var x)"/>', 'no substitutions are possible here'),
    'respawn_delay': (
        '<node pkg="a" exec="b" respawn_delay="-1"/>',
        "'-1' is not a number of seconds of at least 0",
    ),
    'scoped': ('<group scoped="maybe"/>', "'maybe' is not a boolean"),
    'eval': ('<log message="$(eval 1 + 1)"/>', 'substitution $(eval …) is not supported here'),
    'unclosed': ('<log message="$(var x"/>', "substitution '$(var' is not closed"),
    'dollar': ('<log message="5 $"/>', 'write \\$ for a dollar sign'),
    'two spaces': ('<log message="$(equals  a b)"/>', 'one space between arguments'),
    'argument count': ('<log message="$(equals a)"/>', 'takes 2 arguments, got 1'),
    'param alone': ('<node pkg="a" exec="b"><param/></node>', "<param> needs 'name' or 'from'"),
    'param from and name': (
        '<node pkg="a" exec="b"><param from="x" name="y"/></node>',
        '<param from=…> stands alone',
    ),
    'param without value': (
        '<node pkg="a" exec="b"><param name="y"/></node>',
        "needs either 'value' or nested <param>s",
    ),
    'param type': (
        '<node pkg="a" exec="b"><param name="y" value="1" type="integer"/></node>',
        "type 'integer' is not one of bool, int, float, str",
    ),
    'text': ('<group>hello</group>', "unexpected text 'hello'"),
    'not well-formed': ('<group>', 'not well-formed XML: mismatched tag'),
}


@pytest.mark.parametrize('body, message', REFUSED.values(), ids=REFUSED)
def test_what_is_not_in_the_subset_is_refused_with_file_and_line(workspace, body, message):
    path = workspace.launch_file(body)
    with pytest.raises(LaunchFileError) as caught:
        load(path)
    assert message in str(caught.value)
    line = 3 if 'well-formed' in message else 2
    assert str(caught.value).startswith(f'{path}:{line}: ')


def test_wrong_things_inside_a_disabled_group_are_refused_too(workspace):
    path = workspace.launch_file('<group if="false">\n\n<nonsense/>\n</group>')
    with pytest.raises(LaunchFileError, match='unexpected tag <nonsense>') as caught:
        load(path)
    assert caught.value.line == 4


def test_document_types_are_refused(tmp_path):
    path = tmp_path / 'bomb.launch.xml'
    path.write_text('<!DOCTYPE launch [<!ENTITY a "b">]>\n<launch/>')
    with pytest.raises(LaunchFileError, match='document types are not read'):
        load(path)


def test_another_root_tag_is_refused(tmp_path):
    path = tmp_path / 'other.launch.xml'
    path.write_text('<robot/>')
    with pytest.raises(LaunchFileError, match="expected 'launch' as root tag, got 'robot'"):
        load(path)


def test_other_kinds_of_launch_files_need_the_real_tool(tmp_path):
    path = tmp_path / 'other.launch.yaml'
    path.write_text('launch:\n')
    with pytest.raises(StandinError, match='other kinds need the real ros2'):
        load(path)


def test_a_missing_launch_file_is_named(tmp_path):
    with pytest.raises(StandinError, match="launch file '.*gone.launch.xml' does not exist"):
        load(tmp_path / 'gone.launch.xml')

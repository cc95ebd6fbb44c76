"""A Python launch file that includes an XML one is read; any other is refused, never run."""

from pathlib import Path

import pytest
from ros2_standin.errors import LaunchFileError
from ros2_standin.launching.arguments import collect
from ros2_standin.launching.python_source import read_python

ROOT = Path(__file__).resolve().parents[3]
GOOD = '''"""Doc."""
from launch import LaunchDescription
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import AnyLaunchDescriptionSource
from launch.substitutions import PathJoinSubstitution
from launch_ros.substitutions import FindPackageShare


def generate_launch_description():
    """Doc."""
    return LaunchDescription([IncludeLaunchDescription(AnyLaunchDescriptionSource(
        PathJoinSubstitution([FindPackageShare('tiny'), 'launch', 'test.launch.xml'])))])
'''


def written(tmp_path, text):
    path = tmp_path / 'test.launch.py'
    path.write_text(text)
    return path


def test_the_included_file_is_found(workspace, tmp_path):
    root = read_python(written(tmp_path, GOOD))
    assert root.children[0].attributes == {'file': '$(find-pkg-share tiny)/launch/test.launch.xml'}
    workspace.launch_file('<arg name="a"/>')
    assert [argument.name for argument in collect(root).arguments] == ['a']


REFUSED = {
    'import': ('"""Doc."""', 'import os', 1, 'unexpected statement'),
    'other import': ('import PathJoin', 'import OtherPathJoin', 5, 'unexpected import'),
    'statement': ('"""Doc."""', 'print(1)', 1, 'unexpected statement'),
    'no function': ('def generate_launch', 'def make_launch', 9, 'no function generate_launch_d'),
    'decorator': ('def gen', '@cached\ndef gen', 10, 'unexpected arguments or decorators'),
    'argument': ('description():', 'description(a):', 9, 'unexpected arguments or decorators'),
    'two actions': (')))])', '))), 1])', 11, 'expected one action, got 2'),
    'other action': ('[IncludeLaunch', '[RunLaunch', 11, 'expected IncludeLaunchDescription(…)'),
    'keyword': (
        "'launch', 'test.launch.xml'])))",
        "'launch', 'test.launch.xml'])), launch_arguments={}.items())",
        11,
        'expected IncludeLaunchDescription(…) with one argument',
    ),
    'computed': ("'test.launch.xml'", "'test' + '.xml'", 12, 'expected a plain string'),
    'not a list': ("[FindPackageShare('tiny'), 'launch', 'test.launch.xml']", 'x', 12, 'a list'),
    'syntax': ('def gen', 'def def gen', 9, 'not valid Python'),
}


@pytest.mark.parametrize('old, new, line, message', REFUSED.values(), ids=REFUSED)
def test_any_other_form_is_refused_with_file_and_line(tmp_path, old, new, line, message):
    assert old in GOOD
    path = written(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(LaunchFileError) as caught:
        read_python(path)
    assert message in str(caught.value)
    assert str(caught.value).startswith(f'{path}:{line}: ')


def test_python_is_not_run(tmp_path):
    proof = tmp_path / 'proof'
    path = written(tmp_path, f'open({str(proof)!r}, "w")\n{GOOD}')
    with pytest.raises(LaunchFileError, match='does not run Python launch files'):
        read_python(path)
    assert not proof.exists()


@pytest.mark.parametrize(
    'path', sorted(ROOT.glob('src/*/launch/*.launch.py')), ids=lambda path: path.name
)
def test_the_python_launch_files_of_this_repository_have_the_form(path):
    (include,) = read_python(path).children
    assert include.attributes['file'].endswith(f'/launch/{path.name[:-3]}.xml')

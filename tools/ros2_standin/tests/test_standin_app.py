"""The command says what it is, leaves the rest to the real one and never shadows it."""

from pathlib import Path

import pytest
from ros2_standin import app
from ros2_standin.shadow import find_real_ros2


@pytest.mark.parametrize(
    'words', [['bag', 'convert'], ['topic', 'pub'], ['action', 'list'], ['doctor'], ['nonsense']]
)
def test_other_verbs_end_in_one_line_with_exit_code_2(words, capsys):
    assert app.dispatch(words) == 2
    out, err = capsys.readouterr()
    assert out == '' and err.count('\n') == 1
    assert f'ros2 {" ".join(words)}: not part of this stand-in, it needs the real ros2' in err


@pytest.mark.parametrize('words', [[], ['--help'], ['-h']])
def test_help_says_that_it_is_a_stand_in(words, capsys):
    assert app.dispatch(words) == 0
    assert 'This is a stand-in for the ros2 command, not the real one.' in capsys.readouterr().out


def test_every_verb_of_the_table_exists():
    pytest.importorskip('rclpy')
    for verbs in app.COMMANDS.values():
        for target in verbs.values():
            assert callable(app._load(target))


def fake_ros2(folder: Path, text: str) -> Path:
    folder.mkdir()
    path = folder / 'ros2'
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_a_real_ros2_anywhere_on_path_is_not_shadowed(ros2, tmp_path):
    mine = fake_ros2(tmp_path / 'mine', '#!/bin/sh\n# ros2_standin\n')
    real = fake_ros2(tmp_path / 'real', '#!/bin/sh\necho real\n')
    path = f'{mine.parent}:{real.parent}'
    assert find_real_ros2({'PATH': path}) == real
    assert find_real_ros2({'PATH': str(mine.parent)}) is None
    done = ros2('pkg', 'list', PATH=path)
    assert done.returncode == 2 and done.stdout == ''
    assert f'[WARNING] this is the ros2 stand-in, but there is a real one: {real}' in done.stderr


def test_run_hands_on_arguments_and_exit_code(workspace, ros2):
    workspace.executable('show', 'import sys\nprint(sys.argv[1:])\nsys.exit(3)')
    done = ros2('run', 'tiny', 'show', '-a', '--ros-args', '-p', 'x:=1')
    assert (done.returncode, done.stdout) == (3, "['-a', '--ros-args', '-p', 'x:=1']\n")


def test_run_with_a_prefix(workspace, ros2):
    workspace.executable('show', '')
    done = ros2('run', '--prefix', 'echo -n', 'tiny', 'show', 'x')
    assert done.stdout == f'{workspace.prefix}/lib/tiny/show x'


def test_run_names_the_nearest_executable(workspace, ros2):
    workspace.executable('show', '')
    done = ros2('run', 'tiny', 'shw')
    assert done.returncode == 1
    assert done.stderr == (
        "ros2: No executable 'shw' in package 'tiny'; did you mean 'show'? (known: show)\n"
    )


def test_packages_are_listed(workspace, ros2):
    workspace.executable('show', '')
    assert 'tiny' in ros2('pkg', 'list').stdout.splitlines()
    assert ros2('pkg', 'prefix', 'tiny').stdout == f'{workspace.prefix}\n'
    assert ros2('pkg', 'executables', 'tiny').stdout == 'tiny show\n'


def test_interfaces_are_shown_with_nested_ones_indented(workspace, ros2):
    folder = workspace.prefix / 'share' / 'tiny' / 'msg'
    folder.mkdir()
    (folder / 'Inner.msg').write_text('# inner comment\nint32 x  # unit\n')
    (folder / 'Outer.msg').write_text('# outer\nInner[] items\nstring name\nuint8 FIRST=0\n')
    assert ros2('interface', 'show', 'tiny/msg/Outer').stdout == (
        '# outer\nInner[] items\n\tint32 x\nstring name\nuint8 FIRST=0\n'
    )
    assert '    tiny/msg/Inner\n' in ros2('interface', 'list', '-m').stdout


def test_launch_finds_files_in_packages_and_by_path(workspace, ros2):
    path = workspace.launch_file('<arg name="a" default="1"/>')
    for where in (['tiny', 'test.launch.xml'], [str(path)]):
        done = ros2('launch', *where, '--show-args')
        assert done.returncode == 0 and "    'a':\n" in done.stdout
    done = ros2('launch', 'tiny', 'tst.launch.xml')
    assert done.returncode == 1 and "did you mean 'test.launch.xml'?" in done.stderr

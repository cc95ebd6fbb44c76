"""
The script `devrobot`: what it says, what it passes on, and that its set-up survives anything.

The set-up itself takes minutes, so its order and its repairs are tested on a small copy of the
repository with an interpreter and a colcon that only note how they are called.
"""

import json
import os
from pathlib import Path
import shutil
import signal
import subprocess
import time

import pytest

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / 'devrobot'
DEADLINE_S = 60.0
# What an active workspace or environment leaves, and what the script's decisions depend on.
WORKSPACE_VARIABLES = {
    'AMENT_PREFIX_PATH',
    'CMAKE_PREFIX_PATH',
    'COLCON_PREFIX_PATH',
    'DEVROBOT_PYTHON',
    'LD_LIBRARY_PATH',
    'PYTHONPATH',
    'ROS_AUTOMATIC_DISCOVERY_RANGE',
    'ROS_DISTRO',
    'VIRTUAL_ENV',
    '_ROS_WHEELS_BOOTSTRAP_COMPLETE',
}

FAKE_PYTHON = """#!/bin/bash
# Stands for a Python interpreter: notes its calls, makes a folder like an environment.
note() { printf '%s\\n' "$*" >>"$FAKE/calls"; }
case "$*" in
  -) cat >/dev/null; printf '3.11\\t%s\\t\\n' "$0" ;;
  '-m venv'*) note "$*"; mkdir -p "${!#}/bin"; cp "$0" "${!#}/bin/python" ;;
  '-m pip install'*)
    note "$*"
    [[ ! -e $FAKE/fail ]] || { echo 'no such package'; exit 1; }
    touch "$FAKE/pip_started"
    while [[ -e $FAKE/hang ]]; do sleep 0.02; done
    cp "$FAKE/colcon" "${0%/*}/colcon" ;;
  '-m pytest'*) note "$*"; [[ ! -e $FAKE/fail ]] || exit 1 ;;
  *mend_wheels.py*) note "mend ${!#}" ;;
  *overlay.py*) note "overlay ${!#}" ;;
esac
"""
FAKE_COLCON = """#!/bin/bash
# Stands for colcon: "builds" the packages that are named, except one called broken.
printf 'colcon %s\\n' "$*" >>"$FAKE/calls"
while [[ $1 != --packages-select ]]; do shift; done
shift
status=0
while [[ $1 != --* ]]; do
  mkdir -p "build/$1" "install/$1/share/$1"
  cp "src/$1/package.xml" "install/$1/share/$1/"
  code=0
  [[ $1 != broken ]] || code=1 status=1
  echo "$code" >"build/$1/colcon_build.rc"
  shift
done
exit "$status"
"""


def plain_environment(**extra: str) -> dict[str, str]:
    """Return this process's environment as it was before a workspace was entered."""
    kept = {k: v for k, v in os.environ.items() if k not in WORKSPACE_VARIABLES}
    folders = kept.get('PATH', '').split(os.pathsep)
    outside = [f for f in folders if not Path(f).is_relative_to(ROOT)]
    return kept | {'PATH': os.pathsep.join(outside)} | extra


def ours(*args: str, cwd: Path | None = None, **extra: str) -> subprocess.CompletedProcess[str]:
    """Run the script of this checkout, on the platform that the tests run on."""
    ros = {k: os.environ[k] for k in WORKSPACE_VARIABLES & set(os.environ) if uses_ros()}
    return subprocess.run(
        [SCRIPT, *args],
        cwd=cwd,
        env=plain_environment(**(ros | extra)),
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )


def uses_ros() -> bool:
    return bool(os.environ.get('ROS_DISTRO'))


class Copy:
    """A small copy of the repository whose interpreter and colcon are the fakes."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / 'copy of it'
        self.fake = folder / 'fake'
        self.root.mkdir()
        self.fake.mkdir()
        shutil.copy(SCRIPT, self.root)
        shutil.copytree(ROOT / 'requirements', self.root / 'requirements')
        shutil.copytree(ROOT / 'tools' / 'setup', self.root / 'tools' / 'setup')
        for name, text in (('python', FAKE_PYTHON), ('colcon', FAKE_COLCON)):
            (self.fake / name).write_text(text)
            (self.fake / name).chmod(0o755)
        self.add_package('first')

    def add_package(self, name: str) -> None:
        package = self.root / 'src' / name
        package.mkdir(parents=True)
        (package / 'package.xml').write_text(f'<package><name>{name}</name></package>')
        (package / 'setup.py').write_text('')

    def environment(self, **extra: str) -> dict[str, str]:
        fakes = {'FAKE': str(self.fake), 'DEVROBOT_PYTHON': str(self.fake / 'python')}
        return plain_environment(**(fakes | extra))

    def start(self, *args: str, **extra: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self.root / 'devrobot', *args],
            env=self.environment(**extra),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *args: str, **extra: str) -> tuple[int, str]:
        """Return the exit code and all output."""
        with self.start(*args, **extra) as process:
            output, _ = process.communicate(timeout=DEADLINE_S)
        return process.returncode, output

    def calls(self) -> list[str]:
        """Return how the fakes were called since the last time."""
        path = self.fake / 'calls'
        text = path.read_text() if path.exists() else ''
        path.unlink(missing_ok=True)
        return [kind_of(line) for line in text.splitlines()]

    def start_hanging_in_pip(self) -> subprocess.Popen[str]:
        (self.fake / 'hang').touch()
        process = self.start('setup')
        wait_until(lambda: (self.fake / 'pip_started').exists())
        return process


def kind_of(call: str) -> str:
    """Shorten a noted call to the words that matter."""
    words = call.split()
    if words[0] == 'colcon':
        return (
            'build ' + ' '.join(words[words.index('--packages-select') + 1 :]).partition(' --')[0]
        )
    if words[:2] == ['-m', 'venv']:
        return ' '.join(['venv', *(w for w in words if w.startswith('--'))])
    if words[0] == 'overlay':
        return f'overlay {Path(call).name}'
    if words[:2] == ['-m', 'pip']:
        return ' '.join(['pip', *(Path(w).stem for w in call.split('-r ')[1:])])
    return call


def wait_until(condition) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, 'the condition did not come true'
        time.sleep(0.01)


@pytest.fixture
def copy(tmp_path):
    return Copy(tmp_path)


FULL_SETUP = ['venv', 'pip core ros colcon', 'mend paths', 'build first']


# --- the command line ---------------------------------------------------------------------------


def test_help_names_every_verb():
    result = ours('--help')
    assert result.returncode == 0
    for verb in ('setup', 'demo', 'test', 'shell', 'doctor'):
        assert f'\n  {verb}' in result.stdout


def test_no_verb_is_an_error_that_shows_the_help():
    result = ours()
    assert result.returncode == 2
    assert 'usage:' in result.stderr


def test_an_unknown_verb_is_named_with_the_known_ones():
    result = ours('dmeo')
    assert result.returncode == 2
    assert "no verb 'dmeo'; there are setup, demo, test, shell and doctor" in result.stderr


@pytest.mark.parametrize('verb', ['setup', 'shell', 'doctor'])
def test_an_unknown_option_is_named(verb):
    result = ours(verb, '--nonsense')
    assert result.returncode == 1
    assert "does not know '--nonsense'" in result.stderr
    assert 'usage: ./devrobot' in result.stderr


EXTRA_TESTED = ['venv', 'overlay .venv', 'pip one', '-m pytest --extra one -q']


@pytest.fixture
def with_extras(copy):
    """Return a copy with the extras one and two."""
    shutil.rmtree(copy.root / 'requirements' / 'extras')
    (copy.root / 'requirements' / 'extras').mkdir()
    for name in ('one', 'two'):
        (copy.root / 'requirements' / 'extras' / f'{name}.txt').write_text(f'{name}==1\n')
    return copy


@pytest.fixture
def extras(with_extras):
    """Return one that is set up, too."""
    assert with_extras.run('setup', '--dev')[0] == 0
    with_extras.calls()
    return with_extras


@pytest.mark.parametrize(
    ('names', 'text'),
    [
        (['three'], "There is no extra 'three'; there are: one two."),
        (['one', '../dev'], "There is no extra '../dev'; there are: one two."),
        ([], 'test --extras needs at least one name.'),
    ],
)
def test_unknown_extras_are_refused_with_the_known_ones(with_extras, names, text):
    code, output = with_extras.run('test', '--extras', *names, '-q')
    assert code == 1 and text in output
    assert with_extras.calls() == []


def test_an_extra_has_an_environment_of_its_own_that_is_made_once(extras):
    assert extras.run('test', '--extras', 'one', '-q')[0] == 0
    assert extras.calls() == EXTRA_TESTED
    assert extras.run('test', '--extras', 'one', 'two', '-q')[0] == 0
    assert extras.calls() == [
        *('venv', 'overlay .venv', 'pip two'),
        *('-m pytest --extra one -q', '-m pytest --extra two -q'),
    ]


def test_an_extra_whose_packages_change_is_made_anew(extras):
    extras.run('test', '--extras', 'one', '-q')
    extras.calls()
    (extras.root / 'requirements' / 'extras' / 'one.txt').write_text('one==2\n')
    assert extras.run('test', '--extras', 'one', '-q')[0] == 0
    assert extras.calls() == EXTRA_TESTED


def test_an_extra_that_cannot_be_installed_is_tried_again(extras):
    (extras.fake / 'fail').touch()
    code, output = extras.run('test', '--extras', 'one', '-q')
    assert code == 1 and 'The extra one could not be installed.' in output
    assert extras.calls() == EXTRA_TESTED[:3]
    (extras.fake / 'fail').unlink()
    assert extras.run('test', '--extras', 'one', '-q')[0] == 0
    assert extras.calls() == EXTRA_TESTED


def test_all_extras_are_tested_and_one_that_fails_tells(extras):
    extras.run('test', '--extras', 'one', 'two')
    extras.calls()
    (extras.fake / 'fail').touch()
    assert extras.run('test', '--extras', 'one', 'two')[0] == 1
    assert extras.calls() == ['-m pytest --extra one', '-m pytest --extra two']


def test_without_extras_pytest_gets_the_options(extras):
    assert extras.run('test', '-k', 'canvas')[0] == 0
    assert extras.calls() == ['-m pytest -k canvas']


def test_another_ros_distribution_is_refused_in_one_line(copy):
    code, output = copy.run('setup', ROS_DISTRO='humble')
    assert code == 1
    assert 'ROS 2 humble is sourced, but devrobot is built for jazzy' in output
    assert copy.calls() == []


def domain_chosen_by_test(copy: Copy, udp_table: str) -> set[str]:
    """Return the domains chosen in some tries when the host has these UDP sockets."""
    table = copy.fake / 'udp'
    table.write_text(udp_table)
    part = (
        (copy.root / 'tools/setup/environment.sh').read_text().replace('/proc/net/udp', str(table))
    )
    program = f'{part}\nfor i in {{1..40}}; do choose_free_domain; echo $free_domain; done'
    result = subprocess.run(['bash', '-c', program], capture_output=True, text=True, check=True)
    return set(result.stdout.split())


def test_the_domain_of_a_test_run_is_one_that_nobody_is_in(copy):
    ports = [7400 + 250 * domain + 10 for domain in range(1, 102) if domain not in (41, 42, 43)]
    lines = [f'  10: 00000000:{port:04X} 00000000:0000 07' for port in ports]
    table = '\n'.join(['  sl  local_address rem_address   st', *lines, ''])
    assert domain_chosen_by_test(copy, table) == {'41', '42', '43'}


# --- shell --------------------------------------------------------------------------------------


def test_shell_passes_the_exit_code_on():
    assert ours('shell', '-c', 'exit 7').returncode == 7


def test_shell_runs_in_the_folder_of_the_caller_with_clean_output(tmp_path):
    result = ours('shell', '-c', 'pwd', cwd=tmp_path)
    assert result.stdout == f'{tmp_path}\n'


def test_shell_has_everything_sourced():
    code = (
        'import rclpy, devrobot_interfaces.msg, devrobot_interfaces_py\n'
        'from ament_index_python.packages import get_package_share_directory\n'
        'print(get_package_share_directory("devrobot_interfaces"))'
    )
    result = ours('shell', '-c', f"python -c '{code}'")
    assert result.stdout.strip() == str(
        ROOT / 'install/devrobot_interfaces/share/devrobot_interfaces'
    )


@pytest.mark.parametrize('given', ['', 'SUBNET'])
def test_discovery_stays_on_this_host_unless_the_caller_says_otherwise(given):
    extra = {'ROS_AUTOMATIC_DISCOVERY_RANGE': given} if given else {}
    result = ours('shell', '-c', 'echo $ROS_AUTOMATIC_DISCOVERY_RANGE', **extra)
    assert result.stdout.strip() == (given or 'LOCALHOST')


@pytest.mark.skipif(uses_ros(), reason='a sourced ROS is an underlay, and stays')
def test_shell_leaves_the_workspace_that_was_active():
    result = ours(
        'shell',
        '-c',
        'echo "$AMENT_PREFIX_PATH:$PYTHONPATH:$LD_LIBRARY_PATH:$PATH"',
        AMENT_PREFIX_PATH='/elsewhere/install/a',
        VIRTUAL_ENV='/elsewhere/.venv',
        PYTHONPATH='/elsewhere/install/a/lib/python3.11/site-packages:/my/modules',
        LD_LIBRARY_PATH='/elsewhere/.venv/lib:/elsewhere/.venv/lib/ros_rcl.libs:/my/libraries',
    )
    assert '/elsewhere' not in result.stdout
    assert '/my/modules' in result.stdout
    assert '/my/libraries' in result.stdout


# --- doctor -------------------------------------------------------------------------------------


def test_doctor_writes_json_that_agrees_with_its_exit_code(tmp_path):
    result = ours('doctor', '--json', str(tmp_path / 'report.json'))
    report = json.loads((tmp_path / 'report.json').read_text())
    states = {check['name']: check['state'] for check in report['checks']}
    assert report['platform'] == ('ros' if uses_ros() else 'wheels')
    assert {'python', 'cmake', 'environment', 'build', 'disk', 'cores'} <= set(states)
    assert report['ok'] == ('missing' not in states.values())
    assert result.returncode == (0 if report['ok'] else 1)


def test_doctor_gives_a_fix_for_all_that_is_missing(copy):
    file = copy.root / 'report.json'
    code, output = copy.run('doctor', '--json', str(file), DEVROBOT_PYTHON='/no/such/python')
    checks = {check['name']: check for check in json.loads(file.read_text())['checks']}
    assert code == 1
    for name in ('python', 'environment', 'build'):
        assert checks[name]['state'] == 'missing'
        assert checks[name]['fix'] in output
    assert all(c['fix'] for c in checks.values() if c['state'] == 'missing')
    assert copy.calls() == []


def test_doctor_says_where_its_report_could_not_go(copy):
    code, output = copy.run('doctor', '--json', '/no/such/folder/report.json')
    assert code == 1
    assert "could not be written to '/no/such/folder/report.json'" in output


# --- set-up -------------------------------------------------------------------------------------


def test_setup_does_each_stage_once(copy):
    assert copy.run('setup')[0] == 0
    assert copy.calls() == FULL_SETUP
    assert copy.run('setup') == (0, '')
    assert copy.calls() == []


def test_missing_python_ends_in_one_line_with_the_way_out(copy):
    code, output = copy.run('setup', DEVROBOT_PYTHON='/no/such/python')
    assert code == 1
    assert 'Python 3.11 was not found' in output
    assert 'Run: ' in output
    assert not (copy.root / '.venv').exists()


def test_missing_compiler_comes_with_apt_for_root_and_as_a_line_for_others(copy, tmp_path):
    tools = tmp_path / 'tools'
    tools.mkdir()
    for program in Path('/usr/bin').iterdir():
        if not program.name.startswith(('g++', 'apt-get')):
            (tools / program.name).symlink_to(program)
    (tools / 'apt-get').write_text('#!/bin/bash\nprintf "apt-get %s\\n" "$*" >>"$FAKE/calls"\n')
    (tools / 'apt-get').chmod(0o755)
    code, output = copy.run('setup', PATH=str(tools))
    if os.geteuid() == 0:
        assert code == 0
        assert copy.calls()[:2] == [
            'apt-get update',
            'apt-get install -y --no-install-recommends g++',
        ]
    else:
        assert code == 1
        assert 'Run: sudo apt-get install -y g++' in output
        assert copy.calls() == []


@pytest.mark.parametrize('works', [True, False])
def test_a_browser_comes_with_the_test_tools_and_its_lack_stops_nothing(copy, tmp_path, works):
    tools = tmp_path / 'tools'
    tools.mkdir()
    for program in Path('/usr/bin').iterdir():
        if not program.name.startswith(('chromium', 'apt-get')):
            (tools / program.name).symlink_to(program)
    (tools / 'apt-get').write_text(
        f'#!/bin/bash\nprintf "apt-get %s\\n" "$*" >>"$FAKE/calls"\nexit {0 if works else 100}\n'
    )
    (tools / 'apt-get').chmod(0o755)
    copy.run('setup')
    copy.calls()
    code, output = copy.run('setup', '--dev', PATH=str(tools))
    assert code == 0 and 'pip dev' in copy.calls()
    left_out = 'Run: sudo apt-get install -y chromium' in output
    assert left_out == (not works or os.geteuid() != 0)
    assert copy.run('setup', '--dev', PATH=str(tools)) == (0, ''), 'tried once'


def test_failed_pip_shows_its_log_and_is_tried_again(copy):
    (copy.fake / 'fail').touch()
    code, output = copy.run('setup')
    assert code == 1
    assert 'no such package' in output
    assert 'run the same command again' in output
    copy.calls()
    (copy.fake / 'fail').unlink()
    assert copy.run('setup')[0] == 0
    assert copy.calls() == ['mend packages', *FULL_SETUP[1:]]


@pytest.mark.parametrize('how', [signal.SIGTERM, signal.SIGINT])
def test_interrupted_setup_ends_its_children_and_goes_on_next_time(copy, how):
    with copy.start_hanging_in_pip() as process:
        process.send_signal(how)
        output, _ = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 128 + how
    assert 'interrupted' in output
    (copy.fake / 'hang').unlink()
    copy.calls()
    assert copy.run('setup')[0] == 0
    assert copy.calls() == ['mend packages', *FULL_SETUP[1:]]


def test_what_a_killed_setup_left_running_is_waited_for(copy):
    with copy.start_hanging_in_pip() as killed:
        killed.kill()
        killed.wait(DEADLINE_S)
        with copy.start('setup') as second:
            assert 'waiting' in second.stdout.readline()
            assert copy.calls() == FULL_SETUP[:2]
            (copy.fake / 'hang').unlink()
            assert second.wait(DEADLINE_S) == 0
    assert copy.calls() == ['mend packages', *FULL_SETUP[1:]]


def test_two_setups_at_once_do_the_work_once(copy):
    with copy.start_hanging_in_pip() as first, copy.start('setup') as second:
        assert 'waiting' in second.stdout.readline()
        (copy.fake / 'hang').unlink()
        assert (first.wait(DEADLINE_S), second.wait(DEADLINE_S)) == (0, 0)
    assert copy.calls() == FULL_SETUP


def test_environment_without_stamps_is_made_anew(copy):
    copy.run('setup')
    copy.calls()
    shutil.rmtree(copy.root / '.venv' / '.devrobot')
    assert copy.run('setup')[0] == 0
    assert copy.calls() == FULL_SETUP


def test_moved_folder_is_set_up_anew(copy):
    copy.run('setup')
    copy.calls()
    copy.root = copy.root.rename(copy.root.with_name('moved'))
    assert copy.run('setup')[0] == 0
    assert copy.calls() == FULL_SETUP


def test_changed_requirements_are_installed(copy):
    copy.run('setup')
    copy.calls()
    with (copy.root / 'requirements' / 'core.txt').open('a') as file:
        file.write('another\n')
    assert copy.run('setup')[0] == 0
    assert copy.calls() == ['pip core ros colcon', 'mend paths']


def test_dev_requirements_come_only_when_asked_for(copy):
    copy.run('setup')
    copy.calls()
    assert copy.run('setup', '--dev')[0] == 0
    assert copy.calls() == ['pip dev', 'mend paths']
    assert copy.run('setup', '--dev') == (0, '')


def test_only_changed_packages_are_built(copy):
    copy.run('setup')
    copy.add_package('second')
    copy.calls()
    copy.run('setup')
    assert copy.calls() == ['build second']
    (copy.root / 'src' / 'first' / 'module.py').write_text('')
    assert copy.run('setup') == (0, '')
    (copy.root / 'src' / 'first' / 'setup.py').write_text('# changed')
    copy.run('setup')
    assert copy.calls() == ['build first']


def test_package_that_is_gone_leaves_the_environment(copy):
    copy.add_package('second')
    copy.run('setup')
    shutil.rmtree(copy.root / 'src' / 'second')
    copy.run('setup')
    assert not (copy.root / 'install' / 'second').exists()
    assert (copy.root / 'install' / 'first').exists()


def test_failed_build_keeps_what_was_built_and_is_tried_again(copy):
    copy.add_package('broken')
    code, output = copy.run('setup')
    assert code == 1
    assert 'broken was not built' in output
    copy.calls()
    copy.run('setup')
    assert copy.calls() == ['build broken']


# --- a sourced ROS 2 ----------------------------------------------------------------------------


@pytest.fixture
def jazzy(copy, tmp_path):
    """Return the variables of a sourced ROS 2 Jazzy, as far as the script looks at it."""
    folder = tmp_path / 'ros' / 'bin'
    folder.mkdir(parents=True)
    for name in ('ros2', 'colcon'):
        shutil.copy(copy.fake / 'colcon', folder / name)
    path = f'{folder}{os.pathsep}{plain_environment()["PATH"]}'
    return {'ROS_DISTRO': 'jazzy', 'PATH': path, 'AMENT_PREFIX_PATH': str(folder.parent)}


def test_sourced_jazzy_is_built_upon(copy, jazzy):
    assert copy.run('setup', **jazzy)[0] == 0
    assert copy.calls() == ['venv --system-site-packages', 'pip core', 'build first']


def test_an_extra_sees_a_sourced_jazzy(with_extras, jazzy):
    assert with_extras.run('test', '--extras', 'one', '-q', **jazzy)[0] == 0
    assert with_extras.calls()[-4:] == ['venv --system-site-packages', *EXTRA_TESTED[1:]]


def test_colcon_comes_with_pip_where_the_installation_has_none(copy, jazzy):
    colcon = Path(jazzy['PATH'].split(os.pathsep)[0]) / 'colcon'
    colcon.unlink()
    assert copy.run('setup', **jazzy)[0] == 0
    assert copy.calls()[1] == 'pip core colcon'


def test_environment_of_the_other_kind_is_replaced(copy, jazzy):
    copy.run('setup')
    copy.calls()
    assert copy.run('setup', **jazzy)[0] == 0
    assert copy.calls()[0] == 'venv --system-site-packages'


def test_sourced_jazzy_stays_the_underlay(copy, jazzy):
    code, output = copy.run('shell', '-c', 'echo "path $AMENT_PREFIX_PATH"', **jazzy)
    assert code == 0
    assert f'path {jazzy["AMENT_PREFIX_PATH"]}\n' in output

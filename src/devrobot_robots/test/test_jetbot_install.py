"""
Installing the server on a robot, with the commands of the docs, into a folder.

What only a robot has is replaced: systemctl, the root user, ssh, and pip.
"""

import os
from pathlib import Path
import shlex
import shutil
import stat
import subprocess
import sys

from devrobot_robots.jetbot.server import cli, make_keys
from jetbot_servers import connect_to
from jetbot_worlds import wait
import pytest

SERVER = Path(cli.__file__).parent
DOCS = Path(__file__).parents[3] / 'docs' / 'jetbot.md'
STUBS = {
    'id': 'case "$1" in -u) echo 0 ;; -un) echo jetbot ;; -gn) echo robots ;; esac',
    'systemctl': 'echo "systemctl $*" >>"$HOME/done"; [ ! -e "$HOME/$1.fails" ]',
    'journalctl': 'echo "what the journal says"',
    'chown': 'echo "chown $*" >>"$HOME/done"',
    'ssh': 'case "$1" in -t) shift ;; esac; shift; cd "$HOME" && exec sh -c "$*"',
    'sudo': 'exec "$@"',
    # There is no rpyc before pip was asked for it.
    'python3': f"""
if [ "$2" = pip ]; then echo pip >>"$HOME/done"; exit; fi
grep -qs pip "$HOME/done" || export PYTHONPATH="$HOME/without_rpyc"
exec {shlex.quote(sys.executable)} "$@"
""",
}


class Robot:
    """A home folder on a robot, and its root folder."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / 'home'
        self.root = folder / 'root'
        self._copy = folder / 'jetbot'
        self._stubs = folder / 'bin'
        self.temporary = folder / 'tmp'
        for path in (self.home, self.root, self._copy, self._stubs, self.temporary):
            path.mkdir()
        (self.home / 'without_rpyc').mkdir()
        (self.home / 'without_rpyc' / 'rpyc.py').write_text("raise ImportError('no rpyc')")
        shutil.copytree(SERVER, self._copy / 'server')
        for name, script in STUBS.items():
            path = self._stubs / name
            path.write_text(f'#!/bin/sh\n{script}\n')
            path.chmod(0o755)

    @property
    def source(self) -> Path:
        """Return the folder that is to be installed, on the owner's computer."""
        return self._copy / 'server'

    @property
    def place(self) -> Path:
        return self.root / 'opt' / 'devrobot_jetbot_server'

    @property
    def keys(self) -> Path:
        return self.root / 'etc' / 'devrobot_jetbot'

    @property
    def options(self) -> str:
        return (self.root / 'etc/default/devrobot_jetbot').read_text()

    def do(self, command: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            ['/bin/sh', '-c', command],
            cwd=self._copy,
            env={
                'PATH': f'{self._stubs}:/usr/bin:/bin',
                'HOME': str(self.home),
                'SUDO_USER': 'jetbot',
                'DESTDIR': str(self.root),
                'TMPDIR': str(self.temporary),
            },
            capture_output=True,
            text=True,
            check=False,
        )

    def install(self, arguments: str = 'wlan0') -> subprocess.CompletedProcess:
        copy, install = commands_of_the_docs()
        copied = self.do(copy)
        assert not copied.returncode, copied.stderr
        return self.do(install.replace('wlan0', arguments))


def commands_of_the_docs() -> tuple[str, str]:
    lines = DOCS.read_text(encoding='utf-8').splitlines()
    begin = lines.index('cd src/devrobot_robots/devrobot_robots/jetbot') + 1
    return lines[begin], lines[begin + 1]


@pytest.fixture
def robot(tmp_path) -> Robot:
    return Robot(tmp_path)


@pytest.fixture(scope='module')
def keys(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp('keys') / 'keys'
    assert make_keys.main([str(folder)]) == 0
    return folder


def test_what_is_installed_runs_with_the_options_that_were_given(robot, tmp_path):
    done = robot.install('wlan0 --max-speed 0.3')
    assert done.returncode == 0, done.stderr
    assert 'runs, without encryption' in done.stdout
    assert robot.options == 'OPTIONS=--interface wlan0 --max-speed 0.3\n'
    unit = (robot.root / 'etc/systemd/system/devrobot_jetbot.service').read_text()
    assert 'User=jetbot\n' in unit
    ready = tmp_path / 'port'
    options = robot.options.strip().partition('=')[2].replace('wlan0', 'lo').split()
    (tmp_path / 'jpeg').write_bytes(b'')
    server = subprocess.Popen(
        [
            sys.executable, '-m', 'devrobot_jetbot_server', *options, '--port', '0',
            '--port-file', str(ready), '--hardware', 'jetbot_plain_hardware',
            '--hardware-option', str(tmp_path),
        ],
        cwd=robot.place.parent,
        env={**os.environ, 'PYTHONPATH': str(Path(__file__).parent)},
    )  # fmt: skip
    try:
        wait(ready.exists, 'the server')
        client = connect_to(int(ready.read_text()))
        assert client.call('get_version')
        with pytest.raises(Exception, match='not between -0.3 and 0.3'):
            client.call('set_motors', 0.4, 0.0)
        client.close()
    finally:
        server.terminate()
        assert server.wait(10) == 0


@pytest.mark.parametrize(('arguments', 'rest'), [('', ''), ('--max-speed 0.3', '--max-speed 0.3')])
def test_without_an_interface_it_listens_on_the_robot_itself_only(robot, arguments, rest):
    done = robot.install(arguments)
    assert done.returncode == 0, done.stderr
    assert robot.options == f'OPTIONS=--interface 127.0.0.1 {rest}\n'
    assert 'for this robot alone' in done.stdout


def test_a_second_installation_installs_what_is_new(robot):
    assert not robot.install().returncode
    (robot.source / 'seats.py').unlink()
    version = robot.source / '__init__.py'
    version.write_text('VERSION = "devrobot_jetbot 2"\n')
    (robot.source / 'wire.py').write_text('Seats = RobotServer = MutualTls = None\n')
    (robot.source / 'cli.py').write_text('def main():\n    return 0\n')
    done = robot.install('eth0')
    assert not done.returncode, done.stderr
    assert (robot.place / '__init__.py').read_text() == version.read_text()
    assert not (robot.place / 'seats.py').exists()
    assert not list(robot.home.glob('devrobot_jetbot_server/server'))
    assert robot.options == 'OPTIONS=--interface eth0 \n'


def test_keys_are_moved_to_the_robots_own_place_and_tls_stays_on(robot, keys):
    shutil.copytree(keys / 'robot', robot.home / 'devrobot_jetbot_keys')
    done = robot.install()
    assert not done.returncode, done.stderr
    assert 'runs, with TLS' in done.stdout
    assert not (robot.home / 'devrobot_jetbot_keys').exists()
    files = {path.name: path for path in robot.keys.iterdir()}
    assert set(files) == {'ca.crt', 'server.crt', 'server.key'}
    assert stat.S_IMODE(files['server.key'].stat().st_mode) == 0o640
    assert stat.S_IMODE(robot.keys.stat().st_mode) == 0o750
    assert 'chown -R root:robots' in (robot.home / 'done').read_text()
    with_tls = 'OPTIONS=--interface wlan0 --tls /etc/devrobot_jetbot\n'
    assert robot.options == with_tls
    assert not robot.install().returncode  # as for a new version: the keys are there already
    assert robot.options == with_tls
    assert not robot.install('--no-tls wlan0').returncode
    assert robot.options == 'OPTIONS=--interface wlan0 \n'
    assert not robot.keys.exists()


@pytest.mark.parametrize(
    ('arguments', 'text'),
    [
        ('wlan0 --max-speed 7', '--max-speed is 7.0, must be between 0.01 and 1.0'),
        ('wlan0 --no-such-option', 'unrecognized arguments: --no-such-option'),
        ("wlan0 '--tls=/a b'", 'can be in an option'),
        ("'wlan0;true'", 'can be in an option'),
        ("'wlan0%h'", 'can be in an option'),
    ],
)
def test_wrong_options_are_refused_before_anything_changes(robot, arguments, text):
    command = f'sudo sh "$HOME/devrobot_jetbot_server/install.sh" {arguments}'
    robot.do(commands_of_the_docs()[0])
    refused = robot.do(command)
    assert (refused.returncode, text in refused.stderr) == (1, True), refused.stderr
    assert not list(robot.root.rglob('*'))
    assert not (robot.home / 'done').exists()  # nor was anything installed with pip
    assert not robot.install().returncode
    before = robot.options
    done = robot.do(command)
    assert (done.returncode, text in done.stderr) == (1, True)
    assert robot.options == before
    assert robot.place.is_dir() and not list(robot.place.parent.glob('*.new'))
    assert not list(robot.temporary.iterdir())
    assert (robot.home / 'done').read_text().count('systemctl restart') == 1
    assert (robot.home / 'done').read_text().count('pip') == 1


def test_keys_that_are_not_complete_or_copied_twice_are_refused(robot, keys):
    new_keys = robot.home / 'devrobot_jetbot_keys'
    shutil.copytree(keys / 'robot', new_keys)
    shutil.copytree(keys / 'robot', new_keys / 'robot')
    assert 'holds a folder' in robot.install().stderr
    shutil.rmtree(new_keys / 'robot')
    (new_keys / 'ca.crt').unlink()
    assert 'there is no ca.crt' in robot.install().stderr
    assert not robot.place.exists()


def test_a_server_that_does_not_start_is_told(robot):
    (robot.home / 'restart.fails').touch()
    done = robot.install()
    assert done.returncode == 1
    assert 'what the journal says' in done.stderr
    assert 'does not start' in done.stderr


def test_systemd_understands_the_unit(tmp_path):
    program = shutil.which('systemd-analyze')
    if program is None:
        pytest.skip('there is no systemd here')
    text = (SERVER / 'devrobot_jetbot.service').read_text()
    unit = tmp_path / 'devrobot_jetbot.service'
    unit.write_text(text.replace('@OWNER@', 'root').replace('/usr/bin/python3', '/bin/true'))
    result = subprocess.run(
        [program, 'verify', str(unit)], capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stderr) == (0, '')


def test_the_unit_stops_motors_with_the_options_of_the_server():
    text = (SERVER / 'devrobot_jetbot.service').read_text()
    run = text.partition('ExecStart=')[2].partition('\n')[0]
    stop = text.partition('ExecStopPost=')[2].partition('\n')[0]
    assert stop == run.replace(' $OPTIONS', ' --stop-motors $OPTIONS')
    assert 'KillMode=control-group\n' in text  # what kills the guard at once kills its stop

"""The parts of the on-robot server, each by itself."""

import ast
import logging
import os
from pathlib import Path
import sys
import threading

from devrobot_robots.jetbot.server import binding, cli, make_keys
from devrobot_robots.jetbot.server.camera import CameraLoop
from devrobot_robots.jetbot.server.control import Control, ControlError
from devrobot_robots.jetbot.server.guard import Guard, serve
from devrobot_robots.jetbot.server.quiet_log import SayOnce
import pytest
from robots_fakes import FakeClock

FOLDER = Path(cli.__file__).parent
LOG = logging.getLogger('test_jetbot_server')


class Motors:
    def __init__(self):
        self.told = []
        self.broken = 0

    def set(self, left, right):
        if self.broken:
            self.broken -= 1
            raise OSError('bus error')
        self.told.append((left, right))


@pytest.fixture
def guarded():
    motors, clock = Motors(), FakeClock()
    return Guard(motors, 0.5, clock.now), motors, clock


def test_a_command_holds_for_the_dead_man_time(guarded):
    guard, motors, clock = guarded
    assert guard.command(b'0.1 -0.2') == 'ok 0 0.1 -0.2'
    assert guard.wait_s() == pytest.approx(0.5)
    clock.time = 0.4
    assert guard.wait_s() == pytest.approx(0.1)
    guard.expire()
    assert motors.told == [(0.1, -0.2), (0.0, 0.0)]
    assert guard.wait_s() is None
    assert guard.command(b'?') == 'ok 1 0.0 0.0'


def test_asking_does_not_prolong_a_command(guarded):
    guard, _, clock = guarded
    guard.command(b'0.1 0.1')
    clock.time = 0.4
    guard.command(b'?')
    assert guard.wait_s() == pytest.approx(0.1)


@pytest.mark.parametrize('line', [b'', b'0.1', b'a b', b'0.1 0.1 0.1', b'\xff'])
def test_a_damaged_command_stops_the_motors(guarded, line):
    guard, motors, _ = guarded
    guard.command(b'0.1 0.1')
    assert guard.command(line).startswith('error 0 ')
    assert motors.told[-1] == (0.0, 0.0)


def test_a_stop_that_fails_is_tried_again_soon(guarded, capsys):
    guard, motors, clock = guarded
    guard.command(b'0.1 0.1')
    motors.broken = 2
    guard.expire()
    assert guard.wait_s() == pytest.approx(0.05)
    guard.expire()
    clock.time += 0.05
    guard.expire()
    assert motors.told[-1] == (0.0, 0.0)
    assert guard.wait_s() is None
    assert 'bus error' in capsys.readouterr().err


def test_lines_may_arrive_in_pieces(guarded):
    guard, motors, _ = guarded
    source, feed = os.pipe()
    answers, sink = os.pipe()
    worker = threading.Thread(target=serve, args=(guard, source, sink))
    worker.start()
    for piece in (b'0.1 ', b'0.2\n0.3 0', b'.4\n'):
        os.write(feed, piece)
    os.close(feed)
    worker.join(10)
    assert motors.told == [(0.1, 0.2), (0.3, 0.4)]
    assert os.read(answers, 100) == b'ok 0 0.1 0.2\nok 0 0.3 0.4\n'


def test_control_is_one_clients_until_it_leaves():
    control = Control(3.0, FakeClock().now)
    control.take('a', 'A')
    control.take('a', 'A')
    with pytest.raises(ControlError, match='controlled by A'):
        control.take('b', 'B')
    assert not control.release('b')
    assert control.release('a')
    control.take('b', 'B')
    assert control.holder() == 'B'


def test_a_silent_client_loses_control():
    clock = FakeClock()
    control = Control(3.0, clock.now)
    control.take('a', 'A')
    clock.time = 3.0
    assert control.holder() == ''
    control.take('b', 'B')
    with pytest.raises(ControlError, match='controlled by B'):
        control.take('a', 'A')


def test_the_log_says_a_thing_once_and_then_how_often():
    clock = FakeClock()
    once = SayOnce(clock.now)

    def passes(text, *args):
        record = logging.LogRecord('x', logging.INFO, '', 0, text, args, None)
        return record.getMessage() if once.filter(record) else None

    assert passes('welcome %s', 1) == 'welcome 1'
    assert [passes('welcome %s', number) for number in range(5)] == [None] * 5
    assert passes("accepted ('10.0.0.1', 5)") is not None
    assert passes("accepted ('10.0.0.1', 6)") is None
    clock.time = 10.0
    assert passes('welcome %s', 7) == 'welcome 7 (5 more like this were not shown)'


class OneShotCamera:
    """Fails after each third picture."""

    def __init__(self):
        self.left = 3

    def read(self):
        if not self.left:
            raise RuntimeError('no signal')
        self.left -= 1
        return b'picture'

    def close(self): ...


def test_a_camera_that_fails_is_opened_again(monkeypatch):
    monkeypatch.setattr('devrobot_robots.jetbot.server.camera.REOPEN_FIRST_S', 0.01)
    loop = CameraLoop(OneShotCamera, LOG)
    loop.restart()
    assert loop.fresh(10.0).jpeg == b'picture'
    with loop._changed:
        assert loop._changed.wait_for(lambda: loop.count >= 7, 10.0)
    loop.close()


def test_a_camera_that_hangs_is_left_behind_by_a_restart():
    hanging, release = threading.Event(), threading.Event()

    class Hanging:
        def read(self):
            hanging.set()
            release.wait(20)
            return b'late'

        def close(self): ...

    cameras = [Hanging(), OneShotCamera()]
    loop = CameraLoop(lambda: cameras.pop(0), LOG)
    loop.restart()
    assert hanging.wait(10)
    assert loop.fresh(0.05) is None
    loop.restart()
    with loop._changed:
        assert loop._changed.wait_for(lambda: loop.count >= 3, 10.0)
    release.set()
    loop.close()
    assert loop.newest(10.0).jpeg == b'picture'
    assert loop.restarts == 1


def test_only_loopback_or_an_interface_by_name_is_listened_on():
    assert binding.address_of('127.0.0.1') == binding.address_of('lo') == '127.0.0.1'
    for wrong in ('0.0.0.0', '192.168.1.7', '::', '::1'):
        with pytest.raises(binding.BindError, match='name the network interface instead'):
            binding.address_of(wrong)
    with pytest.raises(binding.BindError, match='no network interface; there are: .*lo'):
        binding.address_of('wlan7')


@pytest.mark.parametrize(
    ('options', 'text'),
    [
        (['--port', '70000'], '--port is 70000, must be between 0 and 65535'),
        (['--dead-man', 'nan'], '--dead-man is nan, must be between 0.05 and 5.0'),
        (['--max-speed', '2'], '--max-speed is 2.0'),
        (['--interface', '0.0.0.0'], '--interface is 0.0.0.0'),
        (['--tls', '/nowhere'], 'cannot read /nowhere/server.crt'),
        (['--hardware', 'no_such_module', '--stop-motors'], "No module named 'no_such_module'"),
    ],
)
def test_wrong_options_end_in_one_line_and_exit_code_1(options, text, capsys):
    assert cli.main(options) == 1
    error = capsys.readouterr().err
    assert text in error
    assert error.count('\n') == 1


def test_existing_keys_are_not_overwritten(tmp_path, capsys):
    assert make_keys.main([str(tmp_path)]) == 1
    assert 'exists already; nothing is overwritten' in capsys.readouterr().err


def test_keys_are_made_whole_or_not_at_all(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv('PATH', str(tmp_path))
    assert make_keys.main([str(tmp_path / 'keys')]) == 1
    assert 'no program openssl' in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize('path', sorted(FOLDER.glob('*.py')), ids=lambda path: path.name)
def test_the_server_is_written_for_python_3_6(path):
    tree = ast.parse(path.read_text(encoding='utf-8'), feature_version=(3, 6))
    modules = {
        (node.module or '').partition('.')[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level == 0
    }
    modules |= {
        alias.name.partition('.')[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    foreign = modules - set(sys.stdlib_module_names)
    allowed = {'wire.py': {'rpyc'}, 'jetbot_hardware.py': {'cv2', 'jetbot'}}
    assert foreign == allowed.get(path.name, set())

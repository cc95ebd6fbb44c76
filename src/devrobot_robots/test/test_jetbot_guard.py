"""The process that owns the motors: what it does with commands, and when it stops them."""

from contextlib import suppress
import os
from pathlib import Path
import subprocess
import sys
import threading

from devrobot_robots.jetbot.server.guard import Guard, MARGIN_S, serve
import pytest
from robots_fakes import FakeClock


class Motors:
    def __init__(self):
        self.told = []
        self.broken = 0
        self.lines = []

    def set(self, left, right):
        if self.broken:
            self.broken -= 1
            raise OSError('bus error')
        self.told.append((left, right))


@pytest.fixture
def guarded():
    motors, clock = Motors(), FakeClock()
    # A whole 0.5 s are left after the margin.
    return Guard(motors, 0.5 + MARGIN_S, clock.now, motors.lines.append), motors, clock


def test_a_command_holds_for_the_dead_man_time(guarded):
    guard, motors, clock = guarded
    assert guard.command(b'0.1 -0.2') == 'ok 0 0.1 -0.2'
    assert guard.wait_s() == pytest.approx(0.5)
    clock.time = 0.4
    assert guard.wait_s() == pytest.approx(0.1)
    guard.check()
    assert motors.told == [(0.1, -0.2)]
    clock.time = 0.6
    guard.check()
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


def test_a_stop_that_fails_is_tried_again_soon_and_told_every_ten_seconds(guarded):
    guard, motors, clock = guarded
    guard.command(b'0.1 0.1')
    motors.broken = 240
    clock.time = 0.6
    guard.check()
    assert guard.wait_s() == pytest.approx(0.05)
    assert guard.command(b'?') == 'ok 1 0.1 0.1'
    while motors.broken:
        clock.time += 0.051
        guard.check()
    clock.time += 0.051
    guard.check()
    assert motors.told[-1] == (0.0, 0.0)
    assert guard.wait_s() is None
    assert guard.command(b'?') == 'ok 1 0.0 0.0'
    failure = 'cannot stop the motors, trying on: OSError: bus error'
    assert motors.lines == [failure, failure, 'the motors are stopped, after 240 failures']


def test_a_command_that_fails_stops_the_motors(guarded):
    guard, motors, _ = guarded
    guard.command(b'0.1 0.1')
    motors.broken = 1
    assert guard.command(b'0.2 0.2') == 'error 0 OSError: bus error'
    assert motors.told[-1] == (0.0, 0.0)
    assert guard.wait_s() is None


def test_a_flood_of_questions_does_not_put_off_the_stop(tmp_path):
    class Running(FakeClock):
        def now(self):
            self.time += 0.05
            return self.time

    motors = Motors()
    guard = Guard(motors, 0.5, Running().now, motors.lines.append)
    commands = tmp_path / 'commands'
    # Many more than are read at a time: there is always a next one.
    commands.write_bytes(b'0.1 0.1\n' + b'?\n' * 100_000)
    with commands.open('rb') as source, Path(os.devnull).open('wb') as sink:
        serve(guard, source.fileno(), sink.fileno())
    assert motors.told == [(0.1, 0.1), (0.0, 0.0)]


def test_a_server_that_does_not_read_answers_ends_the_guard_and_not_the_stop(tmp_path):
    """A pipe that is full must not hold the guard in a write."""
    (tmp_path / 'motors').write_text('')
    guard = subprocess.Popen(
        [
            sys.executable, '-m', 'devrobot_robots.jetbot.server.guard', '--dead-man', '0.5',
            '--hardware', 'jetbot_plain_hardware', '--hardware-option', str(tmp_path),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, 'PYTHONPATH': os.pathsep.join(sys.path)},
    )  # fmt: skip
    try:
        assert guard.stdout.readline() == b'ready\n'
        command = b'0.1 0.1\n' * 10_000
        with suppress(BrokenPipeError):
            guard.stdin.write(command)
            guard.stdin.flush()
        assert guard.wait(10.0) == 0
        assert (tmp_path / 'motors').read_text() == '0.0 0.0'
    finally:
        guard.kill()
        guard.wait()
        guard.stdout.close()
        with suppress(BrokenPipeError):
            guard.stdin.close()


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

"""The server's side of the motors: who may set them, and what happens when the guard is lost."""

import logging
import os
from pathlib import Path
import signal
import sys
import threading

from devrobot_robots.jetbot.server.control import Control
from devrobot_robots.jetbot.server.motors import GuardedMotors, MotorError
from devrobot_robots.jetbot.server.service import RobotParts
from jetbot_worlds import wait
import pytest
from robots_fakes import FakeClock

LOG = logging.getLogger('test_jetbot_motors')


@pytest.fixture
def motors(tmp_path):
    motors = GuardedMotors('jetbot_plain_hardware', str(tmp_path), 0.5, LOG)
    motors.open()
    yield motors
    motors.close()


def speeds(folder: Path) -> str:
    return (folder / 'motors').read_text()


def moves(motors: GuardedMotors) -> bool:
    try:
        motors.set(0.1, 0.1)
    except MotorError:
        return False
    return True


def test_a_guard_that_cannot_be_started_is_tried_again(motors, tmp_path, caplog):
    motors.set(0.1, 0.1)
    command = motors._command
    motors._command = ['/nowhere/python']  # as where there is no memory for another process
    os.kill(motors._guard.pid, signal.SIGKILL)
    wait(lambda: 'No such file' in caplog.text, 'the fault')
    assert speeds(tmp_path) == '0.0 0.0'
    with pytest.raises(MotorError, match='again'):
        motors.set(0.1, 0.1)
    motors._command = command
    wait(lambda: moves(motors), 'the next guard')
    assert speeds(tmp_path) == '0.1 0.1'


READY_IF_SAFE = """
import signal
from devrobot_robots.jetbot.server.guard import SIGNALS
print('ready' if signal.pthread_sigmask(signal.SIG_BLOCK, ()) >= set(SIGNALS) else 'at risk')
"""


def test_a_guard_takes_no_signal_from_its_first_moment_on(tmp_path):
    motors = GuardedMotors('jetbot_plain_hardware', str(tmp_path), 0.5, LOG)
    motors._command = [sys.executable, '-c', READY_IF_SAFE]
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    motors._start().communicate()  # which is refused where it does not say that it is ready
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before


def test_who_moved_hears_that_the_motion_was_ended(motors, tmp_path, caplog):
    motors.set(0.1, 0.1)
    os.kill(motors._guard.pid, signal.SIGKILL)
    wait(lambda: 'another starts' in caplog.text, 'the next guard')
    wait(lambda: has_guard(motors), 'the next guard')
    with pytest.raises(MotorError, match='had to be started again'):
        motors.set(0.1, 0.1)
    assert speeds(tmp_path) == '0.0 0.0'
    motors.set(0.1, 0.1)
    assert speeds(tmp_path) == '0.1 0.1'


def test_a_guard_that_is_lost_while_nothing_moves_costs_no_motion(motors, caplog):
    os.kill(motors._guard.pid, signal.SIGKILL)
    wait(lambda: has_guard(motors) and 'another starts' in caplog.text, 'the next guard')
    motors.set(0.1, 0.1)


def has_guard(motors: GuardedMotors) -> bool:
    try:
        motors.state()
    except MotorError:
        return False
    return True


def test_motors_that_are_closed_rest_and_cannot_be_set(motors, tmp_path):
    motors.set(0.1, 0.1)
    motors.close()
    motors.close()
    assert speeds(tmp_path) == '0.0 0.0'
    with pytest.raises(MotorError, match='is ending'):
        motors.set(0.1, 0.1)


class Told:
    """Motors that remember."""

    def __init__(self):
        self.speeds = []

    def set(self, left, right):
        self.speeds.append((left, right))


def test_a_stop_cannot_slip_between_the_leave_to_move_and_the_motion():
    is_asked, may_go_on = threading.Event(), threading.Event()

    class SlowControl(Control):
        def take(self, client, name):
            super().take(client, name)
            is_asked.set()
            may_go_on.wait(0.2)

    told = Told()
    parts = RobotParts(told, None, SlowControl(3.0, FakeClock().now), 0.5, LOG)
    mover = threading.Thread(target=parts.move, args=('a', 'A', 0.1, 0.1))
    mover.start()
    assert is_asked.wait(10.0)
    parts.stop('b', 'B')
    may_go_on.set()
    mover.join(10.0)
    assert told.speeds == [(0.1, 0.1), (0.0, 0.0)]

"""Driving by hand between actions."""

import threading

from devrobot_interfaces_py.actions import Phase
from devrobot_robots.driving import DrivingExecutor
from devrobot_robots.outcomes import Answer
from jetbot_worlds import wait
import pytest
from robots_fakes import DEADLINE_S, FakeClock, FakeRobot, Record


class DrivableRobot(FakeRobot):
    def __init__(self):
        super().__init__()
        self.driven = []

    def drive(self, linear, angular):
        self.motor_runs = True
        self.driven.append((linear, angular))


@pytest.fixture
def bench():
    robot, record, clock = DrivableRobot(), Record(), FakeClock()
    executor = DrivingExecutor(
        robot, record.outputs, clock=clock, stamp_ns=clock.now_ns, max_duration_s=10.0
    )
    executor.start()
    record.wait(lambda: record.stamps)
    yield executor, robot, record, clock
    robot.on_execute = lambda should_stop: None
    assert executor.shutdown()
    assert not robot.motor_runs


def test_a_velocity_is_followed_for_half_a_second_and_then_a_reset_is_told(bench):
    executor, robot, record, clock = bench
    assert executor.drive(0.1, -0.5) == ''
    record.wait(lambda: record.events and record.told[-1] in record.stamps)
    assert set(robot.driven) == {(0.1, -0.5)}
    assert clock.time == pytest.approx(0.5, abs=0.03)
    assert not robot.motor_runs
    assert [(e.phase, e.message) for e in record.events] == [(Phase.RESET, 'driven by hand')]


def test_it_is_refused_while_an_action_runs_or_the_driver_is_inactive(bench):
    executor, robot, record, _ = bench
    release = robot.hold()
    executor.submit(1)
    record.wait_for_phase(Phase.STARTED)
    assert executor.drive(0.1, 0.0) == 'action 1 is not over'
    release.set()
    record.wait_for_phase(Phase.FINISHED)
    executor.shutdown()
    assert executor.drive(0.1, 0.0) == 'the driver is not active'
    assert robot.driven == []


def test_an_action_ends_driving_and_a_reset_stands_between(bench):
    executor, robot, record, clock = bench
    clock.sleep = lambda seconds: None  # time stands still: the velocity never gets stale
    executor.drive(0.1, 0.0)
    record.wait(lambda: robot.driven)
    assert executor.submit(1).answer is Answer.ACCEPTED
    record.wait_for_phase(Phase.FINISHED, 1)
    phases = [event.phase for event in record.events]
    assert phases == [Phase.ACCEPTED, Phase.RESET, Phase.STARTED, Phase.FINISHED]


@pytest.mark.parametrize('end', ['stop', 'standstill'])
def test_a_stop_or_standing_still_ends_driving(bench, end):
    executor, robot, record, clock = bench
    clock.sleep = lambda seconds: None
    executor.drive(0.1, 0.0)
    record.wait(lambda: robot.driven)
    if end == 'stop':
        executor.stop()
    else:
        executor.drive(0.0, 0.0)
    record.wait(lambda: record.events)
    assert not robot.motor_runs


@pytest.fixture
def hanging(bench):
    """Let the camera hang until the test is over; return an event: somebody waits for it."""
    _, robot, _, _ = bench
    waits, release = threading.Event(), threading.Event()
    observe = robot.observe

    def observe_late():
        waits.set()
        assert release.wait(3 * DEADLINE_S)  # longer than a test waits for anything
        return observe()

    robot.observe = observe_late
    yield waits
    release.set()


@pytest.mark.parametrize('end', ['stop', 'standstill', 'silence'])
def test_no_end_of_driving_waits_for_the_camera(bench, hanging, end):
    executor, robot, record, clock = bench
    sleep, clock.sleep = clock.sleep, lambda seconds: None
    executor.drive(0.1, 0.0)
    assert hanging.wait(DEADLINE_S)
    frames = len(record.stamps)
    if end == 'stop':
        executor.stop()
    elif end == 'standstill':
        executor.drive(0.0, 0.0)
    else:
        clock.sleep = sleep  # time goes on, and no further velocity comes
    wait(lambda: not robot.motor_runs, 'the motors to stop')
    assert len(record.stamps) == frames


def test_velocities_go_out_while_the_camera_hangs(bench, hanging):
    executor, robot, _, clock = bench
    clock.sleep = lambda seconds: None
    executor.drive(0.1, 0.0)
    assert hanging.wait(DEADLINE_S)
    executor.drive(0.2, 0.0)
    wait(lambda: robot.driven[-1] == (0.2, 0.0), 'the new velocity')


def test_a_robot_that_cannot_is_told_once():
    robot, record, clock = FakeRobot(), Record(), FakeClock()
    executor = DrivingExecutor(robot, record.outputs, clock=clock, stamp_ns=clock.now_ns)
    executor.start()
    executor.drive(0.1, 0.0)
    record.wait(lambda: record.problems)
    assert record.problems == ['driving by hand: this robot cannot follow a velocity']
    executor.shutdown()

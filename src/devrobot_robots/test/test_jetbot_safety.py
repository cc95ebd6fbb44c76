"""
Whatever breaks, the motors stop on the robot's side, and the driver says so and finds it again.

Every fault here is a real one: processes are killed or frozen, cables are cut. The time until the
motors rest is measured, from the fault to the command that stopped them, by the log of the motors.
"""

import os
import signal
import subprocess
import sys
import time

from devrobot_interfaces_py.actions import Phase
from devrobot_robots.clock import SystemClock
from devrobot_robots.robot import Level, RobotError
from jetbot_servers import connect_to, ENDING, first_stop_after_s, in_time, stop_after_s
from jetbot_worlds import Acting, DEADLINE_S, FAR, wait
import pytest
from robots_fakes import make_executor, Record

BRIDGE = """
import sys
from devrobot_robots.clock import SystemClock
from devrobot_robots.jetbot.config import JetBotConfig
from devrobot_robots.jetbot.robot import JetBotRobot
config = JetBotConfig(
    host='127.0.0.1', port=int(sys.argv[1]), actions=('stay 0 0', 'far 0.1 0.1 8.0')
)
robot = JetBotRobot.from_config(config, clock=SystemClock(), name='jetbot')
robot.connect()
robot.execute(1, lambda: False)
"""


def recovers(robot) -> None:
    """The driver finds the robot by itself, and drives it."""
    wait(lambda: robot.health()[0].level is Level.OK, 'the connection')

    def drives() -> bool:
        try:
            robot.execute(1, lambda: False)
            robot.observe()
        except RobotError:
            return False
        return True

    wait(drives, 'the robot to be driven again')


def move(jetbots):
    """Return a server, a cable, a robot behind it, and its long action, which has begun."""
    server = jetbots.server()
    cable = jetbots.cable(server.port)
    robot = jetbots.robot(cable.port)
    acting = Acting(robot, FAR)
    wait(server.turns, 'motion')
    return server, cable, robot, acting


@in_time
def test_the_server_is_killed(jetbots) -> float:
    server, _, robot, acting = move(jetbots)
    now = time.monotonic()
    server.process.kill()
    server.process.wait()
    time_s = stop_after_s(server, now)
    assert isinstance(acting.join(), RobotError)
    assert robot.health()[0].level is Level.ERROR
    server.start()
    recovers(robot)
    return time_s


@in_time
def test_the_server_freezes(jetbots) -> float:
    server, _, robot, acting = move(jetbots)
    now = time.monotonic()
    server.process.send_signal(signal.SIGSTOP)
    time_s = stop_after_s(server, now)
    assert 'does not answer' in str(acting.join())
    assert robot.health()[0].level is Level.ERROR
    server.process.send_signal(signal.SIGCONT)
    recovers(robot)
    assert not server.turns()
    return time_s


@in_time
def test_the_network_is_cut(jetbots) -> float:
    server, cable, robot, acting = move(jetbots)
    now = time.monotonic()
    cable.is_cut = True
    time_s = stop_after_s(server, now)
    assert 'does not answer' in str(acting.join())
    cable.is_cut = False
    recovers(robot)
    return time_s


@in_time
def test_the_network_is_so_slow_that_commands_come_too_late(jetbots) -> float:
    server = jetbots.server()
    cable = jetbots.cable(server.port)
    robot = jetbots.robot(cable.port, call_timeout=0.4)
    acting = Acting(robot, FAR)
    wait(server.turns, 'motion')
    now = time.monotonic()
    cable.delay_s = 1.0
    time_s = first_stop_after_s(server, now)
    assert 'does not answer' in str(acting.join())
    cable.delay_s = 0.0
    recovers(robot)
    return time_s


@pytest.mark.parametrize('number', [signal.SIGKILL, signal.SIGSTOP])
@in_time
def test_the_driver_is_killed_or_freezes(jetbots, number) -> float:
    server = jetbots.server()
    bridge = subprocess.Popen(
        [sys.executable, '-c', BRIDGE, str(server.port)],
        env={**os.environ, 'PYTHONPATH': os.pathsep.join(sys.path)},
    )
    try:
        wait(server.turns, 'motion')
        now = time.monotonic()
        bridge.send_signal(number)
        time_s = stop_after_s(server, now)
    finally:
        bridge.kill()
        bridge.wait()
    recovers(jetbots.robot(server.port))
    return time_s


@pytest.mark.parametrize('number', [signal.SIGKILL, signal.SIGSTOP])
@in_time
def test_the_process_of_the_motors_is_killed_or_freezes_while_commands_come(
    jetbots, number
) -> float:
    server, _, robot, acting = move(jetbots)
    guard = server.guard_id()
    now = time.monotonic()
    os.kill(guard, number)
    time_s = stop_after_s(server, now)
    assert 'the robot refuses' in str(acting.join())
    recovers(robot)
    assert server.guard_id() != guard
    return time_s


@pytest.mark.parametrize('number', [signal.SIGKILL, signal.SIGSTOP])
@in_time
def test_it_is_killed_or_freezes_while_no_command_comes_any_more(jetbots, number) -> float:
    server, cable, robot, acting = move(jetbots)
    cable.is_cut = True
    now = time.monotonic()
    os.kill(server.guard_id(), number)
    time_s = stop_after_s(server, now)
    acting.join()
    cable.is_cut = False
    recovers(robot)
    return time_s


def test_an_exception_in_the_middle_of_a_ramp(jetbots):
    server = jetbots.server()
    robot = jetbots.robot(server.port)

    def fail_when_it_moves() -> bool:
        if server.turns():
            raise ZeroDivisionError('a fault in the middle')
        return False

    with pytest.raises(ZeroDivisionError):
        robot.execute(FAR, fail_when_it_moves)
    assert not server.turns()
    recovers(robot)


@in_time
def test_a_client_that_vanishes_leaves_control_to_the_next_one(jetbots) -> float:
    server = jetbots.server('--silence', '2')
    cable = jetbots.cable(server.port)
    jetbots.robot(cable.port).drive(0.1, 0.0)
    assert server.turns()
    now = time.monotonic()
    cable.is_cut = True
    time_s = stop_after_s(server, now)
    refusal = raises(jetbots.loose_robot(server.port).connect)
    assert 'the robot is controlled by 127.0.0.1:' in refusal and 'running' not in refusal
    recovers(jetbots.robot(server.port, wait_for_robot=DEADLINE_S))
    return time_s


def test_a_server_that_lingers_lets_its_client_stop_the_robot_and_leave(jetbots):
    server = jetbots.server('--linger', '15')
    robot = jetbots.robot(server.port)
    robot.drive(0.1, 0.0)
    server.process.send_signal(signal.SIGINT)
    assert server.process.poll() is None
    robot.stop()
    assert not server.turns()
    time.sleep(0.2)  # long enough for one that does not linger to be gone
    robot.stop()
    robot.close()
    assert server.process.wait(10.0) == 0


def raises(call) -> str:
    try:
        call()
    except RobotError as error:
        return str(error)
    return ''


def test_of_two_clients_the_second_is_refused_but_may_stop_the_robot(jetbots):
    server, _, robot, acting = move(jetbots)
    refusal = raises(jetbots.loose_robot(server.port).connect)
    assert 'the robot is controlled by 127.0.0.1:' in refusal and '\n' not in refusal
    other = connect_to(server.port)
    with pytest.raises(RobotError, match='controlled by'):
        other.call('set_motors', 0.1, 0.1)
    assert server.turns()
    assert other.call('set_motors', 0.0, 0.0) is True
    stop_s = time.monotonic()
    assert not server.turns()
    other.close()
    # The action goes on telling its speed, and does not get the robot to move again.
    assert 'the robot was stopped by 127.0.0.1:' in str(acting.join())
    time.sleep(0.5)
    assert not [moment for moment, *speeds in server.commands() if moment > stop_s and any(speeds)]
    recovers(robot)


@pytest.mark.parametrize('number', ENDING)
@in_time
def test_a_server_that_is_told_to_end_stops_the_motors(jetbots, number) -> float:
    server, _, _, acting = move(jetbots)
    now = time.monotonic()
    server.process.send_signal(number)
    assert server.process.wait(10) == 0
    time_s = stop_after_s(server, now)
    acting.join()
    return time_s


def test_the_executor_aborts_the_action_and_goes_on_afterwards(jetbots, caplog):
    server = jetbots.server()
    robot = jetbots.robot(server.port)
    record = Record()
    executor = make_executor(robot, record, SystemClock())
    executor.start()
    executor.submit(FAR)
    wait(server.turns, 'motion')
    server.process.kill()
    server.process.wait()
    event = record.wait_for_phase(Phase.ABORTED, 1)
    assert 'the connection ended' in event.message
    wait(lambda: executor.health().camera_problem, 'the camera to be missed')
    server.start()
    wait(lambda: robot.health()[0].level is Level.OK, 'the connection')
    executor.submit(1)
    record.wait_for_phase(Phase.FINISHED, 2)
    record.wait(lambda: record.told[-1] in record.stamps)
    assert executor.shutdown()
    # One line each, however many parts of the driver noticed it.
    lost, back = [record.message for record in caplog.records]
    assert 'is lost: the connection ended' in lost and lost.endswith('it is tried again')
    assert back.endswith('is back')
    assert record.problems == []


def test_a_robot_that_is_lost_does_not_flood_events(jetbots):
    server = jetbots.server()
    robot = jetbots.robot(server.port)
    server.process.kill()
    server.process.wait()
    wait(lambda: robot.health()[0].level is Level.ERROR, 'the loss')
    begin = time.monotonic()
    assert raises(lambda: robot.execute(1, lambda: False))
    assert time.monotonic() - begin > 0.9


def test_closing_twice_and_before_connecting_is_allowed(jetbots):
    robot = jetbots.loose_robot(1)
    robot.close()
    robot = jetbots.robot(jetbots.server().port)
    robot.close()
    robot.close()
    with pytest.raises(RobotError, match='no connection to'):
        robot.execute(0, lambda: True)

"""The driver against real servers over real RPyC."""

import json
import socket
import threading

from devrobot_robots.jetbot.peer import Peer
from devrobot_robots.robot import Level, ResetUnsupportedError, RobotError
from jetbot_servers import connect_to
from jetbot_worlds import Acting, DEADLINE_S, FAR, wait
import numpy as np
import pytest

TURN = 1


def never() -> bool:
    return False


def test_an_action_moves_the_robot_and_staying_does_not(jetbots):
    server = jetbots.server()
    robot = jetbots.robot(server.port)
    before = robot.observe()[''].pixels.astype(int)
    robot.execute(0, never)
    assert server.state.now().heading == 0.0
    robot.execute(TURN, never)
    assert server.state.now().heading == pytest.approx(0.16, abs=0.08)
    assert not server.turns()
    after = robot.observe()[''].pixels.astype(int)
    assert after.shape == (224, 224, 3)
    assert np.abs(after - before).mean() > 5


@pytest.mark.parametrize(
    ('declared', 'turn', 'way'),
    [('left 0 0.12', 1, 1), ('right 0.12 0', -1, 1), ('back -0.12 -0.12 0.3', 0, -1)],
)
def test_a_declared_action_goes_where_its_motors_say(jetbots, declared, turn, way):
    server = jetbots.server()
    robot = jetbots.robot(server.port, actions=('stay 0 0', declared))
    robot.execute(1, never)
    pose = server.state.now()
    assert pose.heading * turn > 0.05 if turn else abs(pose.heading) < 0.02
    assert pose.x * way > 0.005
    assert not server.turns()


def test_the_motors_follow_the_ramp(jetbots, tmp_path):
    (tmp_path / '1').mkdir()
    log = tmp_path / '1' / 'state.log'
    log.touch()
    robot = jetbots.robot(jetbots.server().port)
    log.write_text('')
    robot.execute(TURN, never)
    speeds = [float(line.split()[2]) for line in log.read_text().splitlines()]
    assert speeds == pytest.approx([0.03, 0.06, 0.09, 0.12, 0.12, 0.09, 0.06, 0.03, 0.0])


def test_a_picture_is_newer_than_the_motion_before_it(jetbots):
    server = jetbots.server()
    robot = jetbots.robot(server.port)
    for _ in range(5):
        robot.execute(TURN, never)
        first, second = (robot.observe()[''].pixels[:-16].astype(int) for _ in range(2))
        assert np.abs(first - second).mean() < 1.0


def test_a_stopped_action_stops_the_motors_and_returns(jetbots):
    server = jetbots.server()
    robot = jetbots.robot(server.port)
    acting = Acting(robot, FAR)
    wait(server.turns, 'motion')
    acting.stop.set()
    assert acting.join() is None
    assert not server.turns()


def test_a_long_action_is_not_ended_by_the_dead_man_timer(jetbots):
    server = jetbots.server()
    robot = jetbots.robot(server.port, actions=('stay 0 0', 'on 0.02 0.02 1.2'))
    robot.execute(1, never)
    assert '"dead_man_stops": 0' in robot._link.camera('get_health')
    assert server.state.now().x == pytest.approx(0.019, rel=0.3)


def test_a_velocity_drives_it_within_its_speed_limit(jetbots):
    server = jetbots.server()
    robot = jetbots.robot(server.port, max_speed=0.4, top_speed=0.5)
    robot.drive(0.1, 0.0)
    pose = server.state.read()[0]
    assert (pose.left, pose.right) == pytest.approx((0.2, 0.2))
    robot.drive(1.0, 10.0)
    pose = server.state.read()[0]
    assert pose.right == pytest.approx(0.4)
    assert pose.left == pytest.approx(0.1)
    with pytest.raises(RobotError, match='not finite'):
        robot.drive(float('nan'), 0.0)
    robot.stop()
    assert not server.turns()


def test_trims_hold_for_velocities_too(jetbots):
    server = jetbots.server()
    robot = jetbots.robot(server.port, top_speed=0.5, left_trim=0.1, right_trim=-0.1)
    robot.drive(0.1, 0.0)
    pose = server.state.read()[0]
    assert (pose.left, pose.right) == pytest.approx((0.22, 0.18))
    robot.drive(1.0, 0.0)
    pose = server.state.read()[0]
    assert (pose.left, pose.right) == pytest.approx((0.5, 0.5 * 0.9 / 1.1))
    robot.stop()


def test_it_tells_its_health_and_cannot_be_reset(jetbots):
    robot = jetbots.robot(jetbots.server().port)
    (part,) = robot.health()
    assert (part.part, part.level, part.message) == ('connection', Level.OK, 'connected')
    assert part.values['server'] == 'devrobot_jetbot 1'
    with pytest.raises(ResetUnsupportedError, match='carry it there'):
        robot.reset()
    robot.close()
    (part,) = robot.health()
    assert (part.level, part.message, part.values['server']) == (Level.ERROR, 'closed', 'unknown')


def test_nobody_there_is_one_line_that_says_what_to_look_at(jetbots):
    with socket.create_server(('127.0.0.1', 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(RobotError, match='cannot connect to 127.0.0.1:.*is its server running'):
        jetbots.robot(port)


def test_a_server_that_is_still_starting_is_waited_for(jetbots):
    server = jetbots.server()
    server.process.kill()
    server.process.wait()
    starting = threading.Timer(0.5, server.start)
    starting.start()
    robot = jetbots.robot(server.port, wait_for_robot=DEADLINE_S)
    assert robot.observe()
    starting.join()


def test_who_waits_for_another_driver_to_leave_says_so_once_and_asks_seldom(jetbots, caplog):
    server = jetbots.server()
    cable = jetbots.cable(server.port)
    other = jetbots.robot(server.port)
    leaving = threading.Timer(2.5, other.close)
    leaving.start()
    robot = jetbots.robot(cable.port, wait_for_robot=DEADLINE_S)
    leaving.join()
    assert robot.observe()
    (line,) = [record.message for record in caplog.records if 'waited for' in record.message]
    assert 'the robot is controlled by 127.0.0.1:' in line and line.endswith('up to 20 s')
    # Each try is one connection, once a second; the last has two.
    assert cable.connections <= 6


def test_a_host_that_does_not_answer_is_given_up_in_time(jetbots):
    with socket.socket() as silent:  # accepts by the kernel, says nothing
        silent.bind(('127.0.0.1', 0))
        silent.listen(5)
        with pytest.raises(RobotError, match='does not answer get_version in time'):
            jetbots.robot(silent.getsockname()[1], call_timeout=0.3)


def test_a_robot_that_is_closed_while_it_connects_is_not_connected_in_the_end(jetbots):
    server = jetbots.server()
    cable = jetbots.cable(server.port)
    cable.delay_s = 0.15
    robot = jetbots.loose_robot(cable.port)
    errors = []

    def connect() -> None:
        try:
            robot.connect()
        except RobotError as error:
            errors.append(str(error))

    connecting = threading.Thread(target=connect, daemon=True)
    connecting.start()
    wait(lambda: cable.connections, 'the connection to begin')
    robot.close()
    connecting.join(DEADLINE_S)
    assert errors == ['it was closed before it could be reached']
    assert not robot._link.is_up
    cable.delay_s = 0.0
    wait(lambda: not controller_of(server), 'control to be given back')


def controller_of(server) -> str:
    """Return who controls the robot."""
    client = connect_to(server.port)
    try:
        return json.loads(client.call('get_health'))['controlled_by']
    finally:
        client.close()


def test_both_connections_are_heard_by_the_server_when_it_is_connected(jetbots, monkeypatch):
    """A server that is full ends those first that never said anything."""
    heard = []
    ping = Peer.ping

    def noted(peer: Peer, timeout_s: float) -> None:
        ping(peer, timeout_s)
        heard.append(peer)

    monkeypatch.setattr(Peer, 'ping', noted)
    robot = jetbots.robot(jetbots.server().port)
    assert heard == [robot._link._present().camera]

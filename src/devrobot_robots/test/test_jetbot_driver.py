"""The driver against real servers over real RPyC."""

import os
from pathlib import Path
import socket
import struct
import subprocess
import sys
import threading

from devrobot_robots.jetbot.peer import SUPPORTED
from devrobot_robots.jetbot.server import make_keys
from devrobot_robots.robot import Level, ResetUnsupportedError, RobotError
from jetbot_worlds import Acting, DEADLINE_S, FAR, wait
import numpy as np
import pytest
import rpyc

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


def test_a_host_that_does_not_answer_is_given_up_in_time(jetbots):
    with socket.socket() as silent:  # accepts by the kernel, says nothing
        silent.bind(('127.0.0.1', 0))
        silent.listen(5)
        with pytest.raises(RobotError, match='does not answer get_version in time'):
            jetbots.robot(silent.getsockname()[1], call_timeout=0.3)


# --- servers that JetBots already have ---------------------------------------------------------


def test_an_older_server_is_driven_too(jetbots):
    port, told = jetbots.legacy()
    robot = jetbots.robot(port, camera_delay=0.0)
    robot.execute(TURN, never)
    assert robot.observe()[''].pixels.shape == (24, 40, 3)
    robot.close()
    wait(lambda: len(told) >= 13, 'all that the motors were told')
    speeds = [float(line.split()[1]) for line in told]
    # The greeting stops; the ramp; closing stops; each of the two connections' ends stops.
    assert speeds[:10] == pytest.approx([0.0, 0.03, 0.06, 0.09, 0.12, 0.12, 0.09, 0.06, 0.03, 0.0])
    assert set(speeds[10:]) == {0.0}


def test_an_older_server_is_warned_of(jetbots, caplog):
    port, _ = jetbots.legacy()
    robot = jetbots.robot(port)
    warning = 'an older one, which lets the motors run on when the network is cut'
    assert [r.levelname for r in caplog.records if warning in r.getMessage()] == ['WARNING']
    (part,) = robot.health()
    assert part.level is Level.WARN and warning in part.message


def test_the_camera_of_an_older_server_comes_back_after_another_client_has_left(jetbots):
    port, _ = jetbots.legacy()
    # A pause in which the server surely notices the end of the old connections.
    robot = jetbots.robot(port, camera_delay=0.0, retry_first=0.5, retry_most=0.5)
    assert robot.observe()
    other = jetbots.robot(port)
    other.close()

    def fails() -> bool:
        try:
            robot.observe()
        except RobotError as error:
            return 'the camera gives no picture' in str(error)
        return False

    wait(fails, 'the camera to be closed')
    wait(lambda: robot.health()[0].values['losses'] == '1', 'the connections to end')
    wait(lambda: robot.health()[0].level is Level.WARN, 'new ones')
    assert robot.observe()


def test_an_older_server_is_found_again_with_motors_and_camera_after_the_network_was_cut(jetbots):
    port, told = jetbots.legacy()
    cable = jetbots.cable(port)
    robot = jetbots.robot(cable.port, camera_delay=0.0, call_timeout=0.5)
    acting = Acting(robot, FAR)
    wait(lambda: '0.1 0.1\n' in told, 'motion')
    cable.is_cut = True
    assert 'does not answer' in str(acting.join())
    cable.is_cut = False

    def works() -> bool:
        try:
            robot.execute(TURN, never)
            return bool(robot.observe())
        except RobotError:
            return False

    wait(works, 'motors and camera')
    wait(lambda: told[-1].startswith('0.0 0.0'), 'rest')


@pytest.mark.parametrize(
    ('behaviour', 'text'),
    [
        ('blind', 'the camera gives no picture'),
        ('object', 'with an object, not with a value'),
        ('nonsense', 'bytes that are no JPEG'),
        ('frozen', 'the camera is frozen'),
    ],
)
def test_a_camera_that_fails_is_told_and_the_motors_go_on(jetbots, behaviour, text):
    port, _ = jetbots.legacy(behaviour)
    robot = jetbots.robot(port, camera_delay=0.0, frozen_after=0.2)
    problems = []

    def failed() -> bool:
        try:
            robot.observe()
        except RobotError as error:
            problems.append(str(error))
        return bool(problems)

    wait(failed, 'a problem')
    assert text in problems[0] and '\n' not in problems[0]
    robot.execute(TURN, never)


RPYC_6 = b'\x00\x00\x00\x08\x00\x01\x11P\x11R\x11Q\x02\n'


def rpyc_6_answer(connection: socket.socket) -> None:
    """Answer a request as rpyc 6.0.2 did when it was recorded: it asks to close."""
    length, _ = struct.unpack('!LB', connection.recv(5, socket.MSG_WAITALL))
    connection.recv(length + 1, socket.MSG_WAITALL)
    connection.sendall(RPYC_6)
    connection.close()


def test_a_server_with_rpyc_6_is_refused_in_one_line_that_says_why(jetbots):
    with socket.create_server(('127.0.0.1', 0)) as listener:

        def serve() -> None:
            motors, _ = listener.accept()
            rpyc_6_answer(motors)

        threading.Thread(target=serve, daemon=True).start()
        with pytest.raises(RobotError, match='the server speaks rpyc 6 .*; install rpyc 5'):
            jetbots.robot(listener.getsockname()[1])


CONNECT = """
from devrobot_robots.jetbot.peer import Address, connect
from devrobot_robots.robot import RobotError
try:
    connect(Address(host='127.0.0.1', port=1, connect_timeout_s=1.0, call_timeout_s=1.0))
except RobotError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ('source', 'text'),
    [
        (
            "__version__ = '6.0.2'",
            'rpyc 6.0.2 is installed, which does not understand the rpyc 5 of a JetBot',
        ),
        ("raise ImportError('gone')", 'the package rpyc is missing'),
    ],
)
def test_a_computer_without_rpyc_5_is_told_what_to_install(tmp_path, source, text):
    (tmp_path / 'rpyc.py').write_text(source)
    output = subprocess.run(
        [sys.executable, '-c', CONNECT],
        env={**os.environ, 'PYTHONPATH': os.pathsep.join([str(tmp_path), *sys.path])},
        capture_output=True, check=True, text=True,
    ).stdout  # fmt: skip
    assert output == f"{text}: pip install '{SUPPORTED}'\n"


def test_the_package_itself_asks_for_rpyc_5():
    setup = (Path(__file__).parents[1] / 'setup.py').read_text()
    assert f"install_requires=['{SUPPORTED}'," in setup
    assert rpyc.__version__.startswith('5.')


@pytest.mark.parametrize('nonsense', [RPYC_6, b'\xff' * 64])
def test_an_answer_that_is_none_ends_both_connections_and_the_driver_tries_again(
    jetbots, nonsense
):
    server = jetbots.server()
    cable = jetbots.cable(server.port)
    robot = jetbots.robot(cable.port)
    for losses in (1, 2):
        cable.say(nonsense)
        wait(lambda: robot.health()[0].values['losses'] == str(losses), 'the loss')  # noqa: B023
        wait(lambda: robot.health()[0].level is Level.OK, 'the connection')
        robot.execute(TURN, never)
        robot.observe()


# --- TLS ---------------------------------------------------------------------------------------


@pytest.fixture(scope='module')
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp('tls') / 'keys'
    assert make_keys.main([str(folder)]) == 0
    return folder


def test_keys_are_for_their_owner_only_and_the_authority_is_not_kept(keys):
    files = sorted(str(path.relative_to(keys)) for path in keys.rglob('*') if path.is_file())
    assert files == [
        'owner/ca.crt', 'owner/client.crt', 'owner/client.key',
        'robot/ca.crt', 'robot/server.crt', 'robot/server.key',
    ]  # fmt: skip
    assert {path.stat().st_mode & 0o077 for path in keys.rglob('*')} == {0}


def test_with_its_keys_the_driver_is_let_in(jetbots, keys):
    server = jetbots.server('--tls', str(keys / 'robot'))
    robot = jetbots.robot(server.port, tls=str(keys / 'owner'))
    robot.execute(TURN, never)
    assert robot.observe()[''].pixels.shape == (224, 224, 3)
    assert server.state.now().heading > 0.1


def test_without_or_with_foreign_keys_nobody_is_let_in(jetbots, keys, tmp_path):
    server = jetbots.server('--tls', str(keys / 'robot'))
    with pytest.raises(RobotError):
        jetbots.robot(server.port)
    foreign = tmp_path / 'foreign'
    assert make_keys.main([str(foreign)]) == 0
    with pytest.raises(RobotError, match='CERTIFICATE_VERIFY_FAILED'):
        jetbots.robot(server.port, tls=str(foreign / 'owner'))
    mixed = tmp_path / 'mixed'
    mixed.mkdir()
    for name, source in (('ca.crt', keys), ('client.crt', foreign), ('client.key', foreign)):
        (mixed / name).write_bytes((source / 'owner' / name).read_bytes())
    with pytest.raises(RobotError, match='connection'):
        jetbots.robot(server.port, tls=str(mixed))


def test_a_missing_key_is_one_line_that_names_the_command(jetbots, tmp_path):
    with pytest.raises(RobotError, match='tls: cannot use client.crt.*jetbot_keys makes them'):
        jetbots.robot(1, tls=str(tmp_path))

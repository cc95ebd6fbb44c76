"""The driver against servers that JetBots have already, which know two calls only."""

from devrobot_robots.robot import Level, RobotError
from jetbot_worlds import Acting, FAR, wait
import pytest

TURN = 1


def never() -> bool:
    return False


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
    assert part.values['server'] == 'an older one'


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

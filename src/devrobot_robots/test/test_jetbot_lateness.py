"""An action counts only if the motors did what its ramp says: slow networks, a busy computer."""

import itertools
import time

from devrobot_interfaces_py.actions import Phase
from devrobot_robots.clock import SystemClock
from devrobot_robots.jetbot.config import JetBotConfig
from devrobot_robots.jetbot.peer import Peer
from devrobot_robots.robot import RobotError
from jetbot_worlds import Acting, wait
import pytest
from robots_fakes import make_executor, Record

STAY, TURN, ON = 0, 1, 2
ACTIONS = ('stay 0 0', 'turn 0 0.12', 'on 0.1 0.1 2.0')
DEFAULTS = JetBotConfig()
DECLARED = JetBotConfig(actions=ACTIONS)
BEHIND = r'the motors were \d\.\d\d s behind the action \(robot.max_lateness 0.25\)'


def never() -> bool:
    return False


@pytest.fixture
def far_away(jetbots):
    """Return a server, the cable to it, and a robot with the settings that it has by default."""
    server = jetbots.server()
    cable = jetbots.cable(server.port)
    robot = jetbots.robot(
        cable.port,
        actions=ACTIONS,
        call_timeout=DEFAULTS.call_timeout,
        max_lateness=DEFAULTS.max_lateness,
        max_motion_error=DEFAULTS.max_motion_error,
    )
    return server, cable, robot


def way(server) -> float:
    """Return speed times time of the right motor, by its own clock, until it rested."""
    told = server.commands()
    assert told[-1][1:] == (0.0, 0.0)
    return sum(old[2] * (new[0] - old[0]) for old, new in itertools.pairwise(told))


def wanted_way(action: int = TURN) -> float:
    ramp = DECLARED.ramp(DECLARED.motor_actions()[action])
    pairs = itertools.pairwise(ramp.setpoints)
    return sum(old.right * (new.at_s - old.at_s) for old, new in pairs)


def test_a_network_that_is_too_slow_aborts_the_action_instead_of_making_another_one(far_away):
    server, cable, robot = far_away
    cable.delay_s = 0.2
    record = Record()
    executor = make_executor(robot, record, SystemClock())
    executor.start()
    executor.submit(TURN)
    event = record.wait_for_phase(Phase.ABORTED, 1)
    assert executor.shutdown()
    assert 'the network is slow' in event.message and '\n' not in event.message
    assert not server.turns()
    # After the first answer it is known: no second speed goes out.
    assert {right for _, _, right in server.commands()} == {0.0, 0.03}
    with pytest.raises(RobotError, match=BEHIND):
        robot.execute(TURN, never)
    assert not server.turns()
    # Rest is rest, however late it was told.
    robot.execute(STAY, never)
    cable.delay_s = 0.0
    # Not at once: a busy machine may have it aborted, too.
    wait(lambda: share_of_the_motion(server, robot, TURN), 'an action that is finished')


def share_of_the_motion(server, robot, action: int) -> float | None:
    """Execute an action; return the share of its motion that was made, None = it was aborted."""
    before = way(server)
    try:
        robot.execute(action, never)
    except RobotError:
        return None
    return (way(server) - before) / wanted_way(action)


def test_every_action_that_is_finished_moved_the_robot_as_far_as_its_ramp_says(far_away):
    server, cable, robot = far_away
    cable.delay_s = 0.04
    shares = []
    for number in range(12):  # at all phases of what the driver does each second
        time.sleep(0.09 * (number % 3))
        shares.append(share_of_the_motion(server, robot, TURN))
    finished = [share for share in shares if share is not None]
    # A busy machine may have one aborted now and then.
    assert len(finished) >= 8, shares
    assert finished == pytest.approx([1.0] * len(finished), abs=0.3)
    cable.delay_s = 0.05
    long = [share_of_the_motion(server, robot, ON) for _ in range(2)]
    assert 1.0 in [pytest.approx(share, abs=0.1) for share in long if share is not None], long


def test_an_action_that_became_another_one_is_aborted_however_late_it_may_be(jetbots):
    server = jetbots.server()
    cable = jetbots.cable(server.port)
    robot = jetbots.robot(
        cable.port,
        actions=('stay 0 0', 'short 0 0.12 0.06'),
        ramp_steps=0,
        max_lateness=2.0,
        max_motion_error=DEFAULTS.max_motion_error,
    )
    cable.delay_s = 0.08  # the stop is sent when the start is answered: 0.16 s of 0.06 s
    with pytest.raises(
        RobotError, match=r'made 2\d\d% of the motion .*robot.max_motion_error 0.25'
    ):
        robot.execute(1, never)
    assert way(server) > 1.25 * 0.12 * 0.06
    assert not server.turns()
    robot.execute(STAY, never)


def test_no_sign_of_life_goes_between_the_commands_of_an_action(far_away, monkeypatch):
    _, _, robot = far_away
    calls = []
    call = Peer.call

    def noted(peer: Peer, name: str, *arguments: float):
        calls.append(name)
        return call(peer, name, *arguments)

    monkeypatch.setattr(Peer, 'call', noted)
    robot.execute(ON, never)
    assert set(calls) == {'set_motors'}
    calls.clear()
    for _ in range(30):
        robot.drive(0.01, 0.0)
        time.sleep(0.05)
    robot.stop()
    assert set(calls) == {'set_motors'}
    # At rest it goes again, or control would be lost.
    wait(lambda: 'take_control' in calls, 'a sign of life')


def test_a_network_that_becomes_slow_aborts_the_action(far_away):
    server, cable, robot = far_away
    acting = Acting(robot, ON)
    wait(server.turns, 'motion')
    cable.delay_s = 0.3
    error = acting.join()
    assert 'behind the action' in str(error)
    assert not server.turns()


def test_a_computer_that_is_too_busy_aborts_the_action(far_away):
    server, _, robot = far_away

    def stalls_once_it_moves() -> bool:
        if server.turns():
            time.sleep(0.4)
        return False

    with pytest.raises(RobotError, match=BEHIND):
        robot.execute(ON, stalls_once_it_moves)
    assert not server.turns()


def test_a_pause_before_the_first_speed_takes_nothing_from_the_motion(far_away):
    server, _, robot = far_away
    pauses = iter([0.3])

    def pauses_first() -> bool:
        time.sleep(next(pauses, 0.0))
        return False

    robot.execute(TURN, pauses_first)
    assert way(server) > 0.5 * wanted_way()

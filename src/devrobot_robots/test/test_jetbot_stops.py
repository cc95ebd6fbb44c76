"""When the server of a JetBot stops the motors by itself: time, wrong speeds, signals to all."""

from contextlib import nullcontext
import os
import signal
import statistics
import time

from devrobot_robots.robot import RobotError
from jetbot_servers import connect_to, ENDING, has_ended, in_time, LoneServer, stop_after_s
from jetbot_worlds import DEAD_MAN_S, make_bench, SimulatedJetBot, wait
import pytest


def test_the_dead_man_time_is_not_exceeded(jetbots):
    """From the last command to the stop; five times, as a busy machine may be late once."""
    server = jetbots.server()
    client = connect_to(server.port)
    times = []
    for _ in range(5):
        client.call('set_motors', 0.1, 0.1)
        wait(lambda: not server.turns(), 'the stop')
        moment_s = max(moment for moment, *speeds in server.commands() if any(speeds))
        times.append(stop_after_s(server, moment_s))
    client.close()
    assert min(times) > 0.8 * DEAD_MAN_S
    assert statistics.median(times) <= DEAD_MAN_S, times


@pytest.mark.parametrize(
    'speed',
    [float('nan'), float('inf'), 1e300, -5.0, 0.51, 10**400, -(10**4000), True, False, 'x', None],
)
def test_speeds_that_are_no_speeds_stop_the_motors(one_server, speed):
    server = one_server
    client = connect_to(server.port)
    client.call('set_motors', 0.1, 0.1)
    assert server.turns()
    with pytest.raises(RobotError, match='is not between -0.5 and 0.5; the motors are stopped'):
        client.call('set_motors', 0.1, speed)
    assert not server.turns()
    client.close()


@pytest.fixture(scope='module')
def one_server(tmp_path_factory):
    with make_bench(tmp_path_factory.mktemp('server')) as bench:
        yield bench.server()


@pytest.mark.parametrize('number', [*ENDING, signal.SIGKILL, signal.SIGSTOP])
@in_time
def test_a_signal_to_the_whole_process_group_stops_the_motors(tmp_path, number) -> float:
    """As a terminal sends it that is closed, or where Ctrl-C is pressed."""
    robot = SimulatedJetBot(tmp_path)
    (tmp_path / 'state.log').touch()
    server = LoneServer(
        tmp_path,
        '--hardware', 'devrobot_robots.jetbot.simulation.hardware',
        '--hardware-option', str(tmp_path / 'state'),
    )  # fmt: skip
    try:
        server.start()
        client = connect_to(server.port)
        client.call('set_motors', 0.1, 0.1)
        guard = server.guard_id()
        now = time.monotonic()
        os.killpg(server.process.pid, number)
        time_s = stop_after_s(robot, now)
        client.close()
    finally:
        server.close()
    wait(lambda: has_ended(guard), 'the end of the guard')
    return time_s


@pytest.mark.parametrize(
    ('times', 'passes'),
    [([0.1, 0.1], True), ([0.9, 0.1, 0.1], True), ([0.1, 0.9, 0.9], False)],
)
def test_two_of_three_tries_must_be_in_time(times, passes):
    tries = iter(times)
    experiment = in_time(lambda: next(tries))
    with nullcontext() if passes else pytest.raises(AssertionError):
        experiment()

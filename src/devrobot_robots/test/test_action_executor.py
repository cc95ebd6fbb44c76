"""One action at a time, told phase by phase; whatever goes wrong, the motors stop."""

import threading

from devrobot_interfaces_py.actions import ActionEvent, Phase
from devrobot_robots.outcomes import Answer
from devrobot_robots.robot import ResetUnsupportedError, RobotError
import pytest
from robots_fakes import FakeClock, FakeRobot, make_executor, Record


def at_the_first_end(act):
    """Return a hook that calls ``act`` in a thread of its own when action 1 is finished."""

    def hook(item):
        if isinstance(item, ActionEvent) and (item.phase, item.sequence) == (Phase.FINISHED, 1):
            threading.Thread(target=act).start()

    return hook


def test_an_action_is_accepted_started_and_finished_under_one_number(bench):
    submission = bench.executor.submit(1, 'test')
    assert (submission.answer, submission.sequence) == (Answer.ACCEPTED, 1)
    bench.record.wait_for_phase(Phase.FINISHED)
    assert bench.record.phases(1) == [Phase.ACCEPTED, Phase.STARTED, Phase.FINISHED]
    assert {(e.action, e.source) for e in bench.record.events} == {(1, 'test')}
    assert bench.robot.executed == [1]


def test_sequence_numbers_grow_by_one(bench):
    for number in (1, 2, 3):
        assert bench.executor.submit(0).sequence == number
        bench.record.wait_for_phase(Phase.FINISHED, number)


def test_a_frame_comes_before_the_first_action_and_after_each(bench):
    for number in (1, 2):
        bench.executor.submit(1)
        bench.record.wait(lambda number=number: len(bench.record.stamps) == number + 1)
    told = ['frame' if isinstance(item, int) else item.phase.name for item in bench.record.told]
    action = ['ACCEPTED', 'STARTED', 'FINISHED', 'frame']
    assert told == ['frame', *action, *action]


def test_stamps_tell_before_from_after_although_the_clock_stands_still():
    robot, record, clock = FakeRobot(), Record(), FakeClock()
    executor = make_executor(robot, record, clock, stamp_ns=lambda: 7)  # paused simulation time
    executor.start()
    record.wait(lambda: record.stamps)
    executor.submit(1)
    record.wait(lambda: len(record.stamps) == 2)
    executor.shutdown()
    before, after = record.stamps
    assert before < record.wait_for_phase(Phase.STARTED).stamp_ns
    assert record.wait_for_phase(Phase.FINISHED).stamp_ns < after


def test_the_next_action_starts_only_after_the_frame_of_the_last(bench):
    bench.record.hook = at_the_first_end(lambda: bench.executor.submit(0))
    bench.executor.submit(1)
    bench.record.wait(lambda: len(bench.record.stamps) == 3)
    started = bench.record.wait_for_phase(Phase.STARTED, 2).stamp_ns
    assert bench.record.stamps[1] < started < bench.record.stamps[2]


def test_an_unknown_action_is_refused_and_listed(bench):
    submission = bench.executor.submit(7)
    assert submission.answer is Answer.UNKNOWN_ACTION
    assert submission.message == 'action 7 is not in the action space of fake: 0 (stay), 1 (go)'
    assert bench.record.events == []


def test_a_second_action_is_refused_while_one_runs(bench):
    release = bench.robot.hold()
    bench.executor.submit(1)
    bench.record.wait_for_phase(Phase.STARTED)
    busy = bench.executor.submit(0)
    assert (busy.answer, busy.sequence) == (Answer.BUSY, 0)
    assert busy.message == 'action 1 (sequence 1) is not over'
    release.set()
    bench.record.wait_for_phase(Phase.FINISHED)
    assert bench.robot.executed == [1]


def test_who_hears_the_end_can_go_on_at_once(bench):
    answers = []
    bench.record.hook = at_the_first_end(lambda: answers.append(bench.executor.submit(0)))
    bench.executor.submit(1)
    bench.record.wait_for_phase(Phase.FINISHED, 2)
    assert [answer.answer for answer in answers] == [Answer.ACCEPTED]


def test_an_inactive_executor_refuses():
    executor = make_executor(FakeRobot(), Record(), FakeClock())
    assert executor.submit(0).answer is Answer.INACTIVE


def test_a_stop_aborts_the_action_and_stops_the_motor(bench):
    bench.robot.hold()
    bench.executor.submit(1)
    bench.record.wait_for_phase(Phase.STARTED)
    outcome = bench.executor.stop('enough')
    assert (outcome.success, outcome.message) == (True, 'motors stopped; action 1 is aborted')
    assert bench.record.wait_for_phase(Phase.ABORTED).message == 'enough'
    assert not bench.robot.motor_runs
    bench.record.wait(lambda: len(bench.record.stamps) == 2)


def test_a_stop_while_idle_stops_the_motor_and_aborts_nothing(bench):
    assert bench.executor.stop().message == 'motors stopped; no action was running'
    assert bench.robot.stops == 1
    bench.executor.submit(1)
    bench.record.wait_for_phase(Phase.FINISHED)


def test_a_motor_that_was_set_after_the_stop_is_stopped_again(bench):
    def careless(should_stop):
        while not should_stop():
            pass
        bench.robot.motor_runs = True

    bench.robot.on_execute = careless
    bench.executor.submit(1)
    bench.record.wait_for_phase(Phase.STARTED)
    bench.executor.stop()
    bench.record.wait_for_phase(Phase.ABORTED)
    assert not bench.robot.motor_runs


@pytest.mark.parametrize(
    ('error', 'text'),
    [(RobotError('the cable is out'), 'the cable is out'), (KeyError('x'), "KeyError: 'x'")],
)
def test_an_exception_stops_the_motor_and_aborts_with_its_text(bench, error, text):
    def fail(should_stop):
        raise error

    bench.robot.on_execute = fail
    bench.executor.submit(1)
    assert bench.record.wait_for_phase(Phase.ABORTED).message == text
    assert not bench.robot.motor_runs
    bench.record.wait(lambda: bench.record.problems == [f'action 1 (sequence 1): {text}'])


def test_the_executor_goes_on_after_a_failed_action(bench):
    def fail(should_stop):
        raise RobotError('once')

    bench.robot.on_execute = fail
    bench.executor.submit(1)
    bench.record.wait_for_phase(Phase.ABORTED)
    bench.robot.on_execute = lambda should_stop: None
    bench.executor.submit(1)
    bench.record.wait_for_phase(Phase.FINISHED, 2)


def test_a_stop_that_fails_is_told(bench):
    bench.robot.hold()
    bench.robot.stop_error = OSError('port is gone')
    bench.executor.submit(1)
    bench.record.wait_for_phase(Phase.STARTED)
    outcome = bench.executor.stop('enough')
    assert not outcome.success
    assert outcome.message == 'stopping the robot failed: OSError: port is gone'
    aborted = bench.record.wait_for_phase(Phase.ABORTED)
    assert aborted.message == 'enough; stopping the robot failed: OSError: port is gone'


def test_an_action_that_takes_too_long_is_aborted(bench):
    bench.robot.hold()
    bench.executor.submit(1)
    bench.record.wait_for_phase(Phase.STARTED)
    bench.clock.time = 10.0
    assert bench.record.wait_for_phase(Phase.ABORTED).message == 'took longer than 10 s'
    assert not bench.robot.motor_runs


def test_the_watchdog_stops_a_robot_that_does_not_ask(bench):
    hangs = threading.Event()
    bench.robot.on_execute = lambda should_stop: hangs.wait()
    bench.executor.submit(1)
    bench.record.wait_for_phase(Phase.STARTED)
    bench.clock.time = 10.0
    assert bench.executor.check_watchdog()
    assert not bench.robot.motor_runs
    assert bench.executor.health().overdue
    assert bench.executor.submit(0).answer is Answer.BUSY
    hangs.set()
    bench.record.wait_for_phase(Phase.ABORTED)
    assert not bench.executor.health().overdue


def test_a_reset_is_an_event_with_a_number_of_its_own_and_a_frame(bench):
    outcomes = []
    bench.executor.submit(1)
    bench.record.wait(lambda: len(bench.record.stamps) == 2)
    bench.executor.reset(lambda outcome: (outcomes.append(outcome), bench.record.add('done')))
    bench.record.wait(lambda: outcomes)
    assert outcomes[0].success
    reset = bench.record.wait_for_phase(Phase.RESET, 2)
    assert reset.stamp_ns < bench.record.stamps[2]
    assert bench.executor.submit(1).sequence == 3


def test_a_reset_aborts_the_running_action_first(bench):
    bench.robot.hold()
    bench.executor.submit(1)
    bench.record.wait_for_phase(Phase.STARTED)
    bench.executor.reset(lambda outcome: None, seed=5)
    assert bench.record.wait_for_phase(Phase.ABORTED).message == 'reset'
    bench.record.wait_for_phase(Phase.RESET, 2)
    assert bench.robot.resets == [5]


def test_a_robot_without_reset_says_so_and_tells_no_event(bench):
    bench.robot.reset_error = ResetUnsupportedError('an arm cannot be put somewhere')
    outcomes = []
    bench.executor.reset(lambda outcome: (outcomes.append(outcome), bench.record.add('done')))
    bench.record.wait(lambda: outcomes)
    assert not outcomes[0].success
    assert outcomes[0].message == 'an arm cannot be put somewhere'
    assert bench.record.events == []


def test_a_failed_reset_breaks_the_chain_of_transitions(bench):
    bench.robot.reset_error = RobotError('stuck')
    bench.executor.reset(lambda outcome: None)
    assert bench.record.wait_for_phase(Phase.RESET, 1).message == 'reset failed: stuck'
    assert bench.robot.stops == 1


def test_a_broken_camera_is_told_once_and_actions_go_on(bench):
    bench.robot.camera_error = RobotError('no picture')
    for number in (1, 2):
        bench.executor.submit(1)
        bench.record.wait_for_phase(Phase.FINISHED, number)
    bench.executor.submit(1)
    bench.record.wait_for_phase(Phase.FINISHED, 3)
    assert bench.record.problems == ['no frame: no picture']
    assert bench.executor.health().camera_problem == 'no picture'


def test_a_robot_that_stays_lost_is_told_once_and_again_when_it_was_well_in_between(bench):
    def lose(should_stop):
        raise RobotError('no connection')

    for number, works in enumerate((False, False, False, True, False), 1):
        bench.robot.on_execute = (lambda _: None) if works else lose
        bench.robot.stop_error = None if works else RobotError('no connection')
        bench.executor.submit(1)
        bench.record.wait_for_phase(Phase.FINISHED if works else Phase.ABORTED, number)
    bench.robot.stop_error = None
    bench.record.wait(lambda: len(bench.record.stamps) == 6)
    reason = 'no connection; stopping the robot failed: no connection'
    assert [text for text in bench.record.problems if text.startswith('action')] == [
        f'action 1 (sequence 1): {reason}',
        f'action 1 (sequence 5): {reason}',
    ]
    assert bench.record.problems.count('stopping the robot failed: no connection') <= 2


def test_frames_come_while_idle():
    record = Record()
    executor = make_executor(FakeRobot(), record, FakeClock(), frame_period_s=0.001)
    executor.start()
    record.wait(lambda: len(record.stamps) >= 4)
    executor.shutdown()
    assert record.events == []
    assert record.stamps == sorted(set(record.stamps))


def test_shutdown_aborts_stops_and_joins():
    robot, record = FakeRobot(), Record()
    executor = make_executor(robot, record, FakeClock())
    executor.start()
    robot.hold()
    executor.submit(1)
    record.wait_for_phase(Phase.STARTED)
    assert executor.shutdown('bye')
    assert record.phases(1)[-1] is Phase.ABORTED
    assert record.events[-1].message == 'bye'
    assert not robot.motor_runs
    assert not [t for t in threading.enumerate() if t.name.startswith('robot_')]
    assert executor.submit(0).answer is Answer.INACTIVE


def test_nothing_crosses_a_time_of_inactivity(bench):
    bench.executor.submit(1)
    bench.record.wait_for_phase(Phase.FINISHED)
    bench.executor.shutdown()
    bench.executor.start()
    bench.record.wait_for_phase(Phase.RESET, 2)
    assert bench.executor.submit(1).sequence == 3
    bench.record.wait_for_phase(Phase.FINISHED, 3)


def test_an_output_that_fails_stops_the_motor_and_the_work(bench):
    def fail_at_the_end(item):
        if isinstance(item, ActionEvent) and item.phase is Phase.FINISHED:
            raise RuntimeError('no context')

    bench.record.hook = fail_at_the_end
    bench.executor.submit(1)
    bench.record.wait(lambda: bench.record.problems)
    assert bench.record.problems == ['the driver stopped working: RuntimeError: no context']
    assert bench.robot.stops >= 1
    assert bench.executor.submit(0).answer is Answer.INACTIVE

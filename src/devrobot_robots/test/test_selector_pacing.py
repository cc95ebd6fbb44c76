"""When the selector asks: one action at a time, whatever order answers and events come in."""

from devrobot_interfaces_py.actions import ActionEvent, Phase
from devrobot_robots.outcomes import Answer
from devrobot_robots.selectors.pacing import (
    ACTION_TIMEOUT_S,
    CALL_TIMEOUT_S,
    CallAction,
    CallReset,
    HEARING_TIMEOUT_S,
    Pacer,
    State,
)
from devrobot_robots.selectors.sequence import SequenceSelector
import pytest
from robots_fakes import FakeClock


class OnceSelector:
    def __init__(self) -> None:
        self._left = [1]

    def next_action(self) -> int | None:
        return self._left.pop() if self._left else None


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def make(clock: FakeClock, **settings) -> Pacer:
    return Pacer(SequenceSelector([1, 0]), clock=clock, **settings)


def event(phase: Phase, sequence: int) -> ActionEvent:
    return ActionEvent(stamp_ns=0, sequence=sequence, phase=phase)


def act(pacer: Pacer, sequence: int) -> CallAction | CallReset | None:
    """Go through one whole action; return the call that began it."""
    call = pacer.poll()
    pacer.on_answer(Answer.ACCEPTED, sequence)
    pacer.on_event(event(Phase.FINISHED, sequence))
    return call


def test_the_next_action_is_asked_for_when_the_last_is_over(clock):
    pacer = make(clock)
    assert pacer.poll() == CallAction(action=1)
    assert pacer.poll() is None
    pacer.on_answer(Answer.ACCEPTED, 1)
    for phase in (Phase.ACCEPTED, Phase.STARTED):
        pacer.on_event(event(phase, 1))
        assert pacer.poll() is None
    pacer.on_event(event(Phase.FINISHED, 1))
    assert pacer.poll() == CallAction(action=0)
    assert pacer.completed == 1


def test_an_aborted_action_is_over_too(clock):
    pacer = make(clock)
    pacer.poll()
    pacer.on_answer(Answer.ACCEPTED, 1)
    pacer.on_event(event(Phase.ABORTED, 1))
    assert pacer.poll() == CallAction(action=0)


def test_the_end_may_be_heard_before_the_acceptance(clock):
    pacer = make(clock)
    pacer.poll()
    pacer.on_event(event(Phase.FINISHED, 1))
    assert pacer.poll() is None
    pacer.on_answer(Answer.ACCEPTED, 1)
    assert pacer.poll() == CallAction(action=0)


def test_the_end_of_an_older_action_is_not_its_own(clock):
    pacer = make(clock)
    pacer.poll()
    pacer.on_answer(Answer.ACCEPTED, 5)
    pacer.on_event(event(Phase.FINISHED, 4))
    assert pacer.poll() is None


def test_the_period_passes_between_end_and_call(clock):
    pacer = make(clock, period_s=2.0)
    act(pacer, 1)
    clock.time += 1.9
    assert pacer.poll() is None
    assert pacer.next_call_in_s == pytest.approx(0.1)
    clock.time += 0.1
    assert pacer.poll() == CallAction(action=0)


@pytest.mark.parametrize('answer', [Answer.BUSY, Answer.INACTIVE])
def test_a_refused_action_is_asked_for_again_and_none_is_skipped(clock, answer):
    pacer = make(clock)
    pacer.poll()
    pacer.on_answer(answer)
    assert pacer.poll() is None
    clock.time += 1.0
    assert pacer.poll() == CallAction(action=1)


def test_an_unknown_action_ends_it(clock):
    pacer = make(clock)
    pacer.poll()
    pacer.on_answer(Answer.UNKNOWN_ACTION)
    clock.time += 1000.0
    assert pacer.poll() is None
    assert pacer.state is State.ENDED


def test_a_selector_at_its_end_ends_it(clock):
    pacer = Pacer(OnceSelector(), clock=clock)
    assert act(pacer, 1) == CallAction(action=1)
    assert pacer.poll() is None
    assert pacer.state is State.ENDED


def test_the_robot_is_reset_every_so_many_actions(clock):
    pacer = make(clock, reset_every=2)
    calls = [act(pacer, 1), act(pacer, 2), pacer.poll()]
    assert calls == [CallAction(action=1), CallAction(action=0), CallReset()]
    pacer.on_reset_answer(success=True)
    assert pacer.poll() is None
    pacer.on_event(event(Phase.RESET, 3))
    calls = [act(pacer, 4), act(pacer, 5), pacer.poll()]
    assert calls == [CallAction(action=1), CallAction(action=0), CallReset()]


def test_a_robot_that_cannot_be_reset_goes_on_without(clock):
    pacer = make(clock, reset_every=1)
    act(pacer, 1)
    assert pacer.poll() == CallReset()
    pacer.on_reset_answer(success=False)
    assert pacer.poll() == CallAction(action=0)


def test_an_unanswered_call_is_made_again(clock):
    pacer = make(clock)
    pacer.poll()
    clock.time += CALL_TIMEOUT_S
    assert pacer.poll() == CallAction(action=1)


def test_an_action_whose_events_are_not_heard_does_not_block_for_ever(clock):
    pacer = make(clock)
    pacer.poll()
    pacer.on_answer(Answer.ACCEPTED, 1)
    clock.time += HEARING_TIMEOUT_S
    assert pacer.poll() == CallAction(action=0)


def test_actions_whose_end_is_not_heard_count_for_the_next_reset(clock):
    pacer = make(clock, reset_every=2)
    for sequence in (1, 2):
        assert isinstance(pacer.poll(), CallAction)
        pacer.on_answer(Answer.ACCEPTED, sequence)
        clock.time += HEARING_TIMEOUT_S
    assert pacer.poll() == CallReset()
    assert (pacer.accepted, pacer.completed) == (2, 0)


def test_a_long_action_whose_events_are_heard_is_waited_for(clock):
    pacer = make(clock)
    pacer.poll()
    pacer.on_answer(Answer.ACCEPTED, 1)
    pacer.on_event(event(Phase.STARTED, 1))
    clock.time += ACTION_TIMEOUT_S / 2
    assert pacer.poll() is None


def test_a_restarted_driver_is_asked_anew_and_its_numbers_begin_anew(clock):
    pacer = make(clock)
    for sequence in (1, 2, 3):
        act(pacer, sequence)
    pacer.poll()
    pacer.on_answer(Answer.ACCEPTED, 4)
    pacer.on_driver_restarted()
    assert pacer.poll() == CallAction(action=1)
    pacer.on_answer(Answer.ACCEPTED, 1)
    assert pacer.poll() is None

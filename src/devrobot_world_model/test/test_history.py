from devrobot_interfaces_py.actions import ActionEvent, Phase
from devrobot_world_model.canvas.history import Frame, History, Unpaired
import numpy as np
import pytest


def frame(stamp):
    return Frame(stamp_ns=stamp, image=np.full((4, 6, 3), stamp % 256, np.uint8))


def event(stamp, sequence, phase, action=1):
    return ActionEvent(stamp_ns=stamp, sequence=sequence, phase=phase, action=action)


@pytest.fixture
def history():
    return History(action_count=2, chain_length=2)


def act(history, sequence, start, action=1, after=True):
    """One action from start to start + 10 with its after-frame at start + 15."""
    done = history.add_event(event(start, sequence, Phase.STARTED, action))
    done += history.add_event(event(start + 10, sequence, Phase.FINISHED, action))
    if after:
        done += history.add_frame(frame(start + 15))
    return done


def stamps(transition):
    return transition.before.stamp_ns, transition.after.stamp_ns


def test_before_is_the_newest_frame_at_the_start_and_after_the_first_at_the_end(history):
    for stamp in (1, 5, 20):
        history.add_frame(frame(stamp))
    history.add_event(event(20, 1, Phase.STARTED))
    assert history.add_frame(frame(25)) == []
    assert history.add_event(event(30, 1, Phase.FINISHED)) == []
    (chain,) = history.add_frame(frame(30))
    assert stamps(chain[-1]) == (20, 30)
    assert history.add_frame(frame(35)) == []


def test_a_frame_that_came_before_its_finish_event_is_still_found(history):
    history.add_frame(frame(1))
    history.add_event(event(10, 1, Phase.STARTED))
    history.add_frame(frame(25))
    history.add_frame(frame(26))
    (chain,) = history.add_event(event(20, 1, Phase.FINISHED))
    assert stamps(chain[-1]) == (1, 25)


def test_consecutive_actions_are_chained(history):
    history.add_frame(frame(1))
    act(history, 1, 10)
    (chain,) = act(history, 2, 30)
    assert [stamps(t) for t in chain] == [(1, 25), (25, 45)]


def test_a_gap_in_the_sequence_breaks_the_chain(history):
    history.add_frame(frame(1))
    act(history, 1, 10)
    (chain,) = act(history, 3, 30)
    assert len(chain) == 1


def test_no_transition_and_no_chain_crosses_a_reset(history):
    history.add_frame(frame(1))
    act(history, 1, 10)
    act(history, 2, 30, after=False)
    history.add_event(event(50, 3, Phase.RESET))
    assert history.add_frame(frame(55)) == []
    (chain,) = act(history, 4, 60)
    assert [stamps(t) for t in chain] == [(55, 75)]
    assert history.unpaired[Unpaired.RESET] == 1


def test_a_frame_from_before_the_reset_is_no_before_frame(history):
    history.add_frame(frame(1))
    history.add_event(event(50, 1, Phase.RESET))
    assert act(history, 2, 60) == []
    assert history.unpaired[Unpaired.NO_BEFORE] == 1


def test_a_frame_from_after_the_next_start_is_no_after_frame(history):
    history.add_frame(frame(1))
    act(history, 1, 10, after=False)
    history.add_event(event(22, 2, Phase.STARTED))
    assert history.add_frame(frame(25)) == []
    assert history.unpaired[Unpaired.NO_AFTER] == 1


@pytest.mark.parametrize('phase', [Phase.ABORTED])
def test_an_aborted_action_gives_nothing_and_breaks_the_chain(history, phase):
    history.add_frame(frame(1))
    act(history, 1, 10)
    history.add_event(event(30, 2, Phase.STARTED))
    history.add_event(event(35, 2, phase))
    assert history.add_frame(frame(36)) == []
    (chain,) = act(history, 3, 40)
    assert len(chain) == 1
    assert history.unpaired[Unpaired.ABORTED] == 1


def test_lost_start_and_finish_events_are_counted(history):
    history.add_frame(frame(1))
    history.add_event(event(10, 1, Phase.FINISHED))
    history.add_event(event(20, 2, Phase.STARTED))
    history.add_event(event(30, 3, Phase.STARTED))
    assert history.unpaired == {Unpaired.NO_START: 1, Unpaired.NO_FINISH: 1}


def test_an_action_outside_the_action_space_is_counted_and_breaks_the_chain(history):
    history.add_frame(frame(1))
    act(history, 1, 10)
    assert act(history, 2, 30, action=7) == []
    assert history.unpaired[Unpaired.UNKNOWN_ACTION] == 1


def test_the_context_waits_for_the_frame_after_the_previous_action(history):
    history.add_frame(frame(1))
    act(history, 1, 10, after=False)
    history.add_event(event(30, 2, Phase.STARTED, action=0))
    assert history.context(2) is None
    history.add_frame(frame(25))
    frames, actions = history.context(2)
    assert [f.stamp_ns for f in frames] == [1, 25]
    assert actions == [1]


def test_a_clock_that_jumps_back_starts_a_new_history(history):
    history.add_frame(frame(1000))
    act(history, 1, 1010)
    assert history.add_frame(frame(1)) == []
    assert history.chain == () and history.newest_frame.stamp_ns == 1

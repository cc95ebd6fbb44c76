"""The pairing rule on random recordings: nothing is guessed, nothing is lost from the counts."""

from collections import Counter

from devrobot_interfaces_py.actions import ActionEvent, Phase
from devrobot_world_model.canvas.history import Frame, History, Unpaired
from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np

IMAGE = np.zeros((1, 1, 3), np.uint8)
KINDS = ('frame', 'whole', 'whole', 'whole', 'no start', 'no finish', 'abort', 'reset', 'unknown')


@st.composite
def recordings(draw) -> list:
    """Frames and events with rising stamps, as a robot in trouble might give them."""
    items, now, sequence = [], 0, 0
    for kind in draw(st.lists(st.sampled_from(KINDS), max_size=25)):
        gap = st.integers(1, 5)
        now += draw(gap)
        if kind == 'frame':
            items.append(Frame(stamp_ns=now, image=IMAGE))
            continue
        sequence += 1
        phases = {
            'whole': (Phase.ACCEPTED, Phase.STARTED, Phase.FINISHED),
            'no start': (Phase.FINISHED,),
            'no finish': (Phase.STARTED,),
            'abort': (Phase.STARTED, Phase.ABORTED),
            'reset': (Phase.RESET,),
            'unknown': (Phase.STARTED,),
        }[kind]
        for phase in phases:
            action = 7 if kind == 'unknown' else draw(st.integers(0, 1))
            items.append(ActionEvent(stamp_ns=now, sequence=sequence, phase=phase, action=action))
            if draw(st.booleans()):
                items.append(Frame(stamp_ns=now + 1, image=IMAGE))
            now += draw(gap) + 1
    return items


def run(items: list, buffer: int = 256) -> tuple[list, History]:
    history = History(action_count=2, chain_length=3, frame_buffer=buffer)
    chains = []
    for item in items:
        add = history.add_frame if isinstance(item, Frame) else history.add_event
        chains += add(item)
    history.end()
    return chains, history


def stamps(items: list, phase: Phase) -> dict[int, int]:
    events = [item for item in items if isinstance(item, ActionEvent)]
    return {event.sequence: event.stamp_ns for event in events if event.phase == phase}


@settings(max_examples=300, deadline=None)
@given(recordings())
def test_before_is_the_newest_frame_and_after_the_first(items):
    times = [item.stamp_ns for item in items if isinstance(item, Frame)]
    started, finished = stamps(items, Phase.STARTED), stamps(items, Phase.FINISHED)
    for chain in run(items)[0]:
        transition = chain[-1]
        assert transition.start_ns == started[transition.sequence]
        assert transition.finish_ns == finished[transition.sequence]
        assert transition.before.stamp_ns == max(t for t in times if t <= transition.start_ns)
        assert transition.after.stamp_ns == min(t for t in times if t >= transition.finish_ns)


@settings(max_examples=300, deadline=None)
@given(recordings())
def test_no_transition_crosses_another_event(items):
    breaks = [
        item.stamp_ns
        for item in items
        if isinstance(item, ActionEvent) and item.phase != Phase.ACCEPTED
    ]
    for chain in run(items)[0]:
        transition = chain[-1]
        own = {transition.start_ns, transition.finish_ns}
        begin, end = transition.before.stamp_ns, transition.after.stamp_ns
        assert not [stamp for stamp in breaks if begin < stamp < end and stamp not in own]


@settings(max_examples=300, deadline=None)
@given(recordings())
def test_chained_transitions_share_their_frames_and_no_reset_is_between_them(items):
    resets = stamps(items, Phase.RESET).values()
    for chain in run(items)[0]:
        for earlier, later in zip(chain, chain[1:], strict=False):
            assert later.sequence == earlier.sequence + 1
            between = (earlier.finish_ns, later.start_ns)
            assert not [stamp for stamp in resets if between[0] <= stamp <= between[1]]
            assert earlier.finish_ns <= later.before.stamp_ns <= later.start_ns


@settings(max_examples=300, deadline=None)
@given(recordings())
def test_every_started_action_is_paired_or_counted_once(items):
    chains, history = run(items)
    started = [
        item for item in items if isinstance(item, ActionEvent) and item.phase == Phase.STARTED
    ]
    counts = Counter(history.unpaired)
    orphans = counts.pop(Unpaired.NO_START, 0)
    assert len(chains) == history.paired
    assert history.paired + counts.total() == len(started)
    finished = stamps(items, Phase.FINISHED).keys() - {event.sequence for event in started}
    assert orphans == len(finished)


@settings(max_examples=300, deadline=None)
@given(recordings(), st.data())
def test_frames_that_come_late_make_no_other_transition(items, data):
    late, mixed = [], []
    for item in items:
        if isinstance(item, Frame):
            late.append(item)
            continue
        mixed += late[: (taken := data.draw(st.integers(0, len(late))))]
        late = late[taken:]
        mixed.append(item)
    assert set(key(run([*mixed, *late])[0])) <= set(key(run(items)[0]))


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 12), st.data())
def test_of_a_healthy_robot_any_interleaving_gives_the_same(count, data):
    frames = [Frame(stamp_ns=0, image=IMAGE)]
    events = []
    for number in range(count):
        events += [
            ActionEvent(stamp_ns=10 * number + offset, sequence=number, phase=phase, action=1)
            for offset, phase in ((2, Phase.STARTED), (5, Phase.FINISHED))
        ]
        frames.append(Frame(stamp_ns=10 * number + 8, image=IMAGE))
    parts, mixed = (frames, events), []
    while any(parts):
        mixed.append(data.draw(st.sampled_from([part for part in parts if part])).pop(0))
    expected = [(n, 1, max(0, 10 * n - 2), 10 * n + 8) for n in range(count)]
    assert key(run(mixed)[0]) == expected


def key(chains: list) -> list[tuple]:
    last = [chain[-1] for chain in chains]
    return [(t.sequence, t.action, t.before.stamp_ns, t.after.stamp_ns) for t in last]


@settings(max_examples=300, deadline=None)
@given(recordings(), st.integers(2, 4))
def test_a_small_buffer_gives_no_other_transition(items, buffer):
    whole = set(key(run(items)[0]))
    assert set(key(run(items, buffer)[0])) <= whole


def test_an_action_that_is_longer_than_the_buffer_keeps_its_before_frame():
    items = [Frame(stamp_ns=1, image=IMAGE)]
    items.append(ActionEvent(stamp_ns=2, sequence=1, phase=Phase.STARTED, action=1))
    items += [Frame(stamp_ns=number, image=IMAGE) for number in range(3, 60)]
    items.append(ActionEvent(stamp_ns=60, sequence=1, phase=Phase.FINISHED, action=1))
    items.append(Frame(stamp_ns=61, image=IMAGE))
    (chain,), _ = run(items, buffer=4)
    assert (chain[-1].before.stamp_ns, chain[-1].after.stamp_ns) == (1, 61)

"""A replayed bag: in order, when it is due, and with a clean seam between two rounds."""

from itertools import islice, pairwise

from devrobot_interfaces_py.actions import ActionEvent, Phase
from devrobot_interfaces_py.bags import BagFrame
from devrobot_robots.replay.config import ReplayConfig
from devrobot_robots.replay.player import Loops, SEAM_NS, timeline
import pytest

SECOND = 1_000_000_000


def frame(stamp_ns: int) -> BagFrame:
    # The time of the recording is of another clock: it must not matter.
    return BagFrame(stamp_ns=stamp_ns, log_ns=stamp_ns * 1000, parts=(b'',), readers=())


def event(phase: Phase, stamp_ns: int, sequence: int = 5) -> ActionEvent:
    return ActionEvent(stamp_ns=stamp_ns, sequence=sequence, phase=phase, action=1)


ITEMS = [
    event(Phase.STARTED, 10 * SECOND),
    event(Phase.FINISHED, 11 * SECOND),
    frame(12 * SECOND),
]


def stamps(loops: Loops, count: int) -> list[int]:
    return [due.item.stamp_ns for due in islice(loops, count)]


def test_items_are_due_at_their_stamps():
    assert [due.seconds for due in timeline(ITEMS)] == [0.0, 1.0, 2.0]
    assert [due.item for due in timeline(ITEMS)] == ITEMS


def test_an_item_that_overtook_another_keeps_its_place():
    late = [frame(10 * SECOND), frame(14 * SECOND), event(Phase.STARTED, 12 * SECOND)]
    assert [due.seconds for due in timeline(late)] == [0.0, 4.0, 4.0]


def test_without_a_loop_it_ends_with_the_bag():
    assert [due.item for due in Loops(lambda: iter(ITEMS), loop=False)] == ITEMS
    assert list(Loops(lambda: iter([]), loop=True)) == []


def test_rounds_go_on_with_later_stamps_and_higher_numbers():
    loops = Loops(lambda: iter(ITEMS), loop=True)
    assert all(a < b for a, b in pairwise(stamps(loops, 12)))
    due = [item.seconds for item in islice(loops, 12)]
    assert all(a < b for a, b in pairwise(due))
    assert due[4] - due[2] == SEAM_NS / 1e9
    events = [d.item for d in islice(loops, 12) if isinstance(d.item, ActionEvent)]
    started = [e.sequence for e in events if e.phase is Phase.STARTED]
    assert started == sorted(set(started))
    finished = [e.sequence for e in events if e.phase is Phase.FINISHED]
    assert finished == started


def test_a_reset_at_the_seam_keeps_two_rounds_apart():
    """The last frame of a round must not become the frame before the next round's action."""
    seam = list(islice(Loops(lambda: iter(ITEMS), loop=True), 5))[3].item
    assert (seam.phase, seam.source) == (Phase.RESET, 'replay')
    numbers = [
        due.item.sequence
        for due in islice(Loops(lambda: iter(ITEMS), loop=True), 8)
        if isinstance(due.item, ActionEvent)
    ]
    assert numbers == [5, 5, 6, 12, 12, 13]


@pytest.mark.parametrize(
    ('field', 'value'), [('pace', 'slow'), ('rate', 0.0), ('fast_limit', 0.0), ('start_delay', -1)]
)
def test_wrong_settings_are_refused(field, value):
    with pytest.raises(ValueError, match=field):
        ReplayConfig(bag='x', **{field: value})

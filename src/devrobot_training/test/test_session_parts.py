"""Session files of parts: ranges over the whole bag, all files of a set or none."""

from pathlib import Path

from devrobot_interfaces_py.session_files import read_session_file
from devrobot_training.sessions import opening
from devrobot_training.sessions.opening import open_session
from devrobot_training.sessions.parts import all_or_none, whole_ranges, write_part
from devrobot_training.sessions.session import SessionError
from drawn_sessions import facts, ranges_of, windows
from hypothesis import given, settings
from hypothesis import strategies as st
import pytest
from session_worlds import driver_anew, tape

MADE_BY = {'command': 'test', 'skip_faulty': False, 'namespace': ''}
TOTAL = 24


@pytest.fixture(scope='module')
def bag(tmp_path_factory) -> Path:
    actions: list[int | None] = [0, 1, 1, None] * 3 + [1, 0, 1, 1, 0] * 3
    return tape(actions).write(tmp_path_factory.mktemp('parts') / 'bag')


@settings(max_examples=60, deadline=None)
@given(ranges_of(TOTAL), st.data())
def test_a_part_of_a_part_is_what_was_chosen_of_it(bag, first, data):
    whole = open_session(bag)
    assert len(whole) == TOTAL
    one = bag.parent / 'one.session.json'
    assert write_part(one, bag, whole, first, MADE_BY) == first
    part = open_session(one)
    second = data.draw(ranges_of(len(part)) if len(part) > 1 else st.just([(0, 1)]))
    two = bag.parent / 'two.session.json'
    write_part(two, one, part, second, MADE_BY)
    expected = part.select(second)
    opened = open_session(two)
    assert facts(opened) == facts(expected)
    for length in (1, 2, 3):
        assert windows(opened, length) == windows(expected, length)


def test_a_range_is_cut_where_the_part_is(bag):
    path = bag.parent / 'cut.session.json'
    write_part(path, bag, open_session(bag), [(2, 5), (5, 7), (10, 20)], MADE_BY)
    assert whole_ranges(path, [(0, 4), (4, 9)]) == [(2, 5), (5, 6), (6, 7), (10, 14)]
    assert whole_ranges(bag, [(0, 4), (4, 9)]) == [(0, 4), (4, 9)]


def test_counts_and_times_of_a_part_are_its_own(bag):
    whole = open_session(bag)
    part = whole.select([(4, 6), (10, 12)])
    assert (part.observed_frames, part.used_frames) == (6, 6)
    first, last = part.transitions['before'][0], part.transitions['after'][-1]
    seconds = (whole.frame_stamps[last] - whole.frame_stamps[first]) / 1e9
    assert part.duration_s == pytest.approx(seconds)
    with pytest.raises(SessionError, match='bag: a part needs at least one range'):
        whole.select([])


def test_how_the_bag_was_read_is_kept_from_part_to_part(tmp_path):
    made = tape([1, 0, 1, 0, 1, 1])
    driver_anew(made)
    bag = made.write(tmp_path / 'bag')
    one, two = tmp_path / 'one.session.json', tmp_path / 'two.session.json'
    session = open_session(bag, skip_faulty=True)
    write_part(one, bag, session, [(0, 5)], {**MADE_BY, 'skip_faulty': True})
    write_part(two, one, open_session(one), [(1, 4)], MADE_BY)
    assert read_session_file(two).made_by['skip_faulty'] is True
    assert facts(open_session(two)) == facts(session)[1:4]


def test_the_robot_of_a_bag_with_several_is_kept(tmp_path, monkeypatch):
    bag = tape([1, 0, 1]).write(tmp_path / 'bag', namespace='left')
    path = tmp_path / 'part.session.json'
    session = open_session(bag, namespace='left')
    write_part(path, bag, session, [(0, 2)], {**MADE_BY, 'namespace': 'left'})
    asked = []
    monkeypatch.setattr(
        opening, 'SessionCache', lambda bag, variant, home: asked.append(variant) or stop()
    )
    with pytest.raises(SessionError, match='enough'):
        open_session(path)
    assert asked[0]['namespace'] == 'left'


def stop() -> None:
    raise OSError('enough')


@pytest.mark.parametrize('error', [OSError, KeyboardInterrupt])
def test_a_set_of_files_is_written_as_a_whole_or_left_as_it_was(tmp_path, error):
    old, new = tmp_path / 'old', tmp_path / 'new'
    old.write_text('before')
    with pytest.raises(error), all_or_none([old, new]):
        old.write_text('after')
        new.write_text('after')
        raise error
    assert old.read_text() == 'before' and not new.exists()
    with all_or_none([old, new]):
        old.unlink()
        new.write_text('after')
    assert new.read_text() == 'after' and not old.exists()

"""The filter drops what training has seen, no more and no less, and glues nothing together."""

from dataclasses import replace
from pathlib import Path
import tempfile

from devrobot_interfaces_py.actions import ActionDefinition
from devrobot_training.sessions.opening import open_session
from devrobot_training.sessions.overlap import filter_overlap
from devrobot_training.sessions.parts import write_part
from devrobot_training.sessions.session import Session, SessionError
from drawn_sessions import assert_it_all_happened, facts, moments, sessions, walk, windows
from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
from session_worlds import picture, SPACE, tape

MADE_BY = {'command': 'test', 'skip_faulty': False, 'namespace': ''}
ACTIONS = st.lists(st.sampled_from([0, 1, 1, None]), min_size=1, max_size=25)
RING = 32


def assert_filtered(left: Session, training: Session, validation: Session) -> None:
    """What is left is all that training has not seen, and each canvas of it, no other ones."""
    seen = set(moments(training))
    assert not set(moments(left)) & seen
    kept = [
        fact
        for fact, moment in zip(facts(validation), moments(validation), strict=True)
        if moment not in seen
    ]
    assert facts(left) == kept
    assert_it_all_happened(left, validation)
    numbers = {fact[0] for fact in kept}
    for length in (1, 2, 3):
        whole = {w for w in windows(validation, length) if set(w) <= numbers}
        assert windows(left, length) == whole


@settings(max_examples=200, deadline=None)
@given(sessions(), sessions(min_size=1))
def test_what_is_left_is_what_training_has_not_seen(training, validation):
    filtered = filter_overlap(training, validation)
    kept = sum(end - begin for begin, end in filtered.kept)
    assert kept + filtered.dropped == len(validation)
    if filtered.kept:
        assert_filtered(validation.select(filtered.kept), training, validation)
    else:
        assert set(moments(validation)) <= set(moments(training))


@settings(max_examples=150, deadline=None)
@given(sessions(min_size=4), st.floats(0.2, 0.8), st.data())
def test_the_filter_of_a_part_and_the_part_of_a_filter_hold_the_same_rules(session, ratio, data):
    border = min(max(round(len(session) * ratio), 1), len(session) - 1)
    training, validation = session.select([(0, border)]), session.select([(border, len(session))])
    filtered = filter_overlap(training, validation)
    if not filtered.kept:
        return
    left = validation.select(filtered.kept)
    assert_filtered(left, training, validation)
    assert_it_all_happened(left, session)
    begin = data.draw(st.integers(0, len(left) - 1))
    piece = left.select([(begin, data.draw(st.integers(begin + 1, len(left))))])
    assert not set(moments(piece)) & set(moments(training))
    assert_it_all_happened(piece, left)
    assert_it_all_happened(piece, session)


@settings(max_examples=25, deadline=None)
@given(ACTIONS, ACTIONS, st.data())
def test_what_is_written_opens_as_what_was_left(before, after, data):
    """Through a bag, a split and a filtered file, as the commands make them."""
    with tempfile.TemporaryDirectory() as name:
        bag = walk([*before, 1, *after, 1]).write(Path(name) / 'bag')
        whole = open_session(bag)
        border = data.draw(st.integers(1, len(whole) - 1))
        paths = [Path(name) / f'{n}.session.json' for n in ('train', 'validation', 'filtered')]
        write_part(paths[0], bag, whole, [(0, border)], MADE_BY)
        write_part(paths[1], bag, whole, [(border, len(whole))], MADE_BY)
        training, validation = open_session(paths[0]), open_session(paths[1])
        filtered = filter_overlap(training, validation)
        if filtered.kept:
            write_part(paths[2], paths[1], validation, filtered.kept, MADE_BY)
            left = open_session(paths[2])
            assert_filtered(left, training, validation)
            assert_it_all_happened(left, whole)


def test_of_a_hundred_observations_no_two_pieces_are_glued_together(tmp_path):
    """The reference made 29 of 100, and 8 of their 28 transitions had never happened."""
    rng = np.random.default_rng(5)
    training = on_the_ring(tmp_path / 'train', rng.integers(0, 2, 60).tolist())
    validation = on_the_ring(tmp_path / 'validation', rng.integers(0, 2, 99).tolist(), place=7)
    assert validation.observed_frames == 100
    left = validation.select(filter_overlap(training, validation).kept)
    assert 10 < len(left) < 60 and left.chain_count > 3
    before, after = (left.frames[left.transitions[w]][:, 0, 0, 0] for w in ('before', 'after'))
    assert ((before + left.transitions['action']) % RING == after).all()
    for first, second in left.windows(2):
        assert after[first] == before[second]
    # Joined by position, as the reference did, many would be wrong.
    glued = (before[:-1] + left.transitions['action'][:-1]) % RING != before[1:]
    assert glued.sum() >= 3


def on_the_ring(path: Path, actions: list[int], place: int = 0) -> Session:
    return open_session(walk(actions, place, RING).write(path))


def test_a_picture_of_other_sides_is_another_picture():
    def black(height: int, width: int) -> Session:
        with tempfile.TemporaryDirectory() as name:
            made = tape([1, 1])
            made.items = [
                (item[0], picture(0, height, width)) if isinstance(item, tuple) else item
                for item in made.items
            ]
            session = open_session(made.write(Path(name) / 'bag'))
            return replace(session, frames=session.frames[:].copy())

    assert filter_overlap(black(4, 6), black(4, 6)).dropped == 2
    assert filter_overlap(black(4, 6), black(6, 4)).dropped == 0


def test_robots_that_can_do_different_things_are_not_compared(tmp_path):
    actions = (SPACE.actions[0], ActionDefinition(label='jump', separator_color=(0, 0, 255)))
    one = open_session(tape([1, 0]).write(tmp_path / 'one'))
    space = replace(SPACE, actions=actions)
    two = open_session(tape([1, 0]).write(tmp_path / 'two', action_space=space))
    with pytest.raises(SessionError, match='different action spaces'):
        filter_overlap(one, two)


def test_progress_is_told(tmp_path):
    session = open_session(tape([1, 0]).write(tmp_path / 'bag'))
    seen = []
    filter_overlap(session, session, lambda done, total: seen.append((done, total)))
    assert seen[0] == (0, 2)

"""Splits are ranges in time: all is used once, and no canvas appears that was not there."""

from pathlib import Path
import tempfile

from devrobot_training.sessions.opening import open_session
from devrobot_training.sessions.parts import write_part
from devrobot_training.sessions.session import SessionError
from devrobot_training.sessions.splits import (
    make_stages,
    PartConfig,
    split_in_two,
    SplitConfig,
    stage_sizes,
)
from drawn_sessions import assert_it_all_happened, facts, sessions, walk, windows
from hypothesis import given, settings
from hypothesis import strategies as st
import pytest
from session_worlds import tape

MADE_BY = {'command': 'test', 'skip_faulty': False, 'namespace': ''}
CONFIGS = st.builds(
    SplitConfig,
    train_ratio=st.floats(0.01, 0.99),
    history=st.integers(2, 4),
    first_size=st.integers(2, 12),
)


@pytest.mark.parametrize(
    ('total', 'sizes'),
    [
        (1000, [10, 20, 40, 80, 160, 320, 640, 1000]),
        (640, [10, 20, 40, 80, 160, 320, 640]),
        (641, [10, 20, 40, 80, 160, 320, 640, 641]),
        (10, [10]),
        (7, [7]),
    ],
)
def test_sizes_double_from_10_and_end_with_all(total, sizes):
    assert stage_sizes(total, SplitConfig()) == sizes


@pytest.mark.parametrize(
    ('total', 'number', 'sizes'),
    [(100, 4, [25, 50, 75, 100]), (10, 3, [3, 7, 10]), (100, 1, [100]), (3, 3, [1, 2, 3])],
)
def test_num_stages_gives_so_many_equal_steps(total, number, sizes):
    assert stage_sizes(total, SplitConfig(num_stages=number)) == sizes


def test_more_stages_than_transitions_are_refused():
    with pytest.raises(SessionError, match='3 transitions cannot grow in 4 stages; use --num-st'):
        stage_sizes(3, SplitConfig(num_stages=4))


def test_seven_tenths_train_unless_said_otherwise(tmp_path):
    session = open_session(tape([0, 1] * 50).write(tmp_path / 'bag'))
    stages = make_stages(session, SplitConfig())
    assert [(stage.train, stage.validation) for stage in stages] == [
        ((0, 7), (7, 10)),
        ((0, 14), (14, 20)),
        ((0, 28), (28, 40)),
        ((0, 56), (56, 80)),
        ((0, 70), (70, 100)),
    ]
    assert split_in_two(session, PartConfig(train_ratio=0.25)).train == (0, 25)


@settings(max_examples=150, deadline=None)
@given(sessions(min_size=2), CONFIGS)
def test_a_stage_is_a_prefix_in_time_and_trains_before_it_validates(session, config):
    stages = make_stages(session, config)
    assert [stage.number for stage in stages] == list(range(1, len(stages) + 1))
    assert stages[-1].size == len(session)
    for stage in stages:
        assert stage.train[0] == 0 < stage.train[1] == stage.validation[0]
        assert stage.validation[1] == stage.size
        if stage.size > 1:
            assert stage.validation[0] < stage.validation[1]


@settings(max_examples=150, deadline=None)
@given(sessions(min_size=2), CONFIGS)
def test_parts_have_only_what_happened_and_lose_the_canvases_at_the_border_only(session, config):
    for stage in make_stages(session, config):
        train, validation = (session.select([part]) for part in (stage.train, stage.validation))
        for part in (train, validation):
            assert_it_all_happened(part, session)
        assert facts(train) + facts(validation) == facts(session)[: stage.size]
        border = validation.transitions['sequence'][0]
        whole = windows(session.select([(0, stage.size)]), 2)
        crossing = {window for window in whole if window[0] < border <= window[1]}
        assert windows(train, 2) | windows(validation, 2) == whole - crossing


@settings(max_examples=150, deadline=None)
@given(sessions(min_size=2), CONFIGS)
def test_a_stage_without_a_whole_canvas_says_so(session, config):
    for stage in make_stages(session, config):
        counts = [
            len(windows(session.select([part]), config.history - 1))
            for part in (stage.train, stage.validation)
        ]
        assert [stage.train_canvases, stage.validation_canvases] == counts
        assert bool(stage.problem) == (0 in counts)


def test_the_problem_tells_which_part_is_too_small():
    problems = [stage.problem for stage in small_stages([1] * 8, first_size=2)]
    assert problems == [
        'too small: its training has no whole canvas',
        'too small: its validation has no whole canvas',
        '',
    ]
    # Six transitions validate here, but no two of them follow each other.
    problems = [stage.problem for stage in small_stages([*[1] * 14, *[None, 1] * 6])]
    assert problems == ['', 'too small: its validation has no whole canvas']


def small_stages(actions: list[int | None], **settings):
    with tempfile.TemporaryDirectory() as folder:
        session = open_session(tape(actions).write(Path(folder) / 'bag'))
        return make_stages(session, SplitConfig(**settings))


def test_too_little_to_split_is_refused(tmp_path):
    session = open_session(tape([1, 1, 1]).write(tmp_path / 'bag'))
    with pytest.raises(SessionError, match='bag: 1 transitions cannot be split'):
        make_stages(session.select([(0, 1)]), SplitConfig())
    with pytest.raises(SessionError, match='no whole canvas; record more, or change --train-rat'):
        split_in_two(session, PartConfig())


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.sampled_from([0, 1, 1, None]), min_size=8, max_size=30),
    st.floats(0.3, 0.8),
    st.data(),
)
def test_written_splits_open_as_what_was_split_also_those_of_parts(actions, ratio, data):
    """A part of a bag is split again, twice, through files."""
    with tempfile.TemporaryDirectory() as name:
        source = walk(actions + [1] * 4).write(Path(name) / 'bag')
        whole = session = open_session(source)
        for round_number in range(3):
            stage = split_part(session, ratio)
            part = data.draw(st.sampled_from([stage.train, stage.validation]))
            path = Path(name) / 'splits' / f'{round_number}.session.json'
            write_part(path, source, session, [part], MADE_BY)
            opened = open_session(path)
            assert facts(opened) == facts(session)[slice(*part)]
            assert windows(opened, 2) == windows(session.select([part]), 2)
            assert_it_all_happened(opened, whole)
            source, session = path, opened
            if len(session) < 2:
                break


def split_part(session, ratio: float):
    return make_stages(session, SplitConfig(train_ratio=ratio))[-1]

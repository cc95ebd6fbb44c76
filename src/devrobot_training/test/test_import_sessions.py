"""Sessions of the earlier format become bags: what happened, and nothing that did not."""

from collections import Counter
from pathlib import Path
import tempfile

from devrobot_interfaces_py.actions import ActionEvent
from devrobot_interfaces_py.bags import BagFrame, open_bag
from devrobot_training.sessions.opening import open_session
from devrobot_training.sessions.reference_format import read_source, read_steps
from devrobot_training.sessions.reference_import import import_session, Imported
from devrobot_training.sessions.session import SessionError
from hypothesis import given, settings
from hypothesis import strategies as st
import pytest
from reference_sessions import frame_numbers, recorded, ReferenceSession, START_S, STAY, TURN

ACTIONS = [1, 0, 1, 1, 0]


def imported(made: ReferenceSession, folder: Path) -> tuple[Imported, Path]:
    source = read_source(made.write(folder / 'source'))
    return import_session(source, folder / 'bag'), folder / 'bag'


def opened(made: ReferenceSession, folder: Path):
    return open_session(imported(made, folder)[1])


def refused(made: ReferenceSession, folder: Path) -> str:
    """Return why the import is refused; nothing is left of it."""
    folder.mkdir(exist_ok=True)
    made.write(folder / 'source')
    return refused_folder(folder)


def refused_folder(folder: Path) -> str:
    with pytest.raises(SessionError) as caught:
        import_session(read_source(folder / 'source'), folder / 'bag')
    assert [path.name for path in folder.iterdir()] == ['source']
    message = str(caught.value)
    assert '\n' not in message and 'source' in message
    return message


def test_all_actions_become_transitions_in_their_order(tmp_path):
    done, bag = imported(recorded(ACTIONS), tmp_path)
    assert (done.frames, done.actions, done.gaps, done.left_out, done.odd) == (6, 5, 0, {}, {})
    session = open_session(bag)
    assert session.transitions['action'].tolist() == ACTIONS
    assert frame_numbers(session) == [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)]
    assert session.chain_count == 1 and session.unpaired == {}
    starts = (session.transitions['start_ns'] / 1e9 - START_S).tolist()
    assert starts == pytest.approx([0.25, 0.75, 1.25, 1.75, 2.25], abs=1e-6)
    assert session.info.session_id == 'session_20250101_120000'
    assert (session.info.robot_type, session.info.selector) == ('jetbot', 'imported')


def test_jpeg_files_go_in_unchanged(tmp_path):
    made = recorded([1, 0])
    _, path = imported(made, tmp_path)
    with open_bag(path) as bag:
        assert bag.namespace == '/jetbot'
    stored = b''.join(file.read_bytes() for file in path.glob('*.mcap'))
    assert all(data in stored for data in made.images.values())


def test_actions_have_their_values_and_the_one_that_does_nothing_comes_first(tmp_path):
    made = recorded(ACTIONS)
    made.meta['action_space'] = [TURN, STAY]
    session = opened(made, tmp_path)
    actions = session.action_space.actions
    assert [action.label for action in actions] == ['stay', 'motor_left=0 motor_right=0.12']
    assert actions[1].duration_s == 0.2 and actions[1].parameter('motor_right') == 0.12
    assert [action.separator_color for action in actions] == [(255, 0, 0), (0, 255, 0)]
    assert session.transitions['action'].tolist() == ACTIONS


def test_motions_that_differ_in_duration_only_are_different_actions(tmp_path):
    made = ReferenceSession()
    made.meta['action_space'] = [STAY, TURN, {**TURN, 'duration': 0.5}]
    for action in (TURN, {**TURN, 'duration': 0.5}):
        made.observe()
        made.act(action)
    made.observe()
    session = opened(made, tmp_path)
    assert session.transitions['action'].tolist() == [1, 2]
    assert session.action_space.actions[2].label.endswith('duration=0.5')


def test_a_space_without_a_still_action_is_told(tmp_path):
    made = recorded([1])
    made.meta['action_space'] = [TURN]
    source = read_source(made.write(tmp_path / 'source'))
    assert source.notes == ('no action does nothing: action 0 is taken as the first one',)


SPOILT = {
    'missing image': lambda path: path.unlink(),
    'unreadable image': lambda path: path.write_bytes(path.read_bytes()[:200]),
    'image of another size': lambda path: path.write_bytes(larger_image()),
}


def larger_image() -> bytes:
    made = ReferenceSession()
    made.observe(size=24)
    return made.images['frames/frame_000000.jpg']


@pytest.mark.parametrize(('reason', 'spoil'), SPOILT.items(), ids=SPOILT)
def test_a_frame_that_cannot_be_used_is_counted_and_its_actions_drop_out(tmp_path, reason, spoil):
    folder = recorded(ACTIONS).write(tmp_path / 'source')
    spoil(folder / 'frames/frame_000002.jpg')
    done = import_session(read_source(folder), tmp_path / 'bag')
    assert done.left_out == {reason: 1}
    assert (done.frames, done.actions) == (5, 5)
    session = open_session(tmp_path / 'bag')
    assert frame_numbers(session) == [(0, 1), (3, 4), (4, 5)]
    assert session.transitions['chain'].tolist() == [0, 1, 1]
    assert sum(session.unpaired.values()) == 2


def test_a_frame_that_is_no_file_is_missing(tmp_path):
    made = recorded([1, 1])
    made.lines[2]['data'] = {}
    made.lines[4]['data'] = {'frame_path': 'frames'}
    done, _ = imported(made, tmp_path)
    assert (done.frames, done.left_out) == (1, {'missing image': 2})


@pytest.mark.parametrize('name', ['../secret.jpg', '/etc/passwd', 'frames/../../secret.jpg'])
def test_a_path_that_leads_out_is_refused(tmp_path, name):
    made = recorded(ACTIONS)
    made.lines[4]['data']['frame_path'] = name
    message = refused(made, tmp_path / 'a')
    assert f'events_shard_001.jsonl:1 names {name!r}, outside of it' in message


def test_a_link_that_leads_out_and_a_path_that_is_none_are_refused(tmp_path):
    secret = tmp_path / 'secret.jpg'
    secret.write_bytes(larger_image())
    folder = tmp_path / 'a'
    path = recorded(ACTIONS).write(folder / 'source') / 'frames/frame_000001.jpg'
    path.unlink()
    path.symlink_to(secret)
    assert 'outside of it' in refused_folder(folder)
    made = recorded(ACTIONS)
    made.lines[0]['data']['frame_path'] = 'frames/\0.jpg'
    assert 'null byte' in refused(made, tmp_path / 'b')


def test_nothing_crosses_a_gap_in_the_steps(tmp_path):
    made = recorded([1] * 6)
    del made.lines[4:6]  # an observation and the action after it
    done, bag = imported(made, tmp_path)
    assert done.gaps == 1
    session = open_session(bag)
    assert frame_numbers(session) == [(0, 1), (3, 4), (4, 5), (5, 6)]
    assert session.transitions['chain'].tolist() == [0, 1, 1, 1]


def test_nothing_crosses_a_missing_file_of_events_even_without_numbers(tmp_path):
    made = recorded([1] * 6)
    for line in made.lines:
        del line['step']
    folder = made.write(tmp_path / 'source')
    (folder / 'events_shard_001.jsonl').unlink()  # frames 2 and 3
    done = import_session(read_source(folder), tmp_path / 'bag')
    assert done.gaps == 1
    assert frame_numbers(open_session(tmp_path / 'bag')) == [(0, 1), (4, 5), (5, 6)]


def test_two_observations_in_a_row_end_the_chain(tmp_path):
    made = recorded([1] * 4)
    for line in made.lines:
        del line['step']
    del made.lines[3]  # an action
    session = opened(made, tmp_path)
    assert frame_numbers(session) == [(0, 1), (2, 3), (3, 4)]
    assert session.transitions['chain'].tolist() == [0, 1, 1]


def test_files_of_events_are_read_by_number_and_others_passed_over(tmp_path):
    folder = recorded(ACTIONS).write(tmp_path / 'source')
    (folder / 'events_shard_002.jsonl').rename(folder / 'events_shard_1000.jsonl')
    (folder / 'events_shard_001.jsonl').rename(folder / 'events_shard_999.jsonl')
    (folder / 'events_shard_000_backup.jsonl').write_text('no events')
    steps = read_steps(read_source(folder)).items
    assert [step.number for step in steps] == list(range(11))


def test_a_line_that_was_cut_off_is_counted_and_nothing_crosses_it(tmp_path):
    made = recorded([1] * 6)
    for line in made.lines:
        del line['step']
    folder = made.write(tmp_path / 'source')
    first, last = (folder / f'events_shard_{number:03}.jsonl' for number in (1, 3))
    lines = first.read_text().splitlines(keepends=True)
    first.write_text(''.join(lines[:2]) + lines[2][:-20])  # frame 3 and an action are lost
    last.write_text(last.read_text()[:-20])
    done = import_session(read_source(folder), tmp_path / 'bag')
    assert done.odd == {'line cut off': 2}
    session = open_session(tmp_path / 'bag')
    assert frame_numbers(session) == [(0, 1), (1, 2), (4, 5)]
    assert session.transitions['chain'].tolist() == [0, 0, 1]


def test_steps_whose_time_goes_back_keep_their_order(tmp_path):
    made = recorded(ACTIONS)
    for line in made.lines[4:]:
        line['timestamp'] -= 3600
    done, bag = imported(made, tmp_path)
    assert done.odd == {'step whose time goes back': 7}
    assert frame_numbers(open_session(bag)) == [(n, n + 1) for n in range(5)]


def test_steps_without_time_begin_at_the_start_of_the_session(tmp_path):
    made = recorded([1, 0])
    for line in made.lines:
        del line['timestamp']
    done, bag = imported(made, tmp_path)
    assert done.odd == {'step without time': 5}
    session = open_session(bag)
    assert session.frame_stamps[0] == 1_735_732_800 * 10**9  # 2025-01-01T12:00:00Z
    assert session.transitions['action'].tolist() == [1, 0]


def test_the_start_of_the_session_does_not_move_steps_that_have_a_time(tmp_path):
    """It is local time without a zone: it may seem to be hours behind the steps, or ahead."""
    made = recorded([1, 0])
    made.meta['start_time'] = '2037-01-01T00:00:00'
    done, bag = imported(made, tmp_path)
    assert done.odd == {}
    assert open_session(bag).frame_stamps[0] == START_S * 1e9


def test_times_may_be_text(tmp_path):
    made = recorded([1])
    made.lines[0]['timestamp'] = '2023-11-14T22:13:20+00:00'
    assert opened(made, tmp_path).frame_stamps[0] == START_S * 1e9


BAD_META = {
    'no json': ('{', 'cannot be read: JSONDecodeError'),
    'no action space': ('{}', "KeyError 'action_space'"),
    'a list': ('[1]', 'TypeError'),
    'empty': ('{"action_space": []}', 'is empty'),
    'no numbers': ('{"action_space": [{"a": "left"}]}', 'ValueError'),
    'not finite': ('{"action_space": [{"duration": NaN}]}', 'duration_s of stay is nan'),
    'twice': ('{"action_space": [{"a": 1}, {"a": 1}]}', 'a label twice'),
    'too large': ('{"action_space": [{"a": 1' + '0' * 400 + '}]}', 'OverflowError'),
    'half a character': ('{"action_space": [{"\\ud800": 1}]}', 'UnicodeEncodeError'),
    'too deep': ('[' * 100_000, 'RecursionError'),
}


@pytest.mark.parametrize(('text', 'reason'), BAD_META.values(), ids=BAD_META)
def test_metadata_that_cannot_be_used_is_one_line(tmp_path, text, reason):
    folder = recorded([1]).write(tmp_path / 'source')
    (folder / 'session_meta.json').write_text(text)
    message = refused_folder(tmp_path)
    assert reason in message and 'session_meta.json' in message


BAD_LINES = {
    'no json': ('{', 'JSONDecodeError'),
    'no object': ('7', 'TypeError'),
    'no data': ('{"type": "action"}', "KeyError 'data'"),
    'other kind': ('{"type": "sound", "data": {}}', "type 'sound' is neither observation nor"),
    'step': ('{"type": "action", "data": {}, "step": "x"}', 'ValueError'),
    'time': ('{"type": "action", "data": {}, "timestamp": Infinity}', 'OverflowError'),
    'milliseconds': ('{"type": "action", "data": {}, "timestamp": 1.7e12}', 'is no time in sec'),
    'unknown action': ('{"type": "action", "data": {"jump": 1}}', 'is not in the action_space'),
    'no number': ('{"type": "action", "data": {"jump": []}}', 'is not in the action_space'),
    'not UTF-8': (b'{"type": "\xff"}', 'UnicodeDecodeError'),
}


@pytest.mark.parametrize(('line', 'reason'), BAD_LINES.values(), ids=BAD_LINES)
def test_an_event_that_cannot_be_understood_is_one_line_with_its_place(tmp_path, line, reason):
    folder = recorded(ACTIONS).write(tmp_path / 'source')
    path = folder / 'events_shard_000.jsonl'
    lines = path.read_bytes().splitlines(keepends=True)
    lines[1] = (line if isinstance(line, bytes) else line.encode()) + b'\n'
    path.write_bytes(b''.join(lines))
    message = refused_folder(tmp_path)
    assert reason in message and 'events_shard_000.jsonl:2' in message


def test_a_session_without_events_is_refused(tmp_path):
    assert 'no events in events_shard_NNN.jsonl' in refused(ReferenceSession(), tmp_path / 'a')


@pytest.mark.parametrize(
    ('given_name', 'name', 'namespace'),
    [
        ('../../etc', '_.._etc', '/_etc'),
        ('-rf', 'rf', '/rf'),
        ('jet bot/1', 'jet_bot_1', '/jet_bot_1'),
        ('2nd', '2nd', '/robot_2nd'),
        ('…', '_', '/_'),
        ('..', 'session', '/session'),
    ],
)
def test_names_never_lead_out_of_their_folder_and_make_topics(
    tmp_path, given_name, name, namespace
):
    made = recorded([1])
    made.meta |= {'session_name': given_name, 'robot_type': given_name}
    source = read_source(made.write(tmp_path / 'source'))
    assert source.name == source.robot_type == name
    import_session(source, tmp_path / 'bag')
    with open_bag(tmp_path / 'bag') as bag:
        assert bag.namespace == namespace


def test_events_of_an_action_lie_between_its_frames(tmp_path):
    made = recorded([1, 1])
    made.meta['action_space'][1] = slow = {**TURN, 'duration': 9.0}
    made.lines[1]['data'] = made.lines[3]['data'] = dict(slow)
    _, path = imported(made, tmp_path)
    with open_bag(path) as bag:
        items = list(bag.items())
    kinds = [item.phase.name if isinstance(item, ActionEvent) else 'frame' for item in items]
    assert kinds == ['frame', *['STARTED', 'FINISHED', 'frame'] * 2]
    stamps = [item.stamp_ns for item in items]
    assert stamps == sorted(set(stamps))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_whatever_is_in_the_files_there_is_a_bag_or_one_line(data):
    made = recorded([1, 0, 1])
    parts = [made.meta, *made.lines, *(line['data'] for line in made.lines)]
    for _ in range(data.draw(st.integers(1, 3))):
        part = data.draw(st.sampled_from(parts))
        part[data.draw(st.sampled_from([*part, 'other']))] = data.draw(JSON)
    with tempfile.TemporaryDirectory() as folder:
        source = made.write(Path(folder) / 'source')
        before = Counter(str(path) for path in source.rglob('*'))
        try:
            import_session(read_source(source), Path(folder) / 'bag')
        except SessionError as error:
            assert not (Path(folder) / 'bag').exists()
            assert str(source) in str(error)
        else:
            with open_bag(Path(folder) / 'bag') as bag:
                frames = [item for item in bag.items() if isinstance(item, BagFrame)]
            assert len(frames) <= 4
        assert Counter(str(path) for path in source.rglob('*')) == before

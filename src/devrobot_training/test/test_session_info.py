"""The command ``session_info``: figures as a table and as JSON, and the picture."""

import json

from command_runs import error_of, run
from devrobot_training.cli import session_info
from devrobot_training.sessions.opening import open_session
import pytest
from session_worlds import driver_anew, SPACE, tape


def test_session_info_tells_the_figures_as_table_and_json(folder, bag, capsys):
    assert run('session_info', bag, '--json', 'info.json') == 0
    result = json.loads((folder / 'info.json').read_text())
    keys = ('frames', 'transitions', 'unpaired', 'action_counts', 'duration', 'action_space')
    assert set(keys) <= set(result)
    assert (result['frames'], result['transitions'], result['chains']) == (51, 45, 6)
    assert result['unpaired'] == {} and result['action_counts'] == {'stay': 15, 'move': 30}
    assert result['duration'] == open_session(bag).duration_s > 0
    assert result['action_space']['digest'] == SPACE.digest
    assert [action['label'] for action in result['action_space']['actions']] == ['stay', 'move']
    assert result['part'] is None
    text = capsys.readouterr().out
    assert 'frames            51, 51 of them used, 6x4 px' in text
    assert 'actions                 15  stay   33.3 %' in text
    assert 'not paired        nothing' in text
    assert result['contact_sheet'] == 'saved/session_info/monday.png'
    assert (folder / result['contact_sheet']).read_bytes().startswith(b'\x89PNG')


def test_session_info_tells_what_did_not_pair_by_reason(folder, capsys):
    made = tape([1, 0, 1, 0, 1, 1])
    driver_anew(made)
    path = made.write(folder / 'bag')
    assert run('session_info', path, '--no-picture') == 1
    assert '--skip-faulty' in error_of(capsys)
    arguments = ('--no-picture', '--skip-faulty', '--json', 'info.json')
    assert run('session_info', path, *arguments) == 0
    unpaired = json.loads((folder / 'info.json').read_text())['unpaired']
    assert unpaired['sequence number repeats'] >= 1
    assert f'{unpaired["sequence number repeats"]}  sequence number repeats' in (
        capsys.readouterr().out
    )


def test_session_info_of_a_part_tells_the_part(folder, bag, capsys):
    run('split_session', bag)
    part = 'saved/splits/monday/monday_validation.session.json'
    assert run('session_info', part, '--json', 'info.json', '--no-picture') == 0
    result = json.loads((folder / 'info.json').read_text())
    session = open_session(part)
    assert result['transitions'] == sum(result['action_counts'].values()) == len(session) == 14
    assert result['frames'] == result['frames_used'] == session.used_frames < 51
    assert result['duration'] == session.duration_s
    assert result['part']['ranges'] == [[31, 45]]
    assert 'part              transitions 31 to 44, made by split_session' in (
        capsys.readouterr().out
    )


def test_session_info_of_several_gives_each_its_picture(folder, bag, capsys):
    other = tape([1, 0]).write(folder / 'saved/sessions/other/monday')
    assert run('session_info', bag, other, '--json', 'info.json') == 0
    sessions = json.loads((folder / 'info.json').read_text())['sessions']
    assert [session['transitions'] for session in sessions] == [45, 2]
    assert [session['contact_sheet'] for session in sessions] == [
        'saved/session_info/monday.png',
        'saved/session_info/monday_2.png',
    ]
    capsys.readouterr()
    assert run('session_info', bag, folder / 'none') == 1
    captured = capsys.readouterr()
    assert captured.out == '' and 'there is no such bag' in captured.err


@pytest.mark.parametrize(
    ('arguments', 'reason'),
    [
        (['--contact-sheet', 'sheet.jpg'], 'name a file that ends in .png'),
        (['--contact-sheet', __file__ + '/a.png'], 'test_session_info.py is a file'),
        (['--contact-sheet', 'a.png', '--no-picture'], 'not both'),
        (['other', '--contact-sheet', 'a.png'], 'names one file for 2 sessions'),
    ],
)
def test_session_info_refuses_a_picture_that_cannot_be(bag, capsys, arguments, reason):
    assert run('session_info', bag, *arguments) == 1
    assert reason in error_of(capsys)


def test_session_info_writes_the_picture_as_a_whole_or_not(folder, bag, monkeypatch, capsys):
    def fail(session, config):
        raise OSError('no room')

    monkeypatch.setattr(session_info, 'contact_sheet', fail)
    assert run('session_info', bag, '--contact-sheet', 'a/sheet.png') == 1
    assert not list((folder / 'a').glob('*'))

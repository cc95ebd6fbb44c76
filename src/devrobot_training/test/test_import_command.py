"""The command ``import_sessions``: bags that open, and nothing overwritten."""

import json

from command_runs import error_of, run
from devrobot_training.sessions.opening import open_session
from reference_sessions import recorded


def test_import_sessions_writes_bags_that_open(folder, capsys):
    recorded([1, 0, 1]).write(folder / 'old/jetbot/a')
    made = recorded([1, 1])
    made.meta['session_name'] = 'b'
    (made.write(folder / 'old/jetbot/b') / 'frames/frame_000001.jpg').unlink()
    assert run('import_sessions', 'old', '--json', 'import.json') == 0
    first, second = json.loads((folder / 'import.json').read_text())['sessions']
    assert first['bag'] == 'saved/sessions/jetbot/session_20250101_120000'
    assert (first['frames'], first['actions'], first['left_out']) == (4, 3, {})
    assert second['left_out'] == {'missing image': 1} and second['gaps'] == 0
    assert len(open_session(first['bag'])) == 3
    text = capsys.readouterr().out
    assert f'{second["bag"]}: 2 frames, 2 actions; left out: 1 missing image' in text


def test_import_sessions_overwrites_nothing_and_goes_on_where_it_was_stopped(folder, capsys):
    recorded([1]).write(folder / 'old/a')
    assert run('import_sessions', 'old') == 0
    made = recorded([1])
    made.meta['session_name'] = 'b'
    made.write(folder / 'old/b')
    assert run('import_sessions', 'old') == 1
    assert 'exists already, nothing is overwritten; use --skip-existing' in error_of(capsys)
    assert not (folder / 'saved/sessions/jetbot/b').exists()
    assert run('import_sessions', 'old', '--skip-existing') == 0
    assert (folder / 'saved/sessions/jetbot/b/metadata.yaml').exists()


def test_import_sessions_refuses_two_of_one_name(folder, capsys):
    for name in ('a', 'b'):
        recorded([1]).write(folder / name)
    assert run('import_sessions', 'a', 'b') == 1
    assert 'b and a would both become saved/sessions/jetbot/session_2025' in error_of(capsys)
    assert not (folder / 'saved').exists()

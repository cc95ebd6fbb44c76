"""The commands: what they write, what they say, and how they end."""

from dataclasses import replace
import importlib
import json
import os
from pathlib import Path
import re
import shlex
import signal
import sys

from devrobot_interfaces_py.session_files import read_session_file
from devrobot_training.cli import command, session_info
from devrobot_training.sessions.opening import open_session
from devrobot_training.sessions.session import Session
from drawn_sessions import facts, walk
import pytest
from reference_sessions import recorded
from session_worlds import driver_anew, SPACE, tape

PACKAGE = Path(__file__).parents[1]
COMMANDS = dict(
    re.findall(r"f'(\w+) = \{NAME\}\.cli\.(\w+):main'", (PACKAGE / 'setup.py').read_text())
)
ACTIONS = [1, 0, 1, 1, None, 0, 1, 1, 0, 1] * 5  # 45 transitions in 6 chains


def run(name: str, *arguments) -> int:
    """Run a command in this process; return its exit code."""
    module = importlib.import_module(f'devrobot_training.cli.{name}')
    with pytest.raises(SystemExit) as end:
        module.main([str(argument) for argument in arguments])
    return end.value.code


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A folder to work in, so that the default places are below it."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def bag(folder) -> Path:
    return walk(ACTIONS, ring=32).write(folder / 'saved/sessions/bot/monday')


def error_of(capsys) -> str:
    """Return the one line that was said about an error."""
    error = capsys.readouterr().err
    assert error.startswith('error: ') and error.count('\n') == 1, error
    return error


# ------------------------------------------------------------------------------------- all of them


def test_every_command_is_an_entry_point():
    modules = (PACKAGE / 'devrobot_training/cli').glob('*.py')
    names = {path.stem for path in modules if '\ndef main(' in path.read_text()}
    assert {name: name for name in names} == COMMANDS


@pytest.mark.parametrize('name', COMMANDS)
def test_help_shows_an_example_that_is_accepted_and_the_defaults(name, capsys):
    assert run(name, '--help') == 0
    text = capsys.readouterr().out
    start, _, example = text.partition('example:\n  ')
    assert example.startswith(f'ros2 run devrobot_training {name} ')
    arguments = shlex.split(example)[4:]
    parser = importlib.import_module(f'devrobot_training.cli.{name}').build_parser()
    assert vars(parser.parse_args(arguments))
    assert '(default' in start and '--json FILE' in start and '--quiet' in start


CALLS = {
    'make_splits': ['saved/sessions/bot/monday'],
    'split_session': ['saved/sessions/bot/monday'],
    'filter_overlap': ['saved/sessions/bot/monday', 'saved/sessions/bot/monday'],
    'session_info': ['saved/sessions/bot/monday'],
    'import_sessions': ['old'],
}


@pytest.mark.parametrize('name', CALLS)
def test_what_is_not_there_is_one_line_and_exit_code_1(name, folder, capsys):
    assert run(name, *CALLS[name]) == 1
    assert CALLS[name][0] in error_of(capsys)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize('name', CALLS)
@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_with_130_and_leaves_nothing(
    name, number, folder, bag, capsys, monkeypatch
):
    recorded([1, 0]).write(folder / 'old')
    before = sorted(folder.rglob('*'))

    def interrupt(*_, **__) -> None:
        os.kill(os.getpid(), number)

    monkeypatch.setattr(command, 'open_session', interrupt)
    monkeypatch.setattr('devrobot_training.sessions.reference_import.decode_compressed', interrupt)
    assert run(name, *CALLS[name]) == 130
    assert capsys.readouterr().err == 'interrupted\n'
    assert [path for path in sorted(folder.rglob('*')) if path.is_file()] == [
        path for path in before if path.is_file()
    ]


def test_a_program_that_calls_a_command_keeps_its_own_handler_of_signals(folder):
    def own(*_) -> None:
        pass

    before = signal.signal(signal.SIGTERM, own)
    try:
        assert run('session_info', 'none') == 1
        assert signal.getsignal(signal.SIGTERM) is own
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_folder_for_json_is_refused_before_anything_is_done(folder, bag, capsys):
    assert run('split_session', bag, '--json', folder) == 1
    assert f'--json is {folder}, which is a folder: name a file' in error_of(capsys)
    assert not (folder / 'saved/splits').exists()


def test_errors_of_the_system_name_the_file_and_the_reason(folder, bag, capsys):
    (folder / 'saved/splits').write_text('in the way')
    assert run('split_session', bag) == 1
    assert (
        error_of(capsys)
        == 'error: saved/splits/monday/monday_train.session.json: Not a directory\n'
    )


def test_wrong_settings_are_one_line(folder, bag, capsys):
    assert run('split_session', bag, '--train-ratio', '1.5') == 1
    assert '--train-ratio is 1.5, must be between 0.01 and 0.99' in error_of(capsys)
    assert run('session_info', bag, '--rows', 'many') == 1
    assert "--rows is 'many', must be a whole number" in error_of(capsys)


def test_output_that_nobody_reads_to_its_end_is_no_fault(bag, capsys, monkeypatch):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, 'w') as nobody, monkeypatch.context() as patch:
        patch.setattr(sys, 'stdout', nobody)
        assert run('session_info', bag, '--no-picture') == 1
    assert capsys.readouterr().err == ''


def test_progress_is_shown_where_somebody_looks(bag, capsys, monkeypatch):
    def shown(*options: str) -> str:
        run('split_session', bag, *options)
        return capsys.readouterr().err

    assert shown() == ''
    with monkeypatch.context() as patch:
        patch.setattr(sys.stderr, 'isatty', lambda: True)
        assert 'reading monday' in shown()
        assert shown('--quiet') == ''


# ------------------------------------------------------------------------------------ session_info


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


# ---------------------------------------------------------------------- split_session, make_splits


def parts_of(folder: Path, *names: str) -> list[Session]:
    return [open_session(folder / f'{name}.session.json') for name in names]


def test_split_session_writes_training_and_validation(folder, bag, capsys):
    assert run('split_session', bag, '--json', 'split.json') == 0
    result = json.loads((folder / 'split.json').read_text())
    train, validation = parts_of(folder / 'saved/splits/monday', 'monday_train',
                                 'monday_validation')  # fmt: skip
    whole = open_session(bag)
    assert facts(train) + facts(validation) == facts(whole)
    assert (len(train), len(validation)) == (31, 14)
    assert result['train'] == {
        'file': 'saved/splits/monday/monday_train.session.json',
        'transitions': 31,
        'ranges': [[0, 31]],
    }
    made_by = read_session_file(Path(result['train']['file'])).made_by
    assert (made_by['command'], made_by['train_ratio']) == ('split_session', 0.7)
    assert 'train          31 transitions' in capsys.readouterr().out


def test_split_session_of_a_part_counts_over_the_whole_bag(folder, bag):
    run('split_session', bag)
    part = Path('saved/splits/monday/monday_validation.session.json')
    assert run('split_session', part, '--output-dir', 'again', '--train-ratio', '0.5') == 0
    train, validation = parts_of(folder / 'again', 'monday_validation_train',
                                 'monday_validation_validation')  # fmt: skip
    assert facts(train) + facts(validation) == facts(open_session(bag))[31:]


def test_a_split_that_fails_leaves_the_one_before_it(folder, bag, monkeypatch, capsys):
    run('split_session', bag)
    split = folder / 'saved/splits/monday'
    before = {path: path.read_bytes() for path in split.iterdir()}
    module = importlib.import_module('devrobot_training.cli.split_session')
    write = module.write_part

    def fail_at_the_second(path, *rest):
        if 'validation' in path.name:
            raise OSError(28, 'No space left on device', str(path))
        return write(path, *rest)

    monkeypatch.setattr(module, 'write_part', fail_at_the_second)
    assert run('split_session', bag, '--train-ratio', '0.3') == 1
    assert 'No space left on device' in capsys.readouterr().err
    assert {path: path.read_bytes() for path in split.iterdir()} == before


def test_make_splits_writes_files_of_each_stage_and_a_table(folder, bag, capsys):
    assert run('make_splits', bag, '--json', 'splits.json') == 0
    result = json.loads((folder / 'splits.json').read_text())
    split = folder / 'saved/splits/monday'
    table = json.loads((split / 'splits.json').read_text())
    assert result['stages'] == table['stages'] and table['made_by']['first_size'] == 10
    assert [stage['size'] for stage in table['stages']] == [10, 20, 40, 45]
    whole = open_session(bag)
    for stage in table['stages']:
        files = stage['files']
        assert files == {
            name: f'stage_{stage["number"]:02}_{name}.session.json'
            for name in ('train', 'validation')
        }
        train, validation = (open_session(split / file) for file in files.values())
        assert facts(train) + facts(validation) == facts(whole)[: stage['size']]
        assert len(train.windows(2)) == stage['train_canvases']
    text = capsys.readouterr().out
    assert '    1      10       7       3  saved/splits/monday/stage_01_*' in text
    assert len(list(split.iterdir())) == 9
    assert sum(path.stat().st_size for path in split.iterdir()) < 20_000  # no frame is copied


def test_make_splits_says_which_stages_are_too_small(folder, bag, capsys):
    assert run('make_splits', bag, '--first-size', '3', '--json', 'splits.json') == 0
    text = capsys.readouterr().out
    assert '    1       3       2       1  too small: its validation has no whole canvas' in text
    stages = json.loads((folder / 'splits.json').read_text())['stages']
    assert stages[0]['files'] == {} and stages[-1]['files']
    names = [path.name for path in (folder / 'saved/splits/monday').iterdir()]
    assert not [name for name in names if name.startswith('stage_01')]


def test_make_splits_refuses_what_gives_no_stage(folder, capsys):
    bag = tape([1, 0]).write(folder / 'bag')
    assert run('make_splits', bag) == 1
    assert '2 transitions are not enough for one stage: too small' in error_of(capsys)
    assert run('make_splits', bag, '--num-stages', '3') == 1
    assert '2 transitions cannot grow in 3 stages' in error_of(capsys)
    assert not (folder / 'saved').exists()


def test_make_splits_leaves_no_stage_of_an_earlier_run_and_nothing_else_goes(folder, bag):
    run('split_session', bag)
    run('make_splits', bag)
    assert run('make_splits', bag, '--num-stages', '2') == 0
    assert sorted(path.name for path in (folder / 'saved/splits/monday').iterdir()) == [
        'monday_train.session.json',
        'monday_validation.session.json',
        'splits.json',
        'stage_01_train.session.json',
        'stage_01_validation.session.json',
        'stage_02_train.session.json',
        'stage_02_validation.session.json',
    ]


def test_make_splits_that_is_interrupted_leaves_the_stages_before(folder, bag, monkeypatch):
    run('make_splits', bag)
    split = folder / 'saved/splits/monday'
    before = {path: path.read_bytes() for path in split.iterdir()}
    module = importlib.import_module('devrobot_training.cli.make_splits')

    def interrupt(*_) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, 'write_json', interrupt)
    assert run('make_splits', bag, '--num-stages', '2') == 130
    assert {path: path.read_bytes() for path in split.iterdir()} == before


# ---------------------------------------------------------------------------------- filter_overlap


def test_filter_overlap_takes_the_latest_pair_and_filters_it(folder, bag, capsys):
    run('split_session', bag)
    capsys.readouterr()
    assert run('filter_overlap', '--json', 'filter.json') == 0
    result = json.loads((folder / 'filter.json').read_text())
    split = Path('saved/splits/monday')
    assert result['training'] == str(split / 'monday_train.session.json')
    assert result['validation'] == str(split / 'monday_validation.session.json')
    assert result['file'] == str(split / 'monday_validation_filtered.session.json')
    validation, left = open_session(result['validation']), open_session(result['file'])
    assert result['kept'] == len(left) and result['dropped'] == len(validation) - len(left) > 0
    assert result['canvases'] == len(left.windows(2)) > 0
    assert result['action_counts'] == left.action_counts
    assert set(facts(left)) < set(facts(validation))
    told = f'{result["dropped"]} of 14 validation transitions occur in training; left: '
    assert told in capsys.readouterr().out
    assert run('filter_overlap', '--json', 'again.json') == 0  # what was filtered is no source
    assert json.loads((folder / 'again.json').read_text()) == result


def test_filter_overlap_of_bags_writes_among_the_splits(folder, capsys):
    for name, actions, place in (('train_01', [1] * 4, 0), ('validation_01', [1] * 8, 2)):
        walk(actions, place, ring=32).write(folder / 'saved/sessions/bot' / name)
    assert run('filter_overlap', '--json', 'filter.json') == 0
    result = json.loads((folder / 'filter.json').read_text())
    assert result['file'] == ('saved/splits/validation_01/validation_01_filtered.session.json')
    assert (result['dropped'], result['kept']) == (2, 6)


def test_filter_overlap_refuses_what_leaves_nothing_to_validate_on(folder, bag, capsys):
    assert run('filter_overlap', bag, bag) == 1
    assert '45 of 45 validation transitions occur in training: nothing is left' in error_of(capsys)
    for name, actions, place in (('a', [1] * 4, 0), ('b', [1] * 5, 0)):
        walk(actions, place, ring=32).write(folder / name)
    assert run('filter_overlap', folder / 'a', folder / 'b') == 1
    assert 'no whole canvas of 3 frames is left' in error_of(capsys)
    assert run('filter_overlap', folder / 'a', folder / 'b', '--history', '2') == 0


@pytest.mark.parametrize(
    ('arguments', 'reason'),
    [
        ([], 'no pair like x_train and x_validation in saved/splits or saved/sessions'),
        (['--search-dir', 'here'], 'in here: make one with split_session'),
        (['a'], 'name both, training and validation, or none of them'),
        (['a', 'b', '--output', 'c.json'], 'the name of a session file ends in .session.json'),
        (['a', 'x.session.json', '--output', './x.session.json'], 'which is to be read'),
    ],
)
def test_filter_overlap_refuses_what_it_cannot_do(folder, capsys, arguments, reason):
    assert run('filter_overlap', *arguments) == 1
    assert reason in error_of(capsys)


def test_filter_overlap_refuses_different_robots(folder, bag, capsys):
    space = replace(SPACE, robot_type='jetbot')
    other = tape([1, 0]).write(folder / 'other', action_space=space)
    assert run('filter_overlap', bag, other) == 1
    assert 'have different action spaces: robots toroidal_dot and jetbot' in error_of(capsys)


# --------------------------------------------------------------------------------- import_sessions


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

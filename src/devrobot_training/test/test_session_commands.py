"""All commands alike: their help, their errors, and how they end."""

import importlib
import os
from pathlib import Path
import re
import shlex
import signal
import sys

from command_runs import error_of, run
from devrobot_training.cli import command
from devrobot_training.fit.problems import LONGEST
import pytest
from reference_sessions import recorded

PACKAGE = Path(__file__).parents[1]
COMMANDS = dict(
    re.findall(
        r"(\w+) = command\('devrobot_training\.cli\.(\w+)'\)",
        (PACKAGE / 'devrobot_training/programs.py').read_text(),
    )
)


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


@pytest.mark.parametrize(
    ('target', 'reason'),
    [
        ('saved', '--json is saved, which is a folder: name a file'),
        ('file/a.json', 'file is a file: name another folder'),
        ('closed/new/a.json', 'closed cannot be written: name another'),
        ('a.session.json', 'names in .session.json are of session files'),
    ],
)
def test_where_json_cannot_go_is_refused_before_anything_is_done(
    folder, bag, capsys, monkeypatch, target, reason
):
    (folder / 'file').touch()
    (folder / 'closed').mkdir()
    # The tests may run as root, who can write everywhere.
    monkeypatch.setattr(os, 'access', lambda path, mode: Path(path).name != 'closed')
    assert run('split_session', bag, '--json', target) == 1
    assert reason in error_of(capsys)
    assert not (folder / 'saved/splits').exists() and not list((folder / 'closed').iterdir())


def test_errors_of_the_system_name_the_file_and_the_reason(folder, bag, capsys):
    (folder / 'saved/splits').write_text('in the way')
    assert run('split_session', bag) == 1
    assert (
        error_of(capsys)
        == 'error: saved/splits/monday/monday_train.session.json: Not a directory\n'
    )


@pytest.mark.parametrize(
    ('words', 'near'),
    [
        (('staged', '--sweep.candidate', '3'), '--sweep.candidates'),
        (('staged', '--candidates=3'), '--sweep.candidates'),
        (('train', 'bag', '--fit.batch_size', '3'), '--fit.batch-size'),
        (('report', 'run', '--compar', 'a'), '--compare'),
    ],
)
def test_an_unknown_option_is_one_line_with_the_nearest_one(words, near, capsys):
    assert run(*words) == 2
    told = error_of(capsys)
    assert f', did you mean {near}?' in told and 'usage' not in told


def test_a_missing_argument_is_one_line_without_the_usage(capsys):
    assert run('split_session') == 2
    assert 'the following arguments are required' in error_of(capsys)


def test_wrong_settings_are_one_line(folder, bag, capsys):
    assert run('split_session', bag, '--train-ratio', '1.5') == 1
    assert '--train-ratio is 1.5, must be between 0.01 and 0.99' in error_of(capsys)
    assert run('session_info', bag, '--rows', 'many') == 1
    assert "--rows is 'many', must be a whole number" in error_of(capsys)


def test_a_line_about_an_error_is_bounded_and_keeps_its_end():
    told = command.in_one_line(RuntimeError('begin ' + 10**6 * 'x' + '\nway out'))
    assert len(told) <= LONGEST and told.startswith('begin ') and told.endswith('x way out')


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

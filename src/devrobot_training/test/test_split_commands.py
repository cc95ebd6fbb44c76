"""The commands that split and filter: what they write, and what they say."""

from dataclasses import replace
import importlib
import json
from pathlib import Path

from command_runs import error_of, run
from devrobot_interfaces_py.session_files import read_session_file
from devrobot_training.sessions.opening import open_session
from devrobot_training.sessions.session import Session
from drawn_sessions import facts, walk
import pytest
from session_worlds import SPACE, tape


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
        (['a', 'b', '--output', __file__ + '/c.session.json'], 'test_split_commands.py is a file'),
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

"""Sessions of the toroidal dot without ROS: right, repeatable, complete or not there."""

from collections import Counter
from itertools import groupby, pairwise
import json
import os
import signal
import subprocess
import sys
import time

from devrobot_interfaces_py.actions import ActionEvent, Phase
from devrobot_interfaces_py.bags import open_bag
from devrobot_robots.cli import record_toroidal
import numpy as np
import pytest
from robots_fakes import DEADLINE_S

SMALL = ['--width', '24', '--height', '16', '--radius', '2', '--step-px', '3', '--quiet']


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        record_toroidal.main([*SMALL, *arguments])
    return end.value.code


def contents(path) -> list:
    """Return (stamp, pixels) of the frames and the events, in order."""
    with open_bag(path) as bag:
        assert bag.notes == ()
        return [
            item if isinstance(item, ActionEvent) else (item.stamp_ns, item.image().tobytes())
            for item in bag.items()
        ]


def pictures(path) -> list[np.ndarray]:
    with open_bag(path) as bag:
        return [item.image() for item in bag.items() if not isinstance(item, ActionEvent)]


def rows_and_columns(path) -> list[tuple[int, int]]:
    """Return where the centre of the dot is in each frame."""
    radius = 2
    places = []
    for image in pictures(path):
        lit = image[..., 0] > 0
        (row,) = np.flatnonzero(lit.sum(axis=1) == 2 * radius + 1)
        (column,) = np.flatnonzero(lit.sum(axis=0) == 2 * radius + 1)
        places.append((int(row), int(column)))
    return places


def test_sessions_have_their_names_steps_and_facts(tmp_path):
    report = tmp_path / 'report.json'
    code = run(
        *('--train-steps', '20', '--val-steps', '10', '--num-train-sessions', '2'),
        *('--reinit-interval', '8', '--output-dir', str(tmp_path / 'out'), '--json', str(report)),
    )
    assert code == 0
    names = ['train_01', 'train_02', 'validation_01']
    assert sorted(path.name for path in (tmp_path / 'out').iterdir()) == names
    sessions = json.loads(report.read_text())['sessions']
    assert [session['name'] for session in sessions] == names
    for session, steps, resets in zip(sessions, (20, 20, 10), (2, 2, 1), strict=True):
        events = [i for i in contents(session['bag']) if isinstance(i, ActionEvent)]
        phases = Counter(event.phase for event in events)
        assert phases == {
            Phase.ACCEPTED: steps,
            Phase.STARTED: steps,
            Phase.FINISHED: steps,
            Phase.RESET: resets,
        }
        assert (session['steps'], session['resets']) == (steps, resets)
        assert session['frames'] == 1 + steps + resets == len(pictures(session['bag']))
        assert session['events'] == len(events)
        with open_bag(session['bag']) as bag:
            assert bag.session_info.session_id == session['name']
            assert dict(bag.session_info.parameters)['step'] == '3'


def test_each_action_has_a_frame_before_and_one_after_that_shows_what_it_did(tmp_path):
    steps = ('--train-steps', '30', '--num-val-sessions', '0', '--reinit-interval', '0')
    run(*steps, '--output-dir', str(tmp_path))
    items = contents(tmp_path / 'train_01')
    stamps = [item.stamp_ns if isinstance(item, ActionEvent) else item[0] for item in items]
    assert all(a < b for a, b in pairwise(stamps))
    kinds = [item.phase.name if isinstance(item, ActionEvent) else 'frame' for item in items]
    assert kinds == ['frame', *['ACCEPTED', 'STARTED', 'FINISHED', 'frame'] * 30]
    actions = [i.action for i in items if isinstance(i, ActionEvent) and i.phase is Phase.FINISHED]
    columns = [column for _, column in rows_and_columns(tmp_path / 'train_01')]
    assert [(b - a) % 24 for a, b in pairwise(columns)] == [3 * action for action in actions]
    assert set(actions) == {0, 1}


def test_stamps_are_those_of_two_actions_a_second(tmp_path):
    run('--train-steps', '9', '--num-val-sessions', '0', '--output-dir', str(tmp_path))
    starts = [
        item.stamp_ns
        for item in contents(tmp_path / 'train_01')
        if isinstance(item, ActionEvent) and item.phase is Phase.STARTED
    ]
    assert [(b - a) for a, b in pairwise(starts)] == [pytest.approx(500_000_000, abs=10)] * 8


def test_the_seed_decides_all_frames_and_events(tmp_path):
    for name, seed in (('a', 1), ('b', 1), ('c', 2)):
        run(
            *('--train-steps', '12', '--val-steps', '12', '--seed', str(seed)),
            *out(tmp_path, name),
        )
    assert contents(tmp_path / 'a/train_01') == contents(tmp_path / 'b/train_01')
    assert contents(tmp_path / 'a/validation_01') == contents(tmp_path / 'b/validation_01')
    assert contents(tmp_path / 'a/train_01') != contents(tmp_path / 'c/train_01')
    assert contents(tmp_path / 'a/train_01') != contents(tmp_path / 'a/validation_01')


def out(folder, name: str) -> tuple[str, str]:
    return '--output-dir', str(folder / name)


def test_places_are_fixed_or_random_as_asked_for(tmp_path):
    steps = ('--train-steps', '40', '--val-steps', '40', '--reinit-interval', '4')
    run(*steps, '--fixed-y', '5', '--train-initial-x', '7', *out(tmp_path, 'fixed'))
    run(*steps, '--random-y', '--val-initial-x', '9', *out(tmp_path, 'random'))
    starts = slice(0, None, 5)  # the first frame, then each one after four actions and a reset
    fixed = rows_and_columns(tmp_path / 'fixed/train_01')[starts]
    assert set(fixed[:-1]) == {(5, 7)}
    assert {row for row, _ in rows_and_columns(tmp_path / 'fixed/validation_01')} == {5}
    assert len({x for _, x in rows_and_columns(tmp_path / 'fixed/validation_01')[starts]}) > 3
    random = rows_and_columns(tmp_path / 'random/validation_01')[starts]
    assert {column for _, column in random[:-1]} == {9}
    assert len({row for row, _ in random}) > 3


def test_actions_are_held_from_min_to_max_steps(tmp_path):
    durations = ('--min-duration', '3', '--max-duration', '4')
    run('--train-steps', '300', '--num-val-sessions', '0', *durations, *out(tmp_path, 'a'))
    items = contents(tmp_path / 'a/train_01')
    actions = [i.action for i in items if isinstance(i, ActionEvent) and i.phase is Phase.STARTED]
    runs = [len(list(run)) for _, run in groupby(actions)][:-1]
    assert {length for length in runs if length < 6} == {3, 4}


def test_what_exists_is_refused_before_anything_is_written(tmp_path, capsys):
    (tmp_path / 'validation_01').mkdir()
    assert run('--output-dir', str(tmp_path)) == 1
    error = capsys.readouterr().err
    assert error == (
        f'error: {tmp_path} has validation_01 already, nothing is overwritten: choose another '
        '--output-dir\n'
    )
    assert [path.name for path in tmp_path.iterdir()] == ['validation_01']


@pytest.mark.parametrize(
    ('arguments', 'text'),
    [
        (['--fixed-y', '3', '--random-y'], 'give --fixed-y or --random-y, not both'),
        (['--fixed-y', '16'], 'fixed_y 16 is outside the world: use 0 to 15'),
        (['--val-initial-x', '24'], 'val_initial_x 24 is outside the world: use 0 to 23'),
        (['--min-duration', '9', '--max-duration', '8'], 'min_duration 9 is more than'),
        (['--train-steps', '0'], '--train-steps is 0, must be between 1'),
        (['--radius', '8'], 'radius 8 is too large for a world of 24x16'),
        (['--num-train-sessions', '0', '--num-val-sessions', '0'], 'nothing to do'),
        (['--json', '.'], '--json is ., which is a folder'),
    ],
)
def test_wrong_settings_are_one_line(tmp_path, capsys, arguments, text):
    assert run(*arguments, *out(tmp_path, 'none')) == 1
    error = capsys.readouterr().err
    assert text in error
    assert error.count('\n') == 1
    assert not (tmp_path / 'none').exists()


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_complete_sessions_only(tmp_path, number):
    process = subprocess.Popen(
        [
            *(sys.executable, '-m', 'devrobot_robots.cli.record_toroidal', *SMALL),
            *('--train-steps', '20', '--val-steps', '10000000', '--output-dir', str(tmp_path)),
        ],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {'PYTHONPATH': os.pathsep.join(filter(None, sys.path))},
    )
    try:
        end = time.monotonic() + DEADLINE_S
        # Some data: while code is being generated, CPython ends a caught interrupt as a signal.
        while not any(
            path.stat().st_size > 20_000
            for path in tmp_path.glob('.validation_01.*/validation_01/*.mcap')
        ):
            assert process.poll() is None and time.monotonic() < end
            time.sleep(0.01)
        process.send_signal(number)
        _, error = process.communicate(timeout=DEADLINE_S)
    finally:
        process.kill()
    assert process.returncode == 130, error
    assert error == 'interrupted; sessions that are listed are complete\n'
    assert [path.name for path in tmp_path.iterdir()] == ['train_01']
    assert len(pictures(tmp_path / 'train_01')) == 22


def test_help_tells_defaults_and_an_example(capsys):
    with pytest.raises(SystemExit) as end:
        record_toroidal.main(['--help'])
    text = ' '.join(capsys.readouterr().out.split())
    assert end.value.code == 0
    assert 'actions in each training session (default 1000;' in text
    assert 'example: ros2 run devrobot_robots record_toroidal --train-' in text

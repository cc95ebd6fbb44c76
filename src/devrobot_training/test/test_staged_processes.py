"""Many processes of one run, and several runs at once: none is left over, none is in the way."""

from collections.abc import Sequence
from contextlib import suppress
from functools import partial
import json
import os
from pathlib import Path
import signal
import subprocess
import sys
import time

from devrobot_interfaces_py.configs import replace_dotted
from devrobot_training.sessions.cache import FOLDER
from fit_worlds import dot_session, write_config
import pytest
from staged_worlds import essence, run_staged, staged
from team_runs import environment

DEADLINE_S = 240.0
#: Signals, when they come (in all trainings, or in that which comes there first), and how many
#: processes there are then at least beside the main one. Trials take longer than starting what
#: makes them, so that two sweeps go on at once.
IN_SWEEPS = [
    (signal.SIGINT, 'sweep_1/A/trial_01', all, 2 + 4),
    (signal.SIGKILL, 'sweep_1/B/trial_00', any, 2 + 2),
]
IN_TRAININGS = [(signal.SIGTERM, 'part_1', all, 2)]
SHORT = {'sweep__when': 'off', 'stopping__max_samples': 300}
LONG = {
    'sweep__when': 'initial',
    'stopping__max_samples': 12_000,
    'sweep__samples_a': 2000,
    'sweep__samples_b': 2000,
}


def begin(*words) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, '-m', 'devrobot_training.cli.staged', *map(str, words), '--quiet'],
        env=environment(),
        start_new_session=True,
    )


def wait_for(there, processes: Sequence[subprocess.Popen]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not there():
        assert time.monotonic() < deadline, 'it did not come to that in time'
        assert all(process.poll() is None for process in processes), 'it ended before that'
        time.sleep(0.01)


def family(process: int) -> set[int]:
    """Return the processes that a process started, and those that they did."""
    found = set()
    for path in Path(f'/proc/{process}/task').glob('*/children'):
        for child in map(int, path.read_text().split()):
            found |= {child} | family(child)
    return found


def has_family(process: int, size: int) -> bool:
    with suppress(OSError):  # one of them has ended meanwhile
        return len(family(process)) >= size
    return False


def is_alive(process: int) -> bool:
    try:
        return ') Z ' not in Path(f'/proc/{process}/stat').read_text()
    except OSError:
        return False


def summary(folder: Path) -> dict:
    return json.loads((folder / 'summary.json').read_text())


def begun_there(places: Sequence[Path], there) -> bool:
    return there(any(place.glob('metrics*.jsonl')) for place in places)


@pytest.mark.timeout(8 * DEADLINE_S)  # seconds of work, minutes on a machine that is busy
@pytest.mark.parametrize(
    ('settings', 'moments'),
    [(LONG, IN_SWEEPS), (SHORT, IN_TRAININGS)],
    ids=['sweeps', 'trainings'],
)
def test_signals_leave_no_process_and_the_rest_gives_the_same_choice(tmp_path, settings, moments):
    bag = dot_session(tmp_path / 'walk')
    alone = staged(baseline=False, splits__first_size=100, runs_per_stage=2, **settings)
    _, whole = run_staged(bag, tmp_path, alone, run_id='whole')
    # Two trainings at a time, each with two workers for its trials.
    config = replace_dotted(alone, {'parallel_runs': 2, 'sweep.workers': 2})
    folder = tmp_path / 'walk' / 'cut'
    words: Sequence = (
        *('--root-session', bag, '--output-dir', tmp_path, '--run-id', 'cut'),
        *('--config', write_config(tmp_path / 'small.yaml', config)),
    )
    for number, moment, there, processes in moments:
        process = begin(*words)
        words = ('--resume', folder)
        places = [folder / f'stages/stage_01/run_{n}/{moment}' for n in (1, 2)]
        try:
            wait_for(partial(begun_there, places, there), [process])
            # What is waited for may be of an earlier part: the processes of this one come later.
            wait_for(partial(has_family, process.pid, processes), [process])
            started = family(process.pid)
            if number == signal.SIGINT:
                os.killpg(process.pid, number)  # as a terminal does: all hear it
            else:
                process.send_signal(number)
            code = process.wait(DEADLINE_S)
        finally:
            process.kill()
        assert code == (-number if number == signal.SIGKILL else 130)
        if number != signal.SIGKILL:
            assert summary(folder)['header']['status'] == 'interrupted'
            assert (folder / 'report.html').exists()
        wait_for(lambda s=started: not any(map(is_alive, s)), [])
    fewer = ('--parallel-runs', 1, '--sweep.workers', 1)
    assert begin(*words, *fewer).wait(DEADLINE_S) == 0
    assert essence(summary(folder)) == essence(whole.summary.to_dict())


@pytest.mark.timeout(4 * DEADLINE_S)
def test_two_runs_that_begin_at_once_on_a_bag_that_nobody_has_read_are_each_like_one_alone(
    tmp_path,
):
    config = staged(sweep__when='off', baseline=False)
    _, alone = run_staged(dot_session(tmp_path / 'other' / 'walk'), tmp_path / 'other', config)
    bag = dot_session(tmp_path / 'walk')
    assert not list(bag.glob(f'**/*{FOLDER}'))
    file = write_config(tmp_path / 'small.yaml', config)
    processes = [
        begin('--root-session', bag, '--output-dir', tmp_path / 'runs', '--config', file)
        for _ in range(2)
    ]
    try:
        assert [process.wait(DEADLINE_S) for process in processes] == [0, 0]
    finally:
        for process in processes:
            process.kill()
    one, two = sorted(path.parent for path in tmp_path.glob('runs/walk/*/summary.json'))
    for own, other in ((one, two), (two, one)):
        assert essence(summary(own)) == essence(alone.summary.to_dict())
        texts = [path.read_text() for path in own.rglob('*.json') if path.is_file()]
        assert len(texts) > 10
        assert not any(f'{other}/' in text or f'"{other}"' in text for text in texts)
    (cache,) = bag.glob(f'{FOLDER}/*')
    assert cache.is_dir(), 'both use what one of them has read'

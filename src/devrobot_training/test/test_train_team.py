"""``train --processes``: one switch, one end, and a resume that nobody can tell from no stop."""

import json
import os
from pathlib import Path
import re
import signal
import time

from devrobot_training.cli.train_team import ALONE, GRACE_S
from devrobot_training.fit.team import FOLDER
from devrobot_training.logs.metrics_log import read_rows
from fit_worlds import dot_session, open_small, small, write_config
import pytest
from team_runs import DEADLINE_S, Team

CONFIG = small(
    loss__mask_ratio_min=0.5,
    fit__imagined_share=0.5,
    fit__validate_every=80,
    stopping__plateau=False,
    stopping__divergence=False,
)
#: What the command takes to pass a signal on, ten times over.
TELLING_S = 1.0


@pytest.fixture(scope='module')
def bag(tmp_path_factory) -> Path:
    path = dot_session(tmp_path_factory.mktemp('session') / 'walk')
    open_small(path)
    return path


@pytest.fixture(scope='module')
def config(tmp_path_factory) -> Path:
    return write_config(tmp_path_factory.mktemp('config') / 'small.yaml', CONFIG)


def losses(folder: Path) -> list[tuple]:
    rows = read_rows(folder / 'metrics.jsonl', 'batch')
    return [(row['step'], row['loss'], row['rows']) for row in rows]


def summary(folder: Path) -> dict:
    return json.loads((folder / 'summary.json').read_text())


def test_a_team_that_is_interrupted_leaves_no_process_and_goes_on_exactly(bag, config, tmp_path):
    words = (bag, '--config', config, '--runs-dir', tmp_path)
    limit = ('--stopping.max-samples', 800)
    with Team(*words, *limit, '--run-id', 'whole') as team:
        code, output = team.end()
    assert code == 0, output
    assert output.count('stopped: samples') == 1 and '--nproc' not in output
    whole, torn = (tmp_path / 'walk' / name for name in ('whole', 'torn'))
    begin = (*words, '--stopping.max-samples', 100_000, '--run-id', 'torn')
    for number, arguments in ((signal.SIGINT, begin), (signal.SIGTERM, ('--resume', torn))):
        with Team(*arguments) as team:
            team.wait_for(' samples | train ')
            team.process.send_signal(number)
            code, output = team.end()
            assert code == 130, output
            assert 'stopping after this step' in output and 'Traceback' not in output
            assert not team.left()
        assert summary(torn)['stop_reason'] == 'interrupted'
    assert 0 < summary(torn)['samples'] < 800
    with Team('--resume', torn, *limit) as team:
        code, output = team.end()
    assert code == 0, output
    assert losses(torn) == losses(whole) and len(losses(whole)) == 200
    assert summary(torn)['hybrid'] == summary(whole)['hybrid']


def test_a_second_signal_ends_all_processes_at_once(bag, config, tmp_path):
    with Team(bag, '--config', config, '--runs-dir', tmp_path, '--run-id', 'torn') as team:
        team.wait_for(' samples | train ')
        first, other = team.worker(0), team.worker(1)
        os.kill(other, signal.SIGSTOP)  # the first one waits for it, and for no signal
        team.process.terminate()
        team.wait_for('stopping after this step')
        team.process.terminate()
        team.wait_until_gone(first)
        os.kill(other, signal.SIGCONT)
        code, output = team.end()
        assert code == 130, output
        assert 'Traceback' not in output
        assert not team.left()
    assert not (tmp_path / 'walk' / 'torn' / 'summary.json').exists()


def test_a_team_that_is_interrupted_while_it_evaluates_ends_at_once(bag, tmp_path):
    many = small(fit__validate_every=80, stopping__max_samples=80)
    config = write_config(tmp_path / 'small.yaml', many)
    words = (bag, '--config', config, '--runs-dir', tmp_path, '--run-id', 'torn')
    with Team(*words) as team:
        team.wait_for(' samples | train ')
        first, other = team.worker(0), team.worker(1)
        team.wait_for('stopped: samples')
        os.kill(first, signal.SIGSTOP)  # in its evaluation, which goes on when it has been told
        team.wait_until_gone(other)
        team.process.terminate()
        team.wait_for('stopping after this step')
        time.sleep(TELLING_S)
        os.kill(first, signal.SIGCONT)
        code, output = team.end()
    assert code == 130, output
    assert 'Traceback' not in output
    assert not (tmp_path / 'walk' / 'torn' / 'summary.json').exists()


def test_a_team_whose_command_is_killed_saves_and_ends(bag, config, tmp_path):
    with Team(bag, '--config', config, '--runs-dir', tmp_path, '--run-id', 'torn') as team:
        team.wait_for(' samples | train ')
        team.process.kill()
        team.wait_until_gone()
    assert summary(tmp_path / 'walk' / 'torn')['stop_reason'] == 'interrupted'


@pytest.mark.parametrize(
    ('rank', 'text'), [(0, 'the first process of this'), (1, 'another process of this')]
)
def test_a_worker_that_dies_ends_the_team_with_the_way_to_go_on(bag, config, tmp_path, rank, text):
    with Team(bag, '--config', config, '--runs-dir', tmp_path, '--run-id', 'torn') as team:
        team.wait_for(' samples | train ')
        os.kill(team.worker(rank), signal.SIGKILL)
        code, output = team.end()
        assert code == 1
        team.wait_until_gone()
    folder = tmp_path / 'walk' / 'torn'
    assert re.search(rf'^error: {text}.* go on with --resume {folder}$', output, re.M), output
    assert output.count('error: ') == 1
    told = 'process 1 of this training: it was ended by SIGKILL' in output.splitlines()
    assert told == (rank == 1), output
    assert rank == 0 or 'Traceback' not in output


def test_a_worker_that_dies_after_the_last_step_costs_nothing(bag, tmp_path):
    config = write_config(tmp_path / 'small.yaml', small(stopping__max_samples=80))
    words = (bag, '--config', config, '--runs-dir', tmp_path, '--run-id', 'whole')
    with Team(*words) as team:
        team.wait_for('stopped: samples')
        first, other = team.worker(0), team.worker(1)
        os.kill(other, signal.SIGSTOP)
        wait_for_file(folder_of_team(first) / ALONE)
        os.kill(first, signal.SIGSTOP)
        os.kill(other, signal.SIGKILL)
        time.sleep(GRACE_S + TELLING_S)
        os.kill(first, signal.SIGCONT)
        code, output = team.end()
    assert code == 0, output
    assert 'error' not in output
    assert summary(tmp_path / 'walk' / 'whole')['stop_reason'] == 'samples'


def folder_of_team(pid: int) -> Path:
    environ = Path(f'/proc/{pid}/environ').read_bytes().split(b'\0')
    sign = f'{FOLDER}='.encode()
    (found,) = [entry.removeprefix(sign) for entry in environ if entry.startswith(sign)]
    return Path(os.fsdecode(found))


def wait_for_file(path: Path) -> None:
    end = time.monotonic() + DEADLINE_S
    while not path.exists():
        assert time.monotonic() < end, f'{path} never came'
        time.sleep(0.01)


def test_a_team_listens_to_nobody_else(bag, config, tmp_path):
    with Team(bag, '--config', config, '--runs-dir', tmp_path, '--run-id', 'torn') as team:
        team.wait_for(' samples | train ')
        found = {address for pid in team.left() for address in listening(pid)}
    assert found and found <= {LOOPBACK}


LOOPBACK = '0100007F'


def listening(pid: int) -> set[str]:
    """Return the addresses, in hexadecimal digits, on which a process waits for connections."""
    own = {str(path.readlink()) for path in Path(f'/proc/{pid}/fd').iterdir()}
    rows = [
        line.split()
        for table in ('tcp', 'tcp6')
        for line in Path(f'/proc/{pid}/net/{table}').read_text().splitlines()[1:]
    ]
    waits = '0A'
    return {
        row[1].partition(':')[0] for row in rows if row[3] == waits and f'socket:[{row[9]}]' in own
    }

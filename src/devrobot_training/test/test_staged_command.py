"""The command ``staged`` as a user runs it: settings, plan, Ctrl-C, resume, exit codes."""

import json
import os
from pathlib import Path
import signal
import subprocess
import sys
import time

from command_runs import error_of, run
from devrobot_interfaces_py.configs import config_to_dict, flatten, load_config
from devrobot_training.cli import staged as command
from devrobot_training.staged.config import read_config, shipped_configs, StagedConfig
from devrobot_training.staged.inputs import StagedInputs
from devrobot_training.staged.plan import make_plan
from fit_worlds import dot_session, write_config
import pytest
from staged_worlds import essence, staged
from team_runs import environment
import yaml

DEADLINE_S = 240.0


@pytest.fixture(scope='module')
def bag(tmp_path_factory) -> Path:
    return dot_session(tmp_path_factory.mktemp('session') / 'walk')


@pytest.fixture
def config(tmp_path) -> Path:
    quick = staged(sweep__when='off', baseline=False, stopping__max_samples=80)
    return write_config(tmp_path / 'small.yaml', quick)


def test_settings_are_written_and_read_with_the_same_keys(bag, config, tmp_path, capsys):
    words = ('--root-session', bag, '--output-dir', tmp_path / 'runs', '--quiet')
    options = ('--sweep.rank', 'min', '--runs-per-stage', 2, '--seed', 5, '--stage', 1)
    assert run('staged', *words, '--config', config, '--run-id', 'a', *options) == 0
    written = tmp_path / 'runs' / 'walk' / 'a' / 'config.yaml'
    found = load_config(StagedConfig, written)
    assert (found.sweep.rank, found.runs_per_stage, found.seed) == ('min', 2, 5)
    assert yaml.safe_load(written.read_text()) == config_to_dict(found)


def test_every_setting_is_an_option(capsys):
    options = {text for a in command.build_parser()._actions for text in a.option_strings}
    names = {'--' + info.name.replace('_', '-') for info in flatten(StagedConfig)}
    assert names <= options and len(names) > 60


@pytest.mark.parametrize(
    ('key', 'near'),
    [('sweep: {rnak: min}', 'sweep.rank'), ('run_per_stage: 2', 'runs_per_stage'),
     ('stoping: {max_samples: 1}', 'did you mean')],
)  # fmt: skip
def test_an_unknown_key_is_refused_with_the_nearest_one(bag, tmp_path, capsys, key, near):
    path = tmp_path / 'wrong.yaml'
    path.write_text(key)
    assert run('staged', '--root-session', bag, '--config', path) == 1
    error = error_of(capsys)
    assert 'unknown setting' in error and near in error


@pytest.mark.parametrize(
    ('words', 'text'),
    [
        ((), 'name a session with --root-session, or two with'),
        (('--root-session', 'none'), 'none: there is no such bag'),
        (('--root-session', 'BAG', '--config', 'nothing'), 'none of debug'),
        (('--root-session', 'BAG', '--run-id', '../x'), "run id '../x' must be a plain name"),
        (('--root-session', 'BAG', '--stage', '9'), '--stage is 9, but there are stages 1 to'),
        (('--root-session', 'BAG', '--device', 'cuda:7'), "device 'cuda:7' was asked for"),
        (('--root-session', 'BAG', '--stopping.plateau', 'false'), 'needs stopping.plateau true'),
        (('--root-session', 'BAG', '--log-to', 'tensorbord'), 'must be of tensorboard, wandb'),
        (('--root-session', 'BAG', '--checkpoint', 'none'), "there is no checkpoint 'none'"),
    ],
)
def test_mistakes_end_in_one_line_and_leave_nothing(bag, tmp_path, capsys, words, text, folder):
    given = [bag if word == 'BAG' else word for word in words]
    assert run('staged', *given, '--output-dir', tmp_path / 'runs', '--quiet') == 1
    assert text in error_of(capsys)
    assert not list(tmp_path.glob('runs/*'))


def test_a_checkpoint_that_does_not_fit_is_refused_before_anything_is_made(
    bag, config, tmp_path, capsys
):
    words = ('--root-session', bag, '--config', config, '--stage', 1, '--quiet')
    assert run('staged', *words, '--output-dir', tmp_path / 'made', '--run-id', 'a') == 0
    best = tmp_path / 'made/walk/a/checkpoints/best'
    capsys.readouterr()
    for other in ((), ('--dry-run',)):
        options = ('--checkpoint', best, '--model.encoder-width', 64, *other)
        assert run('staged', *words, *options, '--output-dir', tmp_path / 'runs') == 1
        assert 'encoder_width' in error_of(capsys)
    assert not (tmp_path / 'runs').exists()


def test_a_folder_that_is_no_run_cannot_be_resumed(tmp_path, capsys):
    assert run('staged', '--resume', tmp_path, '--quiet') == 1
    assert f'{tmp_path} is no run that can be resumed' in error_of(capsys)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize('name', shipped_configs())
def test_shipped_settings_can_be_used(name):
    assert read_config(name).runs_per_stage >= 1


def test_the_debug_settings_are_for_a_session_of_640_steps(tmp_path):
    """They give at least 4 stages, sweeps at plateaus and a baseline."""
    config = read_config('debug')
    bag = dot_session(tmp_path / 'long', steps=640)
    plan = make_plan(StagedInputs(root=bag), config, tmp_path)
    assert len(plan.usable) >= 4
    assert config.sweep.when == 'plateau' and config.baseline


def test_a_dry_run_shows_stages_and_times_and_leaves_nothing(bag, config, tmp_path, capsys):
    words = ('--root-session', bag, '--output-dir', tmp_path / 'runs', '--config', config)
    assert run('staged', *words, '--dry-run', '--json', tmp_path / 'plan.json') == 0
    output = capsys.readouterr().out
    assert 'walk: 2 of 2 stages are trained' in output and 'in all at most' in output
    rows = json.loads((tmp_path / 'plan.json').read_text())['stages']
    assert [row['train'] for row in rows] == [21, 42]
    assert all(row['total_s'] > 0 for row in rows)
    assert not (tmp_path / 'runs').exists()


def test_a_dry_run_says_when_there_is_no_end(bag, tmp_path, capsys):
    config = write_config(tmp_path / 'endless.yaml', staged(stopping__max_samples=0))
    assert run('staged', '--root-session', bag, '--config', config, '--dry-run') == 0
    assert 'in all at most open end' in capsys.readouterr().out


def assert_refused_with_resume(folder: Path, words: list, capsys) -> None:
    capsys.readouterr()
    assert run('staged', '--resume', folder, *words, '--quiet') == 1
    told = error_of(capsys)
    assert told.startswith(f'error: {words[0]} cannot be given with --resume: the run has its own')


def test_a_file_and_a_preset_exclude_each_other(bag, config, tmp_path, capsys):
    words = ('--root-session', bag, '--output-dir', tmp_path / 'runs', '--quiet')
    for more in ((), ('--dry-run',)):
        assert run('staged', *words, '--config', config, '--preset', 'base', *more) == 1
        assert f'--config {config} and --preset base exclude each other' in error_of(capsys)
    assert not (tmp_path / 'runs').exists()


def test_settings_that_decide_cannot_change_with_resume(bag, config, tmp_path, capsys):
    words = ('--root-session', bag, '--output-dir', tmp_path, '--config', config, '--quiet')
    assert run('staged', *words, '--run-id', 'a', '--stage', 1) == 0
    folder = tmp_path / 'walk' / 'a'
    assert run('staged', '--resume', folder, '--seed', 7, '--quiet') == 1
    assert 'seed cannot change with --resume' in error_of(capsys)
    for words in (['--root-session', bag], ['--checkpoint', 'x'], ['--config', config],
                  ['--run-id', 'b'], ['--stage', 2], ['--dry-run'], ['--output-dir', tmp_path],
                  ['--namespace', 'robot'], ['--skip-faulty']):  # fmt: skip
        assert_refused_with_resume(folder, words, capsys)
    for default in (['--preset', 'tiny'], ['--stage', 0], ['--output-dir', 'runs'],
                    ['--run-id', ''], ['--namespace', '']):  # fmt: skip
        assert_refused_with_resume(folder, default, capsys)
    assert run('staged', '--resume', folder, '--sweep.workers', 2, '--quiet') == 0


def test_a_torn_file_of_settings_does_not_make_another_run(bag, config, tmp_path, capsys):
    words = ('--root-session', bag, '--output-dir', tmp_path, '--config', config, '--quiet')
    assert run('staged', *words, '--run-id', 'a', '--stage', 1) == 0
    path = tmp_path / 'walk/a/config.yaml'
    whole = path.read_text()
    path.write_text(whole[:300])
    capsys.readouterr()
    assert run('staged', '--resume', path.parent, '--quiet') == 1
    told = error_of(capsys)
    assert 'but the run was made with' in told and f'a new run with --config {path}' in told
    path.unlink()
    assert run('staged', '--resume', path.parent, '--quiet') == 0
    assert path.read_text() == whole


def test_two_sessions_are_trained_on_directly_and_a_checkpoint_begins(
    bag, config, tmp_path, capsys
):
    pair = ('--train-session', bag, '--val-session', bag, '--config', config, '--quiet')
    assert run('staged', *pair, '--output-dir', tmp_path, '--run-id', 'a') == 0
    best = tmp_path / 'walk' / 'a' / 'checkpoints' / 'best'
    capsys.readouterr()
    options = ('--checkpoint', best, '--run-id', 'b')
    assert run('staged', *pair, '--output-dir', tmp_path, *options) == 0
    a, b = (json.loads((tmp_path / 'walk' / name / 'summary.json').read_text()) for name in 'ab')
    assert b['choice']['original_loss'] != a['choice']['original_loss']
    assert b['header']['mode'] == 'direct' and len(b['stages']) == 1


@pytest.mark.timeout(4 * DEADLINE_S)  # seconds of work, minutes on a machine that is busy
def test_ctrl_c_leaves_a_report_and_130_and_the_rest_gives_the_same_choice(bag, tmp_path, capsys):
    config = write_config(tmp_path / 'small.yaml', staged(baseline=False, splits__first_size=100))
    words = ('--root-session', bag, '--config', config, '--output-dir', tmp_path, '--quiet')
    assert run('staged', *words, '--run-id', 'whole') == 0
    folder = tmp_path / 'walk' / 'cut'
    process = subprocess.Popen(
        [sys.executable, '-m', 'devrobot_training.cli.staged', *map(str, words),
         '--run-id', 'cut'],
        env=environment(),
        start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + DEADLINE_S
    while not list(folder.glob('stages/stage_01/run_1/sweep_1/A/trial_00/metrics*.jsonl')):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the workers hear it, too
    assert process.wait(DEADLINE_S) == 130
    saved = json.loads((folder / 'summary.json').read_text())
    assert saved['header']['status'] == 'interrupted' and (folder / 'report.html').exists()
    assert run('staged', '--resume', folder, '--quiet') == 0
    ends = [json.loads((tmp_path / 'walk' / n / 'summary.json').read_text())
            for n in ('whole', 'cut')]  # fmt: skip
    assert essence(ends[0]) == essence(ends[1])

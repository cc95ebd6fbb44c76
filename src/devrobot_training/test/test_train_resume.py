"""``train --resume``: what may be another, what may not, and that only one goes on with a run."""

import json
from pathlib import Path
import shutil
import subprocess
import sys

from command_runs import error_of, run
from devrobot_interfaces_py.configs import flatten, load_config
from devrobot_training.fit.config import TrainConfig
from devrobot_training.fit.kept_settings import change_settings, read_settings
from devrobot_training.fit.resuming import check_changes, FREE
from devrobot_training.fit.run_folder import RunFolder
from devrobot_training.logs.metrics_log import read_rows
from fit_worlds import dot_session, limited, open_small, write_config
import pytest
from team_runs import environment
import yaml

STATE = 'checkpoints/last/checkpoint.json'


@pytest.fixture(scope='module')
def bag(tmp_path_factory) -> Path:
    return dot_session(tmp_path_factory.mktemp('session') / 'walk')


@pytest.fixture(scope='module')
def config(tmp_path_factory) -> Path:
    return write_config(tmp_path_factory.mktemp('config') / 'small.yaml')


@pytest.fixture
def begun(bag, config, tmp_path, capsys) -> Path:
    words = (bag, '--config', config, '--runs-dir', tmp_path, '--run-id', 'monday', '--quiet')
    assert run('train', *words, '--stopping.max-samples', 40) == 0
    capsys.readouterr()
    return tmp_path / 'walk' / 'monday'


def files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob('*') if path.is_file()}


@pytest.mark.parametrize(
    ('words', 'text'),
    [
        (('--sampler.kind', 'loss_weighted'), 'sampler.kind cannot change from uniform to loss_w'),
        (('--sampler.chunk-length', '2'), 'sampler.chunk_length cannot change from 0 to 2'),
        (('--fit.train-ratio', '0.5'), 'fit.train_ratio cannot change from 0.7 to 0.5'),
        (('--fit.batch-size', '8'), 'fit.batch_size cannot change from 4 to 8'),
        (('--fit.ema', '0.9'), 'fit.ema cannot change from 0.0 to 0.9'),
        (('--seed', '7'), 'seed cannot change from 0 to 7'),
        (('--model.encoder-depth', '2'), 'model.encoder_depth cannot change from 1 to 2'),
        (('BAG',), 'session cannot be given with --resume'),
        (('--preset', 'tiny'), '--preset cannot be given with --resume'),
        (('--config', 'CONFIG'), '--config cannot be given with --resume'),
        (('--checkpoint', 'RUN/checkpoints/last'), '--checkpoint cannot be given with --resume'),
        (('--run-id', 'tuesday'), '--run-id cannot be given with --resume'),
        (('--runs-dir', 'runs'), '--runs-dir cannot be given with --resume'),
        (('--namespace', 'robot'), '--namespace cannot be given with --resume'),
        (('--skip-faulty',), '--skip-faulty cannot be given with --resume'),
    ],
)
def test_what_would_make_it_another_run_is_refused(bag, config, begun, capsys, words, text):
    names = {'BAG': str(bag), 'CONFIG': str(config), 'RUN': str(begun)}
    given = [names.get(word, word) for word in words]
    before = files(begun)
    assert run('train', *given, '--resume', begun, '--stopping.max-samples', 80) == 1
    assert text in error_of(capsys)
    assert files(begun) == before


@pytest.mark.parametrize('damage', ['torn', 'edited', 'not YAML'])
def test_settings_that_are_not_those_of_the_run_are_refused_with_the_way_out(
    begun, capsys, damage
):
    path = begun / 'config.yaml'
    whole = path.read_text()
    torn = {
        'torn': whole[: whole.index('optimizer:')],
        'edited': whole.replace('learning_rate: 0.001', 'learning_rate: 0.002'),
        'not YAML': whole[:-20] + '{',
    }[damage]
    assert torn != whole
    path.write_text(torn)
    before = files(begun)
    assert run('train', '--resume', begun, '--stopping.max-samples', 80, '--quiet') == 1
    told = error_of(capsys)
    assert str(path) in told and 'delete it, and the run goes on with the settings' in told
    assert files(begun) == before
    path.unlink()
    assert run('train', '--resume', begun, '--stopping.max-samples', 60, '--quiet') == 0
    assert path.read_text() == whole.replace('max_samples: 40', 'max_samples: 60')


def test_what_has_changed_is_kept_for_the_next_time(begun):
    rate = ('--optimizer.learning-rate', 0.0005)
    assert run('train', '--resume', begun, '--stopping.max-samples', 60, *rate, '--quiet') == 0
    kept = yaml.safe_load((begun / 'config.yaml').read_text())
    assert kept['stopping']['max_samples'] == 60
    assert kept['optimizer']['learning_rate'] == 0.0005
    events = (begun / 'events.log').read_text().splitlines()
    assert json.loads((begun / 'inputs.json').read_text())['settings'] == kept
    told = 'settings: optimizer.learning_rate 0.001 -> 0.0005, stopping.max_samples 40 -> 60'
    assert [line for line in events if told in line] == [f'step 10 (40 samples) {told}']
    # A plain resume goes by them, and has nothing to do.
    assert run('train', '--resume', begun, '--quiet') == 0
    rows = list(read_rows(begun / 'metrics.jsonl', 'batch'))
    assert [row['step'] for row in rows] == list(range(1, 16))
    assert {row['learning_rate'] for row in rows[10:]} == {0.0005}


@pytest.mark.parametrize(('last', 'samples'), [('write_inputs', 40), ('write_config', 60)])
def test_settings_that_change_survive_a_kill_at_any_moment(begun, last, samples, monkeypatch):
    def killed(*_):
        raise KilledError

    with monkeypatch.context() as patch, pytest.raises(KilledError):
        patch.setattr(RunFolder, last, killed)
        change_settings(RunFolder(begun), limited(60))
    config = read_settings(RunFolder(begun), TrainConfig)
    assert config.stopping.max_samples == samples
    assert load_config(TrainConfig, begun / 'config.yaml') == config


class KilledError(Exception):
    """Stands for kill -9 between two steps."""


def test_settings_that_cannot_be_used_leave_those_of_the_run(begun, capsys):
    before = files(begun)
    words = ('--device', 'cuda:7', '--stopping.max-samples', 80)
    assert run('train', '--resume', begun, *words) == 1
    assert "device 'cuda:7' was asked for" in error_of(capsys)
    assert files(begun) == before


def test_two_processes_do_not_go_on_with_one_run(begun, capsys):
    words = [
        *(sys.executable, '-m', 'devrobot_training.cli.train', '--resume', str(begun)),
        *('--stopping.max-samples', '100000', '--stopping.plateau', 'false'),
        *('--stopping.divergence', 'false'),
    ]
    first = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment())
    try:
        assert any(' samples | train ' in line for line in first.stdout)
        assert run('train', '--resume', begun, '--stopping.max-samples', 200) == 1
        assert f'{begun} is being worked on by another process' in error_of(capsys)
        first.terminate()
        assert first.wait(120) == 130
    finally:
        first.kill()
        first.communicate()
    steps = [row['step'] for row in read_rows(begun / 'metrics.jsonl', 'batch')]
    assert steps == list(range(1, len(steps) + 1)) and len(steps) > 10


def test_every_setting_that_may_change_is_one():
    names = {info.name for info in flatten(TrainConfig)}
    groups = {name.partition('.')[0] for name in names}
    assert set(FREE) <= names | groups
    assert check_changes(limited(40), limited(40)) == ''


def test_a_run_that_has_lost_its_links_goes_on_from_its_latest_step(begun):
    """As copies that leave links out make it."""
    for name in ('last', 'best'):
        (begun / 'checkpoints' / name).unlink()
    assert run('train', '--resume', begun, '--stopping.max-samples', 80, '--quiet') == 0
    steps = [row['step'] for row in read_rows(begun / 'metrics.jsonl', 'batch')]
    assert steps == list(range(1, 21))
    assert 'resumed: ' in (begun / 'events.log').read_text()


def test_a_run_whose_link_became_a_folder_is_left_as_it_is(begun, capsys):
    """As ``cp -rL`` and ``scp -r`` make it."""
    last = begun / 'checkpoints' / 'last'
    target = last.resolve()
    last.unlink()
    shutil.copytree(target, last)
    before = files(begun)
    assert run('train', '--resume', begun, '--stopping.max-samples', 80, '--quiet') == 1
    assert 'must be a link to a checkpoint beside it: delete it' in error_of(capsys)
    assert files(begun) == before


def spoil(path: Path, change) -> None:
    """Change what a JSON file holds; it stays well-formed."""
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ('file', 'change', 'text'),
    [
        ('inputs.json', lambda c: c.update(digests=3), 'is damaged: digests is 3, no mapping'),
        ('inputs.json', lambda c: c.update(inputs=[3]), 'is damaged: inputs is [3], no mapping'),
        ('inputs.json', lambda c: c['inputs'].pop('train'), "damaged: 'train' is missing"),
        ('inputs.json', lambda c: c['inputs'].update(train=3), 'inputs of the run are damaged: '),
        (STATE, lambda c: c['state']['fit'].pop('rules'), "is damaged (KeyError: 'rules')"),
        (STATE, lambda c: c['state']['fit'].update(rules=3), 'is damaged (TypeError: '),
        (
            STATE,
            lambda c: c['state']['fit']['loader'].update(pending=[[99999] * 4]),
            'is damaged (ValueError: a pending row is none of the ',
        ),
        (
            STATE,
            lambda c: c['state']['fit']['loader']['sampler'].update(counts=[1, 2]),
            'is damaged (ValueError: ',
        ),
    ],
)
def test_files_with_wrong_content_are_told_in_one_line_and_left(begun, capsys, file, change, text):
    spoil(begun / file, change)
    before = files(begun)
    assert run('train', '--resume', begun, '--stopping.max-samples', 80, '--quiet') == 1
    assert text in error_of(capsys)
    assert files(begun) == before


def test_a_run_without_a_usable_loss_ends_with_its_reason(bag, config, tmp_path, capsys):
    words = (bag, '--config', config, '--runs-dir', tmp_path, '--run-id', 'nan', '--quiet')
    wild = ('--optimizer.learning-rate', 1, '--optimizer.gradient-clip', 0, '--loss.beta', 50)
    wild = (*wild, '--optimizer.warmup-steps', 0, '--optimizer.beta1', 0, '--optimizer.beta2', 0)
    report = tmp_path / 'nan.json'
    assert run('train', *words, *wild, '--json', report) == 1
    assert json.loads(report.read_text())['stop_reason'] == 'non_finite'
    assert 'stopped           non_finite: ' in capsys.readouterr().out


def test_a_disk_that_is_full_from_the_start_leaves_the_name_free(bag, config, tmp_path):
    words = [
        *(sys.executable, '-m', 'devrobot_training.cli.train', str(bag), '--run-id', 'x'),
        *('--config', str(config), '--runs-dir', str(tmp_path / 'runs'), '--quiet'),
    ]
    full = ['bash', '-c', 'ulimit -f 0; exec "$@"', 'bash', *words]
    done = subprocess.run(full, capture_output=True, text=True, env=environment(), check=False)
    assert done.returncode == 1 and 'Traceback' not in done.stderr, done.stderr
    assert not list((tmp_path / 'runs').rglob('*'))


def test_a_disk_that_fills_while_it_trains_is_told_with_the_way_to_go_on(bag, config, tmp_path):
    words = [
        *(sys.executable, '-m', 'devrobot_training.cli.train', str(bag), '--run-id', 'x'),
        *('--config', str(config), '--runs-dir', str(tmp_path), '--quiet'),
    ]
    open_small(bag)  # what is kept of a bag is larger
    small_disk = ['bash', '-c', 'ulimit -f 20; exec "$@"', 'bash', *words]
    done = subprocess.run(
        small_disk, capture_output=True, text=True, env=environment(), check=False
    )
    assert done.returncode == 1 and 'Traceback' not in done.stderr, done.stderr
    run_folder = tmp_path / 'walk' / 'x'
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: cannot save checkpoint 'step_")
    assert line.endswith(f'; make room, then go on with --resume {run_folder}')
    assert run('train', '--resume', run_folder, '--stopping.max-samples', 80, '--quiet') == 0

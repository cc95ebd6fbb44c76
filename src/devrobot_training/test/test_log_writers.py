"""TensorBoard and W&B get the numbers of the log, and are missed in one line."""

import ast
import importlib.util
import math
from pathlib import Path
import sys

from devrobot_interfaces_py.configs import ConfigError
from devrobot_training.fit.problems import RunError
from devrobot_training.logs import writers
from devrobot_training.logs.writers import (
    check_writers,
    make_writers,
    run_key,
    run_name,
    scalars,
    WRITERS,
)
import pytest
from run_logs import BATCH, batch, event, healthy_rows, interval, SETTINGS
import yaml

PACKAGE = Path(writers.__file__).parents[1]


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / 'walk' / 'monday'
    path.mkdir(parents=True)
    (path / 'config.yaml').write_text(yaml.safe_dump(SETTINGS))
    return path


def test_the_numbers_of_rows_get_names():
    found = scalars(batch(3))
    assert set(found) == {
        f'train/{name}' for name in ('loss', 'learning_rate', 'gradient_norm', 'seconds')
    }
    found = scalars(interval(20))
    assert found['validation/hybrid'] == interval(20)['validation']['hybrid']
    assert found['gradient_norms/codes'] == 0.01 and found['interval/train_loss'] > 0
    assert not {'interval/step', 'interval/samples', 'interval/kind'} & set(found)
    assert scalars(event('started', 'x')) == {}


def test_what_is_no_finite_number_is_left_out():
    row = {'kind': 'batch', 'a': math.nan, 'b': math.inf, 'c': None, 'd': True, 'e': 'x', 'f': 2}
    assert scalars(row) == {'train/f': 2.0}
    assert scalars({'kind': 'interval', 'g': {'a': None, 'b': math.nan, 'c': 1.5}}) == {'g/c': 1.5}


@pytest.mark.parametrize('name', WRITERS)
def test_a_missing_package_is_told_in_one_line_with_the_way_out(monkeypatch, folder, name):
    monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, 'torch.utils.tensorboard', raising=False)
    expected = (
        f'--log-to {name} needs the package {name}: '
        f'.venv/bin/pip install -r requirements/extras/{name}.txt'
    )
    with pytest.raises(RunError) as error:
        make_writers([name], folder)
    assert str(error.value) == expected
    assert [path.name for path in folder.iterdir()] == ['config.yaml']


def test_trainings_of_a_staged_run_have_names_of_their_own(folder):
    part = folder / 'stages' / 'stage_02' / 'run_1' / 'part_1'
    assert run_name(folder) == ('walk', 'monday') and run_key(folder) == 'walk-monday'
    assert run_name(part) == ('walk-monday', 'stage_02-run_1-part_1')
    assert run_key(part) == 'walk-monday-stages-stage_02-run_1-part_1'
    assert run_key(part) != run_key(folder.parent / 'tuesday' / part.relative_to(folder))


def test_a_package_is_looked_for_before_anything_begins(monkeypatch):
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: None)
    check_writers([])
    with pytest.raises(RunError, match='--log-to wandb needs the package wandb: .venv/bin/pip'):
        check_writers(['wandb'])
    with pytest.raises(ConfigError, match="log_to has 'tensorbord', must be of tensorboard, wan"):
        check_writers(['tensorbord'])


def test_no_names_no_writers(folder):
    assert make_writers([], folder) == []


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or '')
    return names


@pytest.mark.parametrize('package', ['wandb', 'torch.utils.tensorboard', 'tensorboard'])
def test_the_packages_are_imported_in_one_module_only(package):
    users = [path for path in PACKAGE.rglob('*.py') if package in imported(path)]
    assert users in ([], [Path(writers.__file__)])


def test_runs_of_two_sessions_have_two_keys(tmp_path, monkeypatch):
    one, other = tmp_path / 'walk' / 'monday', tmp_path / 'run' / 'monday'
    assert run_key(one) == 'walk-monday' and run_key(other) == 'run-monday'
    monkeypatch.chdir(tmp_path)
    assert run_key(Path('walk/monday')) == run_key(one)
    keys = {run_key(tmp_path / name / 'monday') for name in ('a b', 'a:b', 'a_b', 'a' * 90)}
    assert len(keys) == 4
    assert all(len(key) <= 64 and not set(key) & set(r' /\#?%:') for key in keys)


@pytest.mark.extra('tensorboard')
def test_tensorboard_reads_what_was_written(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    (writer,) = make_writers(['tensorboard', 'tensorboard'], folder)
    rows = healthy_rows()
    for row in rows:
        writer.write(row)
    writer.close()
    events = EventAccumulator(str(folder / 'tensorboard'), {'scalars': 0})
    events.Reload()
    losses = events.Scalars('train/loss')
    batches = [row for row in rows if row['kind'] == 'batch']
    assert [item.step for item in losses] == [row['samples'] for row in batches]
    assert [item.value for item in losses] == pytest.approx([row['loss'] for row in batches])
    assert len(events.Scalars('validation/hybrid')) == 20
    assert not any('rows' in tag for tag in events.Tags()['scalars'])


@pytest.mark.extra('tensorboard')
def test_tensorboard_shows_the_steps_of_a_resumed_run_once(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for first, last, loss in ((1, 20, 0.5), (15, 24, 0.25)):
        (writer,) = make_writers(['tensorboard'], folder)
        writer.write(event('started', 'x'))
        for step in range(first, last + 1):
            writer.write({**batch(step), 'loss': loss})
        writer.close()
    events = EventAccumulator(str(folder / 'tensorboard'), {'scalars': 0})
    events.Reload()
    assert [(item.step, item.value) for item in events.Scalars('train/loss')] == [
        (step * BATCH, 0.5 if step < 15 else 0.25) for step in range(1, 25)
    ]


@pytest.mark.extra('tensorboard')
def test_a_run_without_numbers_leaves_no_file(folder):
    (writer,) = make_writers(['tensorboard'], folder)
    writer.write(event('started', 'x'))
    writer.close()
    assert [path.name for path in folder.iterdir()] == ['config.yaml']


@pytest.mark.extra('wandb')
def test_wandb_offline_keeps_everything_in_the_folder_of_the_run(folder, monkeypatch):
    import wandb

    monkeypatch.setenv('WANDB_MODE', 'offline')
    monkeypatch.delenv('WANDB_API_KEY', raising=False)
    for _ in range(2):  # the second time as after a resume
        (writer,) = make_writers(['wandb'], folder)
        for row in healthy_rows():
            writer.write(row)
        writer.close()
    wandb.teardown()
    # latest-run is a link to the second.
    files = {path.resolve() for path in folder.rglob('run-walk-monday.wandb')}
    assert files
    for path in files:
        content = path.read_bytes()
        for word in (b'validation/hybrid', b'train/loss', b'"cosine"', b'walk-monday'):
            assert word in content


@pytest.mark.extra('wandb')
def test_wandb_without_a_key_refuses_in_one_line(folder, monkeypatch, tmp_path):
    import wandb

    for name in ('WANDB_MODE', 'WANDB_API_KEY'):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv('HOME', str(tmp_path))
    monkeypatch.setenv('NETRC', str(tmp_path / 'netrc'))
    monkeypatch.setenv('WANDB_BASE_URL', 'http://127.0.0.1:9')
    with pytest.raises(RunError, match='wandb refuses: .*set WANDB_MODE=offline') as error:
        make_writers(['wandb'], folder)
    assert '\n' not in str(error.value)
    wandb.teardown()

"""Rules of saving, reading and thinning out checkpoints."""

import json
import math
import os
from pathlib import Path

from devrobot_world_model import checkpoints
from devrobot_world_model.checkpoints import (
    best_checkpoint,
    CheckpointError,
    keep_best,
    list_checkpoints,
    load_checkpoint,
    save_checkpoint,
)
import pytest
import torch

CONFIG = {'model': {'depth': 1, 'size': [4, 6]}, 'canvas': {'frames': 3}}
BAD_NAMES = (
    '../outside', '..', '.', '.hidden', '/etc/passwd', 'a/b', 'a\\b', 'a..b', 'a\nb', 'a b',
    'a\0b', 'é', 'x' * 129, '-rf', '~',
)  # fmt: skip


def tensors(value=1.0):
    return {'model.weight': torch.full((4, 6), value), 'rng.torch': torch.get_rng_state()}


def save(folder: Path, name='one', *, loss=None, created=1, **more):
    metrics = {} if loss is None else {'validation_loss': loss}
    values = {
        'tensors': tensors(),
        'config': CONFIG,
        'metrics': metrics,
        'counters': {'optimizer_step': 7, 'samples_seen': 28},
        'now_ns': lambda: created,
    }
    return save_checkpoint(folder, name, **(values | more))


def names(folder: Path) -> list[str]:
    return [info.name for info in list_checkpoints(folder).checkpoints]


def test_everything_saved_comes_back(tmp_path):
    info = save(tmp_path, loss=0.25, state={'betas': [0.9, 0.999]}, note='hello', run_id='r1')
    loaded = load_checkpoint(tmp_path, 'one')
    assert loaded.info == info
    assert (info.optimizer_step, info.samples_seen, info.validation_loss) == (7, 28, 0.25)
    assert (info.note, info.run_id, info.created_ns) == ('hello', 'r1', 1)
    assert loaded.config == CONFIG
    assert loaded.counters == {'optimizer_step': 7, 'samples_seen': 28}
    assert loaded.state == {'betas': [0.9, 0.999]}
    assert torch.equal(loaded.part('model.')['weight'], tensors()['model.weight'])
    assert torch.equal(loaded.part('rng.')['torch'], torch.get_rng_state())


def test_a_loss_nobody_measured_is_nan_and_the_json_stays_standard(tmp_path):
    save(tmp_path, metrics={'validation_loss': math.nan, 'train_loss': math.inf})
    text = (tmp_path / 'one' / 'checkpoint.json').read_text()
    assert 'NaN' not in text
    assert 'Infinity' not in text
    assert math.isnan(load_checkpoint(tmp_path, 'one').info.validation_loss)


def test_tensors_that_share_memory_are_saved(tmp_path):
    weight = torch.arange(24.0).reshape(4, 6)
    save(tmp_path, tensors={'model.a': weight, 'model.b': weight.T})
    assert torch.equal(load_checkpoint(tmp_path, 'one').tensors['model.b'], weight.T)


def test_equal_configurations_have_equal_digests_whatever_their_order():
    turned = {'canvas': {'frames': 3}, 'model': {'size': (4, 6), 'depth': 1}}
    assert checkpoints.config_digest(CONFIG) == checkpoints.config_digest(turned)
    assert checkpoints.config_digest(CONFIG) != checkpoints.config_digest({})


@pytest.mark.parametrize('name', BAD_NAMES)
def test_names_that_could_leave_the_folder_are_refused_everywhere(tmp_path, name):
    folder = tmp_path / 'robot'
    with pytest.raises(CheckpointError, match='checkpoint name'):
        save(folder, name)
    with pytest.raises(CheckpointError, match='checkpoint name'):
        load_checkpoint(folder, name)
    assert not list(tmp_path.iterdir())


def test_bad_name_is_told_in_one_line(tmp_path):
    with pytest.raises(CheckpointError) as error:
        save(tmp_path, '../a\nb')
    assert "'../a\\nb'" in str(error.value)
    assert '\n' not in str(error.value)


def test_a_link_that_leads_out_of_the_folder_is_not_followed(tmp_path):
    outside, folder = tmp_path / 'outside', tmp_path / 'robot'
    save(outside)
    folder.mkdir()
    (folder / 'link').symlink_to(outside / 'one')
    with pytest.raises(CheckpointError, match="'link' leads out of"):
        load_checkpoint(folder, 'link')
    with pytest.raises(CheckpointError, match="'link' leads out of"):
        save(folder, 'link', overwrite=True)
    listing = list_checkpoints(folder)
    assert not listing.checkpoints
    assert "'link' leads out of" in listing.skipped[0]
    assert load_checkpoint(outside, 'one')


def test_a_linked_tensor_file_is_not_followed(tmp_path):
    save(tmp_path / 'other')
    save(tmp_path / 'robot')
    file = tmp_path / 'robot' / 'one' / 'tensors.safetensors'
    file.unlink()
    file.symlink_to(tmp_path / 'other' / 'one' / 'tensors.safetensors')
    with pytest.raises(CheckpointError, match='leads out of'):
        load_checkpoint(tmp_path / 'robot', 'one')


def test_missing_checkpoint_is_named(tmp_path):
    with pytest.raises(CheckpointError, match="there is no checkpoint 'nothing'"):
        load_checkpoint(tmp_path, 'nothing')


def test_existing_checkpoint_is_not_overwritten_unless_asked(tmp_path):
    save(tmp_path)
    with pytest.raises(CheckpointError, match="'one' exists already"):
        save(tmp_path, tensors=tensors(2.0))
    assert load_checkpoint(tmp_path, 'one').tensors['model.weight'][0, 0] == 1.0
    save(tmp_path, tensors=tensors(2.0), overwrite=True)
    assert load_checkpoint(tmp_path, 'one').tensors['model.weight'][0, 0] == 2.0
    assert [entry.name for entry in tmp_path.iterdir()] == ['one']


@pytest.mark.parametrize('file', ['tensors.safetensors', 'checkpoint.json'])
@pytest.mark.parametrize('share', [0.0, 0.5, 0.99])
def test_truncated_files_are_refused_in_one_line(tmp_path, file, share):
    save(tmp_path)
    path = tmp_path / 'one' / file
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(CheckpointError, match="'one' is damaged") as error:
        load_checkpoint(tmp_path, 'one')
    assert '\n' not in str(error.value)
    listing = list_checkpoints(tmp_path)
    assert not listing.checkpoints
    assert len(listing.skipped) == 1


def test_one_altered_byte_is_noticed(tmp_path):
    save(tmp_path)
    path = tmp_path / 'one' / 'tensors.safetensors'
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match='does not match its digest'):
        load_checkpoint(tmp_path, 'one')


@pytest.mark.parametrize(
    'change, message',
    [
        ({'format': 99}, 'has format 99'),
        ({'config': []}, "no valid 'config'"),
        ({'tensors_bytes': '9'}, "no valid 'tensors_bytes'"),
        ({'counters': {'optimizer_step': -1}}, 'counter optimizer_step is -1'),
        ({'counters': {'samples_seen': 2**64}}, 'counter samples_seen is 18446744073709551616'),
        ({'metrics': {'validation_loss': 10**400}}, 'metric validation_loss is 10000'),
        ({'created_ns': 10**30}, 'created_ns is 1000000'),
        ({'metrics': {'validation_loss': 'low'}}, "metric validation_loss is 'low'"),
    ],
)
def test_json_of_another_kind_is_refused(tmp_path, change, message):
    save(tmp_path)
    path = tmp_path / 'one' / 'checkpoint.json'
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(CheckpointError, match=message):
        load_checkpoint(tmp_path, 'one')


def test_a_number_of_thousands_of_digits_is_refused_and_others_stay_listed(tmp_path):
    save(tmp_path)
    save(tmp_path, 'two')
    path = tmp_path / 'two' / 'checkpoint.json'
    path.write_text(path.read_text().replace('"created_ns": 1', '"created_ns": ' + '9' * 5000))
    with pytest.raises(CheckpointError, match="'two' is damaged: checkpoint.json cannot be read"):
        load_checkpoint(tmp_path, 'two')
    assert names(tmp_path) == ['one']


def test_a_path_that_the_system_refuses_is_told_in_one_line(tmp_path):
    folder = tmp_path / ('x' * 300)
    with pytest.raises(CheckpointError, match='cannot be read: .*too long'):
        load_checkpoint(folder, 'one')
    with pytest.raises(CheckpointError, match='cannot list the checkpoints in .*too long'):
        list_checkpoints(folder)
    with pytest.raises(CheckpointError, match='too long'):
        save(folder)


def test_missing_tensor_file_is_named(tmp_path):
    save(tmp_path)
    (tmp_path / 'one' / 'tensors.safetensors').unlink()
    with pytest.raises(CheckpointError, match='incomplete: tensors.safetensors is missing'):
        load_checkpoint(tmp_path, 'one')


def test_the_folder_of_a_run_tells_where_its_checkpoints_are(tmp_path):
    save(tmp_path / 'run' / 'checkpoints')
    with pytest.raises(CheckpointError, match='folder of a run.* name one of them.*/best'):
        load_checkpoint(tmp_path, 'run')


def test_a_failed_save_leaves_nothing_behind(tmp_path):
    with pytest.raises(CheckpointError, match="cannot save checkpoint 'one'"):
        save(tmp_path, state={'clock': object()})
    assert not list(tmp_path.iterdir())


def test_a_failed_overwrite_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    save(tmp_path)
    real_rename = Path.rename

    def refuse_new(path, target):
        if path.name.startswith('.saving-'):
            raise OSError('no space left')
        return real_rename(path, target)

    monkeypatch.setattr(Path, 'rename', refuse_new)
    with pytest.raises(CheckpointError, match='no space left'):
        save(tmp_path, tensors=tensors(2.0), overwrite=True)
    assert load_checkpoint(tmp_path, 'one').tensors['model.weight'][0, 0] == 1.0
    assert [entry.name for entry in tmp_path.iterdir()] == ['one']


def test_half_written_folders_of_a_crash_are_not_listed(tmp_path):
    save(tmp_path)
    (tmp_path / '.saving-123').mkdir()
    assert names(tmp_path) == ['one']
    assert not list_checkpoints(tmp_path).skipped


def test_list_is_newest_first_and_empty_for_a_missing_folder(tmp_path):
    for name, created in (('b', 2), ('c', 3), ('a', 1)):
        save(tmp_path, name, created=created)
    assert names(tmp_path) == ['c', 'b', 'a']
    assert names(tmp_path / 'missing') == []


def test_names_made_up_are_unique_even_within_one_moment(tmp_path):
    folder = tmp_path / 'toroidal_dot'
    made = [save(folder, '', run_id='ab12', created=10**18).name for _ in range(3)]
    assert len(set(made)) == 3
    assert made[0] == 'toroidal_dot-20010909T014640Z-ab12-000028'
    assert set(names(folder)) == set(made)


def test_a_made_up_name_is_allowed_whatever_the_robot_is_called():
    name = checkpoints.unique_name('../my robot!', instance='', counter=1, now_ns=0)
    assert name == 'my_robot-19700101T000000Z-0-000001'


def test_the_best_is_the_lowest_loss_not_the_last_of_the_kept(tmp_path):
    """The earlier code loaded the worst of the checkpoints it had kept."""
    for created, loss in enumerate((0.5, 0.1, 0.3, math.nan)):
        save(tmp_path, f'n{created}', loss=loss, created=created)
    assert best_checkpoint(tmp_path).name == 'n1'
    keep_best(tmp_path, 2)
    assert best_checkpoint(tmp_path).name == 'n1'


def test_without_any_measured_loss_there_is_no_best(tmp_path):
    save(tmp_path, loss=math.nan)
    assert best_checkpoint(tmp_path) is None
    assert best_checkpoint(tmp_path, 'hybrid') is None


def test_keep_best_deletes_the_worst_first_and_keeps_the_newest(tmp_path):
    for created, loss in enumerate((0.4, 0.1, 0.3, 0.2, 0.9)):
        save(tmp_path, f'n{created}', loss=loss, created=created)
    assert keep_best(tmp_path, 3) == ('n0', 'n2')
    assert names(tmp_path) == ['n4', 'n3', 'n1']


def test_keep_best_never_deletes_best_newest_or_protected(tmp_path):
    for created, loss in enumerate((0.1, 0.9, 0.3, None)):
        save(tmp_path, f'n{created}', loss=loss, created=created)
    assert keep_best(tmp_path, 1, protect=['n1']) == ('n2',)
    assert names(tmp_path) == ['n3', 'n1', 'n0']


def test_unmeasured_checkpoints_go_before_measured_ones(tmp_path):
    for created, loss in enumerate((None, 0.9, 0.5, 0.4)):
        save(tmp_path, f'n{created}', loss=loss, created=created)
    assert keep_best(tmp_path, 3) == ('n0',)


def test_keep_best_can_rank_by_another_metric(tmp_path):
    for created, value in enumerate((3.0, 1.0, 2.0)):
        save(tmp_path, f'n{created}', metrics={'hybrid': value}, created=created)
    assert best_checkpoint(tmp_path, 'hybrid').name == 'n1'
    assert keep_best(tmp_path, 2, 'hybrid') == ('n0',)


def test_keeping_none_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match='at least 1 checkpoint must be kept, got 0'):
        keep_best(tmp_path, 0)


@pytest.mark.skipif(os.geteuid() == 0, reason='root may write everywhere')
def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(CheckpointError, match='cannot save checkpoint'):
        save(tmp_path)

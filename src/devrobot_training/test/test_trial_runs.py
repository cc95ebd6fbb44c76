"""A trial as its worker makes it: it is heard while it works, and has the GPU of its number."""

import math
from pathlib import Path

from devrobot_training.fit.training import Inputs, open_data
from devrobot_training.fit.validation import BATCH
from devrobot_training.staged import engine
from devrobot_training.staged.config import StagedConfig
from devrobot_training.staged.engine import StageRunner, trial_workers
from devrobot_training.staged.run_files import call_of, RunTask
from devrobot_training.sweeps import trial as trial_module
from devrobot_training.sweeps.executors.base import worker_count
from devrobot_training.sweeps.phases import trial_config
from devrobot_training.sweeps.trial import device_of, Trial, TrialRunner
from fit_worlds import dot_session, small
import pytest
from staged_worlds import staged
import torch

SAMPLES, PERIOD = 80, 40


def test_a_trial_is_heard_at_every_step_while_it_validates_and_while_data_is_read(tmp_path):
    """What is silent for too long is killed: neither a long validation nor a large bag may be."""
    bag = dot_session(tmp_path / 'walk', steps=400)
    config = small(fit__validation_size=0, fit__validate_every=PERIOD, fit__train_ratio=0.5)
    trial = Trial(
        number=0,
        folder=tmp_path / 'trial',
        config=trial_config(config, 1e-3, 0, samples=SAMPLES, seconds=0.0),
        inputs=Inputs(train=bag),
    )
    heard: list[int] = []
    work = TrialRunner(0)
    work(trial.to_dict(), heard.append, lambda: False)
    data = open_data(trial.inputs, config)
    reads = len([samples for samples in heard if samples == 0])
    messages, blocks = 1, math.ceil(len(data.train.store) / 64)
    assert reads >= messages + 2 * blocks, 'the bag and the frames of both sessions'
    batches = math.ceil(len(data.validation) / BATCH)
    assert batches > 2
    step = config.fit.batch_size
    expected = [
        samples
        for samples in range(step, SAMPLES + 1, step)
        for _ in range(1 + (batches if samples % PERIOD == 0 else 0))
    ]
    assert heard[reads:] == expected


def stage_call(folder: Path, bag: Path, config: StagedConfig) -> dict:
    """Return the call that asks for the first training of a stage."""
    task = RunTask(
        key='stages/stage_01/run_1', name='stage_01_run_1', stage=1, number=1, seed=0, rate=1e-3,
        start='', train=str(bag), validation=str(bag),
    )  # fmt: skip
    return call_of(task, folder, config, Inputs(train=bag))


def test_a_training_of_a_stage_in_a_process_of_its_own_is_heard_while_it_validates(tmp_path):
    bag = dot_session(tmp_path / 'walk', steps=400)
    config = staged(sweep__when='off', stopping__max_samples=PERIOD, fit__validation_size=0)
    data = open_data(Inputs(train=bag, validation=bag), config.training())
    heard: list[int] = []
    StageRunner(0)(stage_call(tmp_path, bag, config), heard.append, lambda: False)
    assert heard.count(PERIOD) > math.ceil(len(data.validation) / BATCH) > 2


@pytest.fixture
def gpus(monkeypatch):
    def present(count: int) -> None:
        monkeypatch.setattr(torch.cuda, 'device_count', lambda: count)
        monkeypatch.setattr(torch.cuda, 'is_available', lambda: count > 0)

    return present


@pytest.mark.parametrize(
    ('count', 'device', 'found'),
    [
        (4, 'auto', ['cuda:0', 'cuda:1', 'cuda:2', 'cuda:3', 'cuda:0']),
        (2, 'cuda', ['cuda:0', 'cuda:1', 'cuda:0', 'cuda:1', 'cuda:0']),
        (4, 'cuda:2', ['cuda:2'] * 5),
        (4, 'cpu', ['cpu'] * 5),
        (1, 'auto', ['auto'] * 5),
        (0, 'auto', ['auto'] * 5),
    ],
)
def test_each_worker_has_the_gpu_of_its_number(gpus, count, device, found):
    gpus(count)
    assert [device_of(device, slot) for slot in range(5)] == found


class SeenError(Exception):
    """Carries the device that a training was asked to use."""


def tell_device(folder, config, *more, **settings):
    raise SeenError(config.device)


@pytest.mark.parametrize('slot', [0, 3])
def test_the_number_of_a_worker_reaches_its_trials_and_trainings(
    gpus, tmp_path, monkeypatch, slot
):
    gpus(4)
    for module in (trial_module, engine):
        monkeypatch.setattr(module, 'train_once', tell_device)
    trial = Trial(
        number=0, folder=tmp_path, config=small(device='auto'), inputs=Inputs(train=tmp_path)
    )
    with pytest.raises(SeenError, match=f'cuda:{slot}'):
        TrialRunner(slot)(trial.to_dict(), print, lambda: False)
    config = staged(sweep__when='off', device='cuda')
    with pytest.raises(SeenError, match=f'cuda:{slot}'):
        StageRunner(slot)(stage_call(tmp_path, tmp_path, config), print, lambda: False)


@pytest.mark.parametrize(
    ('count', 'wanted', 'device', 'found'),
    [
        (4, 0, 'auto', 4),
        (4, 0, 'cuda', 4),
        (4, 0, 'cuda:2', 1),
        (1, 0, 'auto', 1),
        (4, 3, 'auto', 3),
        (4, 6, 'auto', 6),
    ],
)
def test_there_is_one_worker_per_gpu_unless_it_is_told(gpus, count, wanted, device, found):
    gpus(count)
    assert worker_count(wanted, 1, device) == found


def test_workers_on_the_cpu_are_as_many_as_it_has_cores(gpus, monkeypatch):
    monkeypatch.setattr('os.sched_getaffinity', lambda process: set(range(6)))
    gpus(4)
    assert worker_count(0, 1, 'cpu') == 6
    assert worker_count(0, 2, 'cpu') == 3
    gpus(0)
    assert worker_count(0, 1, 'auto') == 6
    monkeypatch.setattr('os.sched_getaffinity', lambda process: set(range(64)))
    assert worker_count(0, 1, 'cpu') == 8


def test_trainings_at_a_time_share_the_cores_for_their_trials(gpus, monkeypatch):
    gpus(0)
    monkeypatch.setattr('os.sched_getaffinity', lambda process: set(range(8)))
    assert trial_workers(staged(sweep__workers=0)) == 8
    assert trial_workers(staged(sweep__workers=0, runs_per_stage=4, parallel_runs=4)) == 2
    assert trial_workers(staged(sweep__workers=0, runs_per_stage=2, parallel_runs=4)) == 4
    assert trial_workers(staged(sweep__workers=3, runs_per_stage=4, parallel_runs=4)) == 3

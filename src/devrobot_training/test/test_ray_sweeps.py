"""Sweeps on Ray: a cluster of this machine with two workers gives what local processes give."""

import os
from pathlib import Path
import signal
import sys
import time

from devrobot_interfaces_py.configs import ConfigError
from devrobot_training.fit.once import InterruptedTrainingError
from devrobot_training.fit.run_folder import EVENTS
from devrobot_training.fit.training import Inputs
from devrobot_training.staged.engine import make_executor
from devrobot_training.sweeps.executors.base import Limits
from devrobot_training.sweeps.executors.disk import DiskError
from devrobot_training.sweeps.executors.local import LocalExecutor
from devrobot_training.sweeps.phases import Budgets, run_sweep, SweepTask, trial_config
from devrobot_training.sweeps.trial import Trial, TrialEnd
from fit_worlds import dot_session, SMALL
import pytest
from staged_worlds import run_staged, staged

LISTENING = '0A'  # state of a socket in /proc/net/tcp


@pytest.fixture(scope='module')
def bag(tmp_path_factory) -> Path:
    return dot_session(tmp_path_factory.mktemp('session') / 'walk')


@pytest.fixture(scope='module')
def cluster():
    # The processes of the cluster are children of this one: they have to find what it imports.
    before = os.environ.get('PYTHONPATH')
    os.environ['PYTHONPATH'] = os.pathsep.join(filter(None, sys.path))
    executor = make_executor(staged(sweep__executor='ray'), 2)
    yield executor
    executor.close()
    if before is not None:
        os.environ['PYTHONPATH'] = before


def sweep(folder: Path, bag: Path, executor) -> list[tuple]:
    task = SweepTask(
        folder=folder,
        sweep=staged(sweep__seeds=2).sweep,
        config=SMALL,
        inputs=Inputs(train=bag),
        budgets=Budgets(samples_a=40, samples_b=80),
    )
    found = run_sweep(task, executor)
    assert Path(found.checkpoint).is_dir()
    return [
        (phase.name, t.number, t.learning_rate, t.best)
        for phase in found.phases
        for t in phase.trials
    ]


@pytest.mark.extra('ray')
def test_a_sweep_on_two_workers_of_ray_is_the_local_one(bag, cluster, tmp_path):
    local = LocalExecutor(1)
    try:
        assert sweep(tmp_path / 'ray', bag, cluster) == sweep(tmp_path / 'local', bag, local)
    finally:
        local.close()


@pytest.mark.extra('ray')
def test_a_cluster_of_this_machine_listens_on_the_loopback_interface_only(bag, cluster, tmp_path):
    import ray

    cluster.run([], Limits(), ended=print)
    (node,) = ray.nodes()
    assert node['NodeManagerAddress'] == '127.0.0.1'
    listening = {line.split()[1] for name in ('tcp', 'tcp6')
                 for line in Path('/proc/net', name).read_text().splitlines()
                 if line.split()[3] == LISTENING}  # fmt: skip
    port = f'{node["NodeManagerPort"]:04X}'
    (address,) = {item.split(':')[0] for item in listening if item.endswith(f':{port}')}
    assert address.endswith('0100007F')


@pytest.mark.extra('ray')
def test_a_trial_on_ray_that_fails_or_is_over_its_time_is_told_and_the_others_go_on(
    bag, cluster, tmp_path
):
    def trial(number: int, **settings) -> Trial:
        config = trial_config(SMALL, 1e-3, 0, **{'samples': 40, 'seconds': 0.0, **settings})
        return Trial(
            number=number, folder=tmp_path / str(number), config=config, inputs=Inputs(train=bag)
        )

    good, endless = trial(0), trial(1, samples=10**9)
    lost = Trial(
        number=2, folder=tmp_path / 'c', config=good.config, inputs=Inputs(train=tmp_path / 'no')
    )
    ends = {}
    cluster.run(
        [endless, good, lost],
        Limits(seconds=1.0, grace=20.0),
        ended=lambda trial, end: ends.setdefault(trial.number, end),
    )
    assert ends[0].trained.samples == 40 and not ends[0].reason
    assert ends[1].reason.startswith('killed: ')
    assert 'there is no such bag' in ends[2].reason


def ends_of(cluster, trials: list[Trial], limits: Limits, **settings) -> dict[int, TrialEnd]:
    ends: dict[int, TrialEnd] = {}
    cluster.run(
        trials, limits, ended=lambda trial, end: ends.setdefault(trial.number, end), **settings
    )
    return ends


def trial_of(bag: Path, folder: Path, number: int, samples: int) -> Trial:
    return Trial(
        number=number,
        folder=folder / str(number),
        config=trial_config(SMALL, 1e-3, 0, samples=samples, seconds=0.0),
        inputs=Inputs(train=bag),
    )


@pytest.mark.extra('ray')
def test_trials_that_no_machine_begins_are_failed_and_told(bag, cluster, tmp_path):
    import ray

    cluster.run([], Limits(), ended=print)  # joins the cluster

    def hold(file: Path) -> None:
        file.touch()
        time.sleep(10_000)

    holding = ray.remote(num_cpus=2)(hold).remote(tmp_path / 'held')
    while not (tmp_path / 'held').exists():
        time.sleep(0.05)
    try:
        trials = [trial_of(bag, tmp_path, number, 40) for number in range(2)]
        ends = ends_of(cluster, trials, Limits(seconds=1.0, grace=3.0))
    finally:
        ray.cancel(holding, force=True)
    assert [ends[n].reason[:48] for n in range(2)] == [
        'killed: no machine of the cluster began it in 3 s'[:48]
    ] * 2


@pytest.mark.extra('ray')
def test_trials_go_on_and_are_heard_of_when_the_process_that_hears_of_them_is_lost(
    bag, cluster, tmp_path
):
    from ray._private.state import actors

    seen: list[int] = []
    killed: list[int] = []

    def watch(samples) -> None:
        seen.append(samples.get(0, 0))
        if seen[-1] and not killed:
            (process,) = {a['Pid'] for a in actors().values() if a['State'] == 'ALIVE'}
            os.kill(process, signal.SIGKILL)
            killed.append(seen[-1])

    with pytest.raises(InterruptedTrainingError):
        cluster.run(
            [trial_of(bag, tmp_path, 0, 10**9)], Limits(grace=30.0), ended=print, tick=watch,
            should_stop=lambda: bool(killed) and seen[-1] > killed[0],
        )  # fmt: skip


@pytest.mark.extra('ray')
def test_a_cluster_that_is_not_there_is_a_failure_of_the_trials(bag, tmp_path, monkeypatch):
    monkeypatch.setenv('RAY_ADDRESS', '127.0.0.1:1')
    made = make_executor(staged(sweep__executor='ray'), 1)
    monkeypatch.setattr('ray.is_initialized', lambda: False)
    monkeypatch.setattr('ray.init', refuse)
    ends = ends_of(made, [trial_of(bag, tmp_path, n, 40) for n in range(3)], Limits())
    assert {end.reason for end in ends.values()} == {'the Ray cluster failed: no one there'}
    assert len(ends) == 3


def refuse(**settings) -> None:
    raise ConnectionError('no one there')


@pytest.mark.extra('ray')
def test_a_disk_that_refuses_is_no_end_of_a_trial_on_ray(bag, cluster, tmp_path):
    config = trial_config(SMALL, 1e-3, 0, samples=40, seconds=0.0)
    trial = Trial(number=0, folder=tmp_path / 'a', config=config, inputs=Inputs(train=bag))
    trial.folder.mkdir()
    (trial.folder / EVENTS).symlink_to('/dev/full')
    with pytest.raises(DiskError, match='No space left'):
        cluster.run([trial], Limits(), ended=print)


@pytest.mark.extra('ray')
def test_a_stop_ends_what_runs_on_ray(bag, cluster, tmp_path):
    endless = Trial(
        number=0,
        folder=tmp_path / 'a',
        config=trial_config(SMALL, 1e-3, 0, samples=10**9, seconds=0.0),
        inputs=Inputs(train=bag),
    )
    seen: list[dict] = []
    with pytest.raises(InterruptedTrainingError):
        cluster.run(
            [endless], Limits(), ended=print, tick=seen.append,
            should_stop=lambda: any(s.get(0) for s in seen),
        )  # fmt: skip


def test_without_ray_the_way_out_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, 'ray', None)
    monkeypatch.delitem(sys.modules, 'devrobot_training.sweeps.executors.ray', raising=False)
    with pytest.raises(ConfigError, match=r'pip install "ray.*sweep.executor local'):
        make_executor(staged(sweep__executor='ray'), 2)


def test_without_ray_a_run_is_refused_before_it_begins(bag, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'ray', None)
    monkeypatch.delitem(sys.modules, 'devrobot_training.sweeps.executors.ray', raising=False)
    with pytest.raises(ConfigError, match='Ray is not installed'):
        run_staged(bag, tmp_path / 'runs', staged(sweep__executor='ray'))
    assert not (tmp_path / 'runs').exists()

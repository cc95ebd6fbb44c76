"""Several processes train as one: the same losses, one set of files, and no silent loss of one."""

import json
from pathlib import Path
import subprocess
import sys

from devrobot_interfaces_py.configs import ConfigError
from devrobot_training.fit.team import Team
from fit_worlds import dot_session, limited, open_small, train_small
import pytest
from team_runs import environment
import torch

DEADLINE_S = 120.0
#: Masks that are drawn, and frames that are imagined: both are those of the whole batch.
CHANGES = {
    'optimizer__precision': 'fp32',
    'fit__checkpoint_every': 40,
    'fit__imagined_share': 0.5,
    'loss__mask_ratio_min': 0.5,
}
WORKER = """
import json, os, signal, sys
from pathlib import Path

import torch
from fit_worlds import limited, Losses, open_small
from devrobot_training.fit.problems import TeamError
from devrobot_training.fit.run_folder import RunFolder
from devrobot_training.fit.team import join_team, leave_team
from devrobot_training.fit.training import Training

bag, folder = Path(sys.argv[1]), Path(sys.argv[2])
victim, samples = int(sys.argv[3]), int(sys.argv[4])
team = join_team()
config = limited(samples, **json.loads(sys.argv[5]))
losses = Losses()
training = Training(RunFolder(folder), config, open_small(bag), listeners=[losses], team=team)
training.resume()
try:
    training.run(lambda: bool(team.rank == victim and training.learner.step >= 5
                              and os.kill(os.getpid(), signal.SIGKILL)))
except TeamError as error:
    print(f'rank {team.rank}: {error}', flush=True)
    sys.exit(1)
weights = float(sum(p.detach().double().abs().sum() for p in training.learner.model.parameters()))
result = {'losses': losses.by_step, 'weights': weights, 'samples': training.fitter.samples}
(folder / f'rank_{team.rank}.json').write_text(json.dumps(result))
leave_team(team)
"""
READER = """
from datetime import timedelta
from pathlib import Path
import os, sys, time

from devrobot_training.fit.problems import TeamError
from devrobot_training.fit.team import join_team, leave_team

here, rank = Path(sys.argv[1]), int(os.environ['RANK'])
(here / f'ready_{rank}').touch()
while not (here / f'ready_{1 - rank}').exists():  # one may take long to import torch
    time.sleep(0.01)
team = join_team(timedelta(seconds=4))
late = 8 * team.leads
time.sleep(late)
team.barrier()
print(f'rank {team.rank} has read', flush=True)
time.sleep(late)
try:
    team.any(True)
except TeamError as error:
    print(f'rank {team.rank}: {error}', flush=True)
else:
    leave_team(team)
"""


def run_team(bag: Path, folder: Path, *, victim: int = -1, samples: int = 80):
    words = (bag, folder, victim, samples, json.dumps(CHANGES))
    return run_two(WORKER, folder, *words)


def run_two(source: str, folder: Path, *words: object) -> tuple[int, str]:
    """Run a program in two processes, which torchrun starts."""
    folder.mkdir(parents=True, exist_ok=True)
    worker = folder / 'worker.py'
    worker.write_text(source)
    process = subprocess.Popen(
        [
            *(sys.executable, '-m', 'torch.distributed.run', '--standalone'),
            *('--nproc-per-node', '2', str(worker), *map(str, words)),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment(OMP_NUM_THREADS='1'),
    )
    try:
        output, _ = process.communicate(timeout=DEADLINE_S)
    finally:
        if process.poll() is None:
            process.kill()
    return process.returncode, output


@pytest.fixture(scope='module')
def bag(tmp_path_factory) -> Path:
    path = dot_session(tmp_path_factory.mktemp('session') / 'bag')
    open_small(path)  # the cache is there before two processes look for it
    return path


def test_two_processes_give_the_losses_of_one_with_the_same_whole_batch(bag, tmp_path):
    code, output = run_team(bag, tmp_path / 'two')
    assert code == 0, output
    ranks = [json.loads((tmp_path / 'two' / f'rank_{n}.json').read_text()) for n in (0, 1)]
    assert ranks[0] == ranks[1]
    assert ranks[0]['samples'] == 80
    config = limited(80, **CHANGES)
    alone, training = train_small(tmp_path / 'one', open_small(bag), config)
    assert len(ranks[0]['losses']) == len(alone.by_step) == 20
    for step, losses in alone.by_step.items():
        # The sums of gradients are taken in another order: float32 rounding, nothing else.
        assert ranks[0]['losses'][str(step)] == pytest.approx(losses, rel=1e-4, abs=1e-7)
    weights = float(
        sum(p.detach().double().abs().sum() for p in training.learner.model.parameters())
    )
    assert ranks[0]['weights'] == pytest.approx(weights, rel=1e-5)
    checkpoints = sorted(p.name for p in (tmp_path / 'two' / 'checkpoints').iterdir())
    assert {'best', 'last'} <= set(checkpoints) and len(checkpoints) <= 4


def test_a_process_that_dies_ends_the_run_with_a_clear_line(bag, tmp_path):
    code, output = run_team(bag, tmp_path / 'torn', victim=1, samples=8000)
    assert code != 0
    assert 'rank 0: another process of this training is gone' in output, output
    assert not (tmp_path / 'torn' / 'rank_0.json').exists()


def test_who_reads_for_long_is_waited_for_and_who_misses_a_step_is_not(tmp_path):
    _, output = run_two(READER, tmp_path, tmp_path)
    # Not whole lines: those of two processes may come into one another.
    assert 'rank 0 has read' in output and 'rank 1 has read' in output, output
    assert 'rank 1: another process of this training is gone' in output, output


@pytest.mark.parametrize(('rank', 'name'), [(0, 'auto'), (1, 'auto'), (1, 'cuda')])
def test_each_process_has_a_gpu_of_its_own(monkeypatch, rank, name):
    gpus(monkeypatch, 2)
    team = Team(rank=rank + 2, size=4, local_rank=rank, local_size=2)
    assert team.device(name) == f'cuda:{rank}'
    assert team.device('cpu') == 'cpu'


@pytest.mark.parametrize(
    ('there', 'name', 'text'),
    [
        (2, 'cuda:1', '--device is cuda:1, but each process takes a GPU of its own'),
        (
            1,
            'auto',
            '2 processes need a GPU each, and there are 1: use --processes 1',
        ),
    ],
)
def test_two_processes_on_one_gpu_are_refused(monkeypatch, there, name, text):
    gpus(monkeypatch, there)
    with pytest.raises(ConfigError, match=text):
        Team(rank=0, size=2, local_rank=0, local_size=2).device(name)


def test_processes_of_other_machines_need_no_gpu_of_this_one(monkeypatch):
    gpus(monkeypatch, 1)
    assert Team(rank=1, size=2, local_rank=0, local_size=1).device('auto') == 'cuda:0'


def test_a_process_that_is_alone_has_the_device_that_was_asked_for(monkeypatch):
    gpus(monkeypatch, 2)
    assert [Team().device(name) for name in ('auto', 'cpu', 'cuda:1')] == ['auto', 'cpu', 'cuda:1']


def gpus(monkeypatch, count: int) -> None:
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: count > 0)
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: count)

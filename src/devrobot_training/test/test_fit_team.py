"""Several processes train as one: the same losses, one set of files, and no silent loss of one."""

import json
import os
from pathlib import Path
import subprocess
import sys

from fit_worlds import dot_session, limited, open_small, train_small
import pytest

DEADLINE_S = 120.0
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
config = limited(samples, optimizer__precision='fp32', fit__checkpoint_every=40)
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


def run_team(bag: Path, folder: Path, *, victim: int = -1, samples: int = 80):
    folder.mkdir(parents=True, exist_ok=True)
    worker = folder / 'worker.py'
    worker.write_text(WORKER)
    process = subprocess.Popen(
        [
            *(sys.executable, '-m', 'torch.distributed.run', '--standalone'),
            *('--nproc-per-node', '2', str(worker), str(bag), str(folder)),
            *(str(victim), str(samples)),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={
            **os.environ,
            'PYTHONPATH': os.pathsep.join(filter(None, sys.path)),
            'OMP_NUM_THREADS': '1',
        },
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
    config = limited(80, optimizer__precision='fp32')
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
    assert 'rank 0: another process of this training is gone: ' in output, output
    assert not (tmp_path / 'torn' / 'rank_0.json').exists()

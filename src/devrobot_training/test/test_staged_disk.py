"""A disk that refuses is no result: the run ends with one line, and the rest can be done later."""

import errno
import json
from pathlib import Path
import resource
import subprocess
import sys

from devrobot_training.sweeps.executors.base import Limits
from devrobot_training.sweeps.executors.disk import disk_problem, DiskError
from devrobot_training.sweeps.executors.pool import Call, ProcessPool
from devrobot_world_model.checkpoints import CheckpointError
from fit_worlds import dot_session, write_config
from hanging_work import Awkward
import pytest
from safetensors import SafetensorError
from staged_worlds import essence, run_staged, staged
from team_runs import environment

DEADLINE_S = 240.0
#: Logs and tables fit, and no checkpoint of the small model does.
LARGEST_FILE = 150 * 1024
ONE_STAGE = {'baseline': False, 'splits__first_size': 100}


def run(*words, largest_file: int = resource.RLIM_INFINITY) -> subprocess.CompletedProcess:
    """Run the command in a process of its own, whose files cannot be larger than they may."""
    return subprocess.run(
        [sys.executable, '-m', 'devrobot_training.cli.staged', *map(str, words), '--quiet'],
        env=environment(),
        preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_FSIZE, (largest_file, resource.RLIM_INFINITY)
        ),
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )


def summary(folder: Path) -> dict:
    return json.loads((folder / 'summary.json').read_text())


@pytest.mark.timeout(4 * DEADLINE_S)  # seconds of work, minutes on a machine that is busy
@pytest.mark.parametrize(
    'settings',
    [
        {'sweep__when': 'initial', 'sweep__workers': 2, 'stopping__max_samples': 300},
        {
            'sweep__when': 'off',
            'stopping__max_samples': 80,
            'runs_per_stage': 2,
            'parallel_runs': 2,
        },
    ],
    ids=['trials', 'parallel runs'],
)
def test_a_full_disk_ends_the_run_and_the_rest_gives_the_same_choice(tmp_path, settings):
    bag = dot_session(tmp_path / 'walk')
    config = staged(**ONE_STAGE, **settings)
    _, whole = run_staged(bag, tmp_path, config, run_id='whole')
    words = ('--root-session', bag, '--config', write_config(tmp_path / 'small.yaml', config))
    place = ('--output-dir', tmp_path, '--run-id', 'full')
    full = run(*words, *place, largest_file=LARGEST_FILE)
    assert full.returncode == 1
    (told,) = [line for line in full.stderr.splitlines() if line.startswith('error: ')]
    assert 'File too large' in told and 'Traceback' not in full.stderr
    folder = tmp_path / 'walk' / 'full'
    header = summary(folder)['header']
    assert header['status'] == 'failed' and 'File too large' in header['status_message']
    assert (folder / 'report.html').exists()
    done = run('--resume', folder)
    assert done.returncode == 0, done.stderr
    assert essence(summary(folder)) == essence(whole.summary.to_dict())


def test_a_call_that_the_disk_refused_has_no_answer():
    pool = ProcessPool(1, work=Awkward)
    answers = []
    calls = [Call(number=n, data={'do': wish}) for n, wish in enumerate(['answer', 'fill'])]
    try:
        with pytest.raises(DiskError, match='No space left on device: a/b'):
            pool.run(
                calls,
                Limits(),
                ended=lambda call, answer: answers.append((call.number, answer.reason)),
            )
    finally:
        pool.close()
    assert answers == [(0, '')]


def raised(error: Exception, cause: Exception | None = None) -> Exception:
    try:
        raise error from cause
    except Exception as caught:
        return caught


@pytest.mark.parametrize(
    'code',
    [
        *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.ESTALE),
        *(errno.EROFS, errno.EACCES, errno.EPERM),
    ],
)
def test_the_disk_is_seen_behind_what_was_made_of_its_error(code):
    error = OSError(code, 'it refuses', 'a/b')
    weights = SafetensorError(f'Error while serializing: I/O error: it refuses (os error {code})')
    assert 'a/b' in disk_problem(error)
    for cause in (error, weights):
        assert disk_problem(raised(CheckpointError('cannot save'), cause)) == 'cannot save'


@pytest.mark.parametrize(
    'error',
    [
        OSError(errno.ENOENT, 'no such file', 'a'),
        OSError('a picture that is none'),
        RuntimeError('out of memory (os error 12)'),
        CheckpointError('does not fit'),
    ],
)
def test_other_faults_are_those_of_the_trial(error):
    assert disk_problem(error) == ''
    assert disk_problem(raised(ValueError('a'), error)) == ''

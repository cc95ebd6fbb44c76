"""kill -9 at the worst moments: what is resumed ends with the choice of an uncut run."""

import json
from pathlib import Path
import subprocess
import sys
import time

from command_runs import run as command
from devrobot_training.fit.once import RESULT as TRAINED
from devrobot_training.fit.problems import RunError
from devrobot_training.report.collecting import read_run
from devrobot_training.report.summary import load_summary
from devrobot_training.staged.run_files import RESULT
from devrobot_training.sweeps.phases import RESULT as SWEEP
from fit_worlds import dot_session, write_config
import pytest
from staged_worlds import essence, staged
from team_runs import environment

DEADLINE_S = 550.0
#: One process that has imported everything forks each run; it kills what it forked at once when
#: the file of the moment is there.
FORKS = """
import json, os, signal, sys, time
from pathlib import Path
from devrobot_interfaces_py import atomic
from devrobot_training.cli import staged

words, folder, moments = json.loads(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])
DONE = {'trained.json', 'sweep.json', 'result.json'}


def finished():
    files = [p for p in folder.glob('stages/**/*.json') if p.name in DONE]
    return {str(p): p.stat().st_mtime_ns for p in files}


def kill_in_report():
    flush = atomic._flush_to_disk

    def killing(path):
        if path.suffix == '.html':
            os.kill(os.getpid(), signal.SIGKILL)
        flush(path)

    atomic._flush_to_disk = killing


def fork(begin, in_report=False):
    child = os.fork()
    if child == 0:
        if in_report:
            kill_in_report()
        try:
            staged.main(begin)
        except SystemExit as end:
            os._exit(end.code or 0)
        os._exit(9)
    return child


seen = []
begin = words
for moment in moments:
    child = fork(begin, in_report=moment == 'report')
    while not (moment != 'report' and list(folder.glob(moment))):
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            assert os.WIFSIGNALED(status), f'it ended before {moment}: {status}'
            break
        time.sleep(0.002)
    else:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    seen.append(finished())
    begin = ['--resume', str(folder), '--quiet']
_, status = os.waitpid(fork(begin), 0)
assert os.waitstatus_to_exitcode(status) == 0, status
print(json.dumps({'seen': seen, 'end': finished()}))
"""
MOMENTS = [
    'stages/stage_01/run_1/sweep_1/A/trial_01/metrics*.jsonl',
    'stages/stage_01/run_1/sweep_1/B/trial_01/metrics*.jsonl',
    'report',  # after stage 1
    'stages/stage_02/run_1/part_1/checkpoints/last',
    'report',  # after stage 2
]
#: One long part, and two trainings at a time.
ENDLESS = {'sweep__when': 'off', 'stopping__plateau': False}
TWO = {'runs_per_stage': 2, 'parallel_runs': 2}


@pytest.fixture(scope='module')
def bag(tmp_path_factory) -> Path:
    return dot_session(tmp_path_factory.mktemp('session') / 'walk')


def run(bag: Path, folder: Path, run_id: str, moments: list[str]) -> dict:
    config = write_config(folder / 'small.yaml', staged(baseline=False))
    words = [
        *('--root-session', str(bag), '--config', str(config), '--quiet'),
        *('--output-dir', str(folder), '--run-id', run_id),
    ]
    done = subprocess.run(
        [
            *(sys.executable, '-c', FORKS),
            *(json.dumps(words), str(folder / 'walk' / run_id), json.dumps(moments)),
        ],
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        env=environment(OMP_NUM_THREADS='1'),
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def shown(folder: Path, moment) -> bool:
    """Return whether the summary of a run that goes on shows what is waited for."""
    try:
        return moment(load_summary(folder).stages[0])
    except (RunError, IndexError):
        return False


@pytest.mark.timeout(2 * DEADLINE_S)
@pytest.mark.parametrize(
    ('moment', 'settings'),
    [
        (lambda stage: stage.runs, ENDLESS),
        (lambda stage: stage.sweeps and stage.sweeps[0].phases, {}),
        (lambda stage: len(stage.runs) == 2, {**ENDLESS, **TWO}),
        (
            lambda stage: len(stage.sweeps) == 2 and all(s.phases for s in stage.sweeps),
            {**TWO, 'sweep__when': 'initial'},
        ),
    ],
    ids=['training', 'phase A', 'two trainings', 'two sweeps'],
)
def test_the_report_of_a_run_that_was_killed_shows_what_went_on(
    bag, tmp_path, capsys, moment, settings
):
    slow = {'stopping__max_samples': 10**8, 'sweep__samples_a': 400, 'sweep__samples_b': 10**6}
    config = staged(baseline=False, **{**slow, **settings})
    words = [
        *('--root-session', str(bag), '--quiet', '--output-dir', str(tmp_path)),
        *('--config', str(write_config(tmp_path / 'small.yaml', config)), '--run-id', 'cut'),
    ]
    folder = tmp_path / 'walk' / 'cut'
    process = subprocess.Popen(
        [sys.executable, '-m', 'devrobot_training.cli.staged', *words],
        env=environment(),
    )
    deadline = time.monotonic() + DEADLINE_S
    try:
        while not shown(folder, moment):
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.02)
    finally:
        process.kill()
        process.wait()
    (folder / 'report.html').unlink()
    assert command('report', folder) == 0
    found = read_run(folder)
    (stage,) = found.stages
    assert (found.header.status, stage.state) == ('interrupted', 'interrupted')
    assert moment(stage)
    assert {part.state for part in (*stage.runs, *stage.sweeps)} == {'interrupted'}
    page = (folder / 'report.html').read_text()
    assert 'Stage 1' in page
    for trial in (t for s in stage.sweeps for p in s.phases for t in p.trials):
        assert trial.best_validation and f'{trial.best_validation:.3g}' in page


def summary(folder: Path, run_id: str) -> dict:
    return json.loads((folder / 'walk' / run_id / 'summary.json').read_text())


@pytest.mark.timeout(2 * DEADLINE_S)  # seconds of work, minutes on a machine that is busy
def test_kill_in_sweeps_stages_and_reports_changes_nothing(bag, tmp_path):
    whole = run(bag, tmp_path, 'whole', [])
    told = run(bag, tmp_path, 'killed', MOMENTS)
    expected, found = (summary(tmp_path, name) for name in ('whole', 'killed'))
    assert found['header']['status'] == 'complete'
    assert essence(found) == essence(expected)
    # Whatever had ended was never done again: its file is the one that was there.
    for moment, seen in zip(MOMENTS, told['seen'], strict=True):
        assert {path: told['end'][path] for path in seen} == seen, moment
    assert not list((tmp_path / 'walk' / 'killed').rglob('.*.tmp*')), 'left by what was killed'
    counts = [len(seen) for seen in told['seen']]
    assert counts == sorted(counts) and counts[0] >= 1
    assert len(told['end']) == len(whole['end'])
    # The moments were what they are called.
    for place, name, number in ((0, TRAINED, 2), (1, SWEEP, 0), (3, RESULT, 1)):
        assert len([p for p in told['seen'][place] if p.endswith(f'/{name}')]) == number, place

"""The command ``train`` as a user runs it: to its end, interrupted, killed, resumed."""

import json
from pathlib import Path
import re
import subprocess
import sys

from devrobot_training.cli import train
from devrobot_training.logs.metrics_log import read_rows
from devrobot_world_model.checkpoints import load_checkpoint
from fit_worlds import dot_session, write_config
import pytest
from team_runs import environment
import yaml

KEYS = {
    'within_2px', 'counterfactual_within_2px', 'rollout5_within_2px', 'rollout10_within_2px',
    'cpu_seconds_to_95', 'cpu_seconds', 'samples', 'steps', 'seed', 'stop_reason', 'hybrid',
    'hybrid_copy_last', 'hybrid_black',
}  # fmt: skip
DEADLINE_S = 240.0


@pytest.fixture(scope='module')
def bag(tmp_path_factory) -> Path:
    return dot_session(tmp_path_factory.mktemp('session') / 'walk')


@pytest.fixture(scope='module')
def config(tmp_path_factory) -> Path:
    return write_config(tmp_path_factory.mktemp('config') / 'small.yaml')


def run(*words: object) -> int:
    with pytest.raises(SystemExit) as end:
        train.main([str(word) for word in words])
    return end.value.code


def losses(folder: Path) -> list[tuple]:
    return [
        (row['step'], row['loss'], row['rows'])
        for row in read_rows(folder / 'metrics.jsonl', 'batch')
    ]


def test_validations_are_told_of_the_loss_that_is_trained_on(bag, config, tmp_path, capsys):
    words = (bag, '--config', config, '--runs-dir', tmp_path, '--run-id', 'plain')
    assert run(*words, '--loss.kind', 'plain', '--stopping.max-samples', 80) == 0
    told = re.findall(r'\| validation (\S+) ', capsys.readouterr().out)
    rows = list(read_rows(tmp_path / 'walk' / 'plain' / 'metrics.jsonl', 'interval'))
    assert told == [f'{row["validation"]["plain"]:.4f}' for row in rows]
    assert told != [f'{row["validation"]["hybrid"]:.4f}' for row in rows]


def test_a_run_leaves_everything_that_was_promised(bag, config, tmp_path, capsys):
    report = tmp_path / 'out.json'
    words = (bag, '--config', config, '--runs-dir', tmp_path / 'runs', '--run-id', 'monday')
    assert run(*words, '--stopping.max-samples', 120, '--json', report) == 0
    folder = tmp_path / 'runs' / 'walk' / 'monday'
    summary = json.loads((folder / 'summary.json').read_text())
    assert summary == json.loads(report.read_text())
    assert summary.keys() >= KEYS
    assert (summary['samples'], summary['steps'], summary['stop_reason']) == (120, 30, 'samples')
    assert summary['within_2px'] is not None
    found = {path.name for path in folder.iterdir()}
    assert found >= {
        'config.yaml', 'inputs.json', 'metrics.jsonl', 'events.log', 'checkpoints', 'summary.json',
        'evaluation.json', 'report.html', 'examples.png',
    }  # fmt: skip
    assert yaml.safe_load((folder / 'config.yaml').read_text())['stopping']['max_samples'] == 120
    output = capsys.readouterr().out
    assert f'run               {folder}' in output and 'dot within 2 px' in output
    assert [row['samples'] for row in read_rows(folder / 'metrics.jsonl', 'interval')] == [
        40,
        80,
        120,
    ]


@pytest.mark.parametrize(
    ('words', 'text'),
    [
        ((), 'name a session to train on, or a run with --resume'),
        (('none',), 'none: there is no such bag'),
        (('BAG', '--run-id', '../x'), "run id '../x' must be a plain name"),
        (('BAG', '--fit.batch-size', '0'), '--fit.batch-size is 0'),
        (('BAG', '--optimizer.learning-rat', '1'), 'unrecognized arguments'),
        (('BAG', '--device', 'cuda:7'), "device 'cuda:7' was asked for, but there"),
        (
            ('BAG', '--sampler.chunk-length', '12', '--fit.batch-size', '24'),
            'has no run of so many',
        ),
        (('BAG', '--checkpoint', 'none/best'), "there is no checkpoint 'best'"),
        (('--resume', '.'), 'no run that can be resumed: inputs.json: No such file'),
        (('BAG', '--processes', '0'), '--processes is 0, must be at least 1'),
        (('BAG', '--processes', '3'), '--fit.batch-size is 4, must be a multiple of the 3'),
        (('BAG', '--threads', '9999'), '--threads is 9999'),
        (('BAG', '--preset', 'tiny'), 'are both whole recipes: leave one out'),
        (('BAG', '--runs-dir', 'BAG/metadata.yaml'), '.yaml is a file: name another folder'),
        (('BAG', '--config', 'BAG/metadata.yaml'), 'unknown setting'),
        (('BAG', '--model.encoder-width', '30'), 'encoder_width must be a multiple'),
    ],
)
def test_mistakes_end_in_one_line_and_leave_nothing(bag, config, tmp_path, capsys, words, text):
    given = [word.replace('BAG', str(bag)) for word in words]
    options = () if '--resume' in words else ('--config', config, '--runs-dir', tmp_path / 'runs')
    assert run(*options, *given, '--quiet') in (1, 2)
    error = capsys.readouterr().err
    assert text in error
    assert 'Traceback' not in error
    assert not list((tmp_path / 'runs').rglob('*')), 'not even an empty folder'


FORKS = """
import contextlib, json, os, random, re, signal, sys, time
from pathlib import Path
import yaml
from devrobot_training.cli import train
from devrobot_training.logs.metrics_log import read_rows
from devrobot_world_model.checkpoints import load_checkpoint

folder, phase, kills = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
start, resume = json.loads(sys.argv[4]), ['--resume', str(folder), '--quiet']
moments = random.Random(4)
events = folder / 'events.log'


def newest():
    link = folder / 'checkpoints' / 'last'
    return link.readlink().name if link.is_symlink() else ''


def ends():
    return events.read_text().count(' stopped: ') if events.exists() else 0


def check_files():
    # Every file that is there can be read as what it is.
    for path in folder.iterdir():
        if path.suffix == '.json':
            json.loads(path.read_text())
        elif path.suffix == '.yaml':
            yaml.safe_load(path.read_text())
        elif path.suffix == '.html':
            assert path.read_text().rstrip().endswith('</html>'), path
        elif path.suffix == '.png':
            assert path.read_bytes().endswith(b'IEND\\xaeB`\\x82'), path
        elif path == events:
            lines = path.read_text().splitlines(keepends=True)
            assert all(re.fullmatch(r'step \\d+ \\(\\d+ samples\\) \\w+: .*\\n', x) for x in lines)
        elif path.suffix == '.jsonl':
            continue
        else:
            assert path.name == 'checkpoints' or path.name.startswith('.'), path
    steps = [row['step'] for row in read_rows(folder / 'metrics.jsonl', 'batch')]
    assert steps == list(range(1, len(steps) + 1)), 'no step is missing or there twice'
    for link in ('last', 'best'):
        if (folder / 'checkpoints' / link).is_symlink():
            load_checkpoint(folder / 'checkpoints', link)


# Any moment of training, after a checkpoint has moved on; or of what comes after the last step.
told, latest = (newest, 0.2) if phase == 'training' else (ends, 1.0)
for number in range(kills + 1):
    pid = os.fork()
    if not pid:
        with open(os.devnull, 'w') as nowhere, contextlib.redirect_stdout(nowhere):
            try:
                train.main(resume if (folder / 'inputs.json').exists() else start)
            except SystemExit as end:
                os._exit(end.code)
    if number < kills:
        before, end = told(), time.monotonic() + 120
        while told() == before and time.monotonic() < end:
            time.sleep(0.002)
        time.sleep(moments.uniform(0.0, latest))
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    if not (folder / 'checkpoints').exists():
        continue
    check_files()
    if newest():
        step = load_checkpoint(folder / 'checkpoints', 'last').counters['optimizer_step']
        print('killed' if os.WIFSIGNALED(status) else 'ended', step, flush=True)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def killed(folder: Path, words: list[str], *, phase: str, times: int) -> list[int]:
    """Begin, kill and resume the run ``torn`` until its end; return the steps of the kills."""
    script = folder / 'forks.py'
    script.write_text(FORKS)
    start = json.dumps([*words, '--run-id', 'torn'])
    done = subprocess.run(
        [sys.executable, script, folder / 'walk' / 'torn', phase, str(times), start],
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        env=environment(OMP_NUM_THREADS='1'),
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return list(map(int, re.findall(r'killed (\d+)', done.stdout)))


def figures(folder: Path) -> dict:
    """Return the summary of a run without its places and times."""
    summary = json.loads((folder / 'summary.json').read_text())
    other = ('run', 'report', 'checkpoint', 'cpu_seconds', 'wall_seconds', 'cpu_seconds_to_95')
    return {name: value for name, value in summary.items() if name not in other}


def test_a_run_that_is_killed_ten_times_has_the_losses_of_a_whole_one(bag, config, tmp_path):
    words = [
        *(str(bag), '--config', str(config), '--runs-dir', str(tmp_path), '--quiet'),
        *('--stopping.max-samples', '1600', '--stopping.plateau', 'false'),
        *('--stopping.divergence', 'false', '--fit.validate-every', '400'),
    ]
    assert run(*words, '--run-id', 'whole') == 0
    kills = killed(tmp_path, words, phase='training', times=10)
    assert len(set(kills)) == 10, 'each kill came at another part of the run'
    whole, torn = (tmp_path / 'walk' / name for name in ('whole', 'torn'))
    assert losses(torn) == losses(whole)
    one, other = (load_checkpoint(folder / 'checkpoints', 'last') for folder in (whole, torn))
    assert one.counters == other.counters == {'optimizer_step': 400, 'samples_seen': 1600}
    weights = one.part('model.'), other.part('model.')
    assert all(bool((value == weights[1][name]).all()) for name, value in weights[0].items())
    assert figures(whole) == figures(torn)


def test_a_run_that_is_killed_after_its_last_step_has_nothing_but_the_rest_to_do(
    bag, config, tmp_path
):
    words = [
        *(str(bag), '--config', str(config), '--runs-dir', str(tmp_path), '--quiet'),
        *('--stopping.max-samples', '80'),
    ]
    assert run(*words, '--run-id', 'whole') == 0
    assert killed(tmp_path, words, phase='ending', times=3) == [20, 20, 20]
    assert losses(tmp_path / 'walk' / 'torn') == losses(tmp_path / 'walk' / 'whole')
    assert figures(tmp_path / 'walk' / 'torn') == figures(tmp_path / 'walk' / 'whole')


def test_an_interrupt_ends_after_the_step_and_the_run_goes_on(bag, config, tmp_path):
    words = [
        *(sys.executable, '-m', 'devrobot_training.cli.train', bag, '--config', config),
        *('--runs-dir', tmp_path, '--run-id', 'torn', '--stopping.plateau', 'false'),
    ]
    process = subprocess.Popen(
        list(map(str, words)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    try:
        for line in process.stdout:
            if ' samples | train ' in line:
                break
        process.terminate()
        output, error = process.communicate(timeout=DEADLINE_S)
    finally:
        process.kill()
    assert process.returncode == 130, error
    assert 'stopping after this step' in output
    folder = tmp_path / 'walk' / 'torn'
    summary = json.loads((folder / 'summary.json').read_text())
    assert summary['stop_reason'] == 'interrupted'
    before = summary['samples']
    limit = before + 40
    assert run('--resume', folder, '--stopping.max-samples', limit, '--quiet') == 0
    summary = json.loads((folder / 'summary.json').read_text())
    assert summary['samples'] == limit
    steps = [step for step, *_ in losses(folder)]
    assert steps == list(range(1, limit // 4 + 1))

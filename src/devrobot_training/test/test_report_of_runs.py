"""The report of runs that were really made: what it prints can be done, what it counts adds up."""

from html import unescape
import json
from pathlib import Path
import re
import shlex

from command_runs import run
from devrobot_training.cli.staged import build_parser, inputs_of
from devrobot_training.jobs import JobRunner
from devrobot_training.staged.inputs import StagedInputs
from devrobot_training.tasks.kinds import training_task
from devrobot_training.tasks.places import ServerConfig
from devrobot_training.tasks.plans import TrainingRequest
from fit_worlds import dot_session
import pytest
from staged_worlds import essence, staged, write_config

DEADLINE_S = 240.0
#: Small runs whose results depend on seed and settings.
QUICK = staged(
    sweep__when='off', stopping__max_samples=80, splits__first_size=60, runs_per_stage=2, seed=4
)


@pytest.fixture(scope='module')
def bag(tmp_path_factory) -> Path:
    return dot_session(tmp_path_factory.mktemp('session') / 'walk')


def summary_of(folder: Path) -> dict:
    return json.loads((folder / 'summary.json').read_text())


def printed_command(folder: Path) -> list[str]:
    """Return the words in the box with the button, as a shell would take them."""
    page = (folder / 'report.html').read_text()
    (text,) = re.findall(r'<div class="command"><pre[^>]*><code>(.*?)</code>', page, re.DOTALL)
    return shlex.split(unescape(text))


def do_as_printed(folder: Path, place: Path, monkeypatch) -> dict:
    """Do in another folder what the report of ``folder`` prints; return what comes out."""
    program, words = (printed := printed_command(folder))[:4], printed[4:]
    assert program == ['ros2', 'run', 'devrobot_training', 'staged']
    place.mkdir()
    monkeypatch.chdir(place)
    before = set(folder.parent.iterdir())
    assert run('staged', *words, '--quiet') == 0
    (made,) = set(folder.parent.iterdir()) - before
    assert not list(place.iterdir()), 'it goes beside the run, wherever it is typed'
    return summary_of(made)


@pytest.mark.parametrize(
    'inputs',
    [
        StagedInputs(root=Path('a b'), splits=Path('c'), stage=2, namespace='bot', checkpoint='d'),
        StagedInputs(train=Path('a'), validation=Path('b'), original=Path('c'), skip_faulty=True),
    ],
)
def test_every_input_has_its_word_in_the_command(inputs):
    words = inputs.arguments()
    assert inputs_of(build_parser().parse_args(words)).to_dict() == inputs.to_dict()
    assert len(words) >= 7 and {'', 'None', '0'}.isdisjoint(words)


@pytest.mark.parametrize('mode', ['root', 'direct'])
def test_the_printed_command_makes_the_run_again(mode, bag, folder, monkeypatch):
    (folder / 'my bags').symlink_to(bag.parent)
    write_config(folder / 'small.yaml', QUICK)
    words = ['--config', 'small.yaml', '--output-dir', 'my runs', '--run-id', 'once', '--quiet']
    sessions = ['--root-session', 'my bags/walk']
    if mode == 'direct':
        assert run('staged', *sessions, *words, '--runs-per-stage', 1) == 0
        sessions = ['--train-session', 'my bags/walk', '--val-session', 'my bags/walk']
        sessions += ['--checkpoint', 'my runs/walk/once/checkpoints/best', '--skip-faulty']
        words[5] = 'twice'
    assert run('staged', *sessions, *words) == 0
    made = folder / 'my runs' / 'walk' / words[5]
    again = do_as_printed(made, folder / 'elsewhere', monkeypatch)
    assert essence(again) == essence(summary_of(made))
    assert again['choice']['original_loss'] is not None


def test_a_run_of_the_server_prints_a_command_too(bag, folder, monkeypatch):
    write_config(folder / 'small.yaml', QUICK)
    places = ServerConfig(
        **{f'{name}_dir': Path(name) for name in ('runs', 'splits', 'checkpoints')},
        sessions_dir=bag.parent,
        configs_dir=folder,
    )
    request = TrainingRequest(
        overrides=('staged=true', 'runs_per_stage=1'),
        root_session='walk',
        config_path='small.yaml',
        run_id='a',
    )
    runner = JobRunner()
    job = runner.start(training_task(request, places, lambda: 0))
    assert job.wait(DEADLINE_S) and job.result.succeeded, job.result
    runner.close()
    runner.join()
    made = folder / 'runs' / 'walk' / 'a'
    again = do_as_printed(made, folder / 'elsewhere', monkeypatch)
    assert essence(again) == essence(summary_of(made))
    assert 'training_server staged=true runs_per_stage=1' in (made / 'report.html').read_text()

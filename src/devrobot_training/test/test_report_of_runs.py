"""The report of runs that were really made: what it prints can be done, what it counts adds up."""

from dataclasses import replace
from html import unescape
import json
from pathlib import Path
import re
import shlex
import shutil

from command_runs import run
from devrobot_training.cli.staged import build_parser, inputs_of
from devrobot_training.fit.events import Event, Validated
from devrobot_training.jobs import JobRunner
from devrobot_training.logs.metrics_log import read_rows
from devrobot_training.report.summary import load_summary
from devrobot_training.report.training_curves import read_training_curves
from devrobot_training.staged import engine, past
from devrobot_training.staged.begin import read_begun
from devrobot_training.staged.inputs import StagedInputs
from devrobot_training.staged.reporting import Reporter
from devrobot_training.staged.runner import StagedTraining
from devrobot_training.staged.view import View
from devrobot_training.sweeps.executors.local import LocalExecutor
from devrobot_training.tasks.kinds import training_task
from devrobot_training.tasks.places import ServerConfig
from devrobot_training.tasks.plans import TrainingRequest
from fit_worlds import dot_session, write_config
from hanging_work import Failing
from page_checks import check_page
import pytest
import run_logs
from staged_worlds import essence, run_staged, staged

DEADLINE_S = 240.0
#: Small runs whose results depend on seed and settings.
QUICK = staged(
    sweep__when='off', stopping__max_samples=80, splits__first_size=60, runs_per_stage=2, seed=4
)


@pytest.fixture(scope='module')
def made(bag, tmp_path_factory) -> Path:
    """A run with two trainings of each stage, baselines, and sweeps in all of them."""
    config = staged(
        runs_per_stage=2,
        baseline_sweeps=True,
        stopping__plateau_threshold=0.1,
        stopping__plateau_patience=1,
        sweep__max_per_stage=1,
        sweep__samples_b=120,
    )
    return run_staged(bag, tmp_path_factory.mktemp('runs'), config)[0]


@pytest.fixture(scope='module')
def bag(tmp_path_factory) -> Path:
    return dot_session(tmp_path_factory.mktemp('session') / 'walk')


def reporter_of(folder: Path) -> Reporter:
    """Return what writes the summary of a run that goes on, with all its stages begun."""
    begun = read_begun(folder)
    reporter = Reporter(
        begun.folder, begun.config, begun.plan, begun.facts, view=View(), device='cpu'
    )
    reporter.begin_stage(len(begun.plan.stages))
    return reporter


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


def test_samples_are_those_of_all_trainings_sweeps_and_baselines(made, tmp_path):
    def trained(pattern: str) -> int:
        files = list(made.glob(pattern))
        assert files
        return sum(json.loads(path.read_text())['samples'] for path in files)

    for stage in load_summary(made).stages:
        assert stage.samples == trained(f'{stage.folder}/**/trained.json')
        assert stage.seconds > sum(run.seconds for run in stage.runs) * (stage.number > 1)
    total = f'{trained("stages/**/trained.json"):,}'.replace(',', '\u202f')
    page = (made / 'report.html').read_text()
    assert f'<b>{total}</b><span>training samples</span>' in page
    assert 'sweeps and baselines included</small>' in page
    other = tmp_path / 'other'
    shutil.copytree(made, other)
    assert run('report', '--compare', made, other, '--output', tmp_path / 'both.html') == 0
    assert (tmp_path / 'both.html').read_text().count(f'<td>{total}</td>') == 2


def test_sweeps_of_every_run_and_baseline_are_in_the_report(made):
    second = load_summary(made).stages[1]
    assert [sweep.run for sweep in second.sweeps] == [1, 2]
    assert [sweep.run for sweep in second.baseline_sweeps] == [1, 2]
    pages = [made / name for name in ('report.html', f'{second.folder}/baseline.html')]
    whole, baseline = (path.read_text() for path in pages)
    assert {'sweep-2-1-1', 'sweep-2-2-1'} <= set(check_page(whole).ids)
    assert {'sweep-2-1-1', 'sweep-2-2-1'} <= set(check_page(baseline).ids)
    assert 'Sweep 1 of run 2 of stage 2' in whole and 'Sweeps of the baselines' in whole
    assert whole.count('<th scope="row">stage 2</th><td>On a plateau after') == 2
    assert 'Sweep 1 of run 2 of the baseline of stage 2' in baseline
    assert baseline.count('<span class="purple" aria-hidden="true">▼</span> sweep') == 2
    assert baseline.count('alt="Prediction of fresh weights for') == 6


def test_a_run_that_was_cut_off_is_judged_as_it_would_be_in_the_end(made, tmp_path):
    folder = tmp_path / 'cut'
    shutil.copytree(made, folder)
    best = folder / 'stages/stage_02/baseline_2/result.json'
    best.write_text(json.dumps({**json.loads(best.read_text()), 'original_loss': 1e-5}))
    reporter = reporter_of(folder)
    reporter.save('interrupted', 'stopped on request')
    reporter.report()
    saved = load_summary(folder)
    assert saved.choice is None
    assert (saved.leader.stage, saved.leader.run, saved.leader.baseline) == (2, 2, True)
    assert len(saved.leader.examples) == 6 and saved.attention is not None
    page = (folder / 'report.html').read_text()
    assert 'So far the baseline of stage 2 of 2 is best: hybrid loss 0.0000100' in page
    assert 'The best weights so far are those of the baseline of stage 2' in page
    assert page.count('alt="Prediction of baseline of stage 2 for') == 6


def test_the_raw_curve_is_of_batches_the_smooth_one_the_moving_average_of_the_loop(made):
    stages = load_summary(made).stages
    trainings = [run for stage in stages for run in (*stage.runs, *stage.baseline_runs)]
    assert any(training.restarts for training in trainings), 'a sweep between two parts'
    for training in trainings:
        parts = sorted((made / training.folder).glob('part_*'))
        batches, validations = (
            [row for part in parts for row in read_rows(part / 'metrics.jsonl', kind)]
            for kind in ('batch', 'interval')
        )
        for curve, expected in (
            (training.train, [row['loss'] for row in batches]),
            (training.rate, [row['learning_rate'] for row in batches]),
            (training.smoothed, [row['train_loss'] for row in validations]),
            (training.validation, [row['validation']['hybrid'] for row in validations]),
        ):
            values = [value for value in curve.values if value is not None]
            assert values == pytest.approx(expected, rel=1e-4)
            assert curve.values.count(None) == len(parts) - 1, 'no line across a sweep'
    page = (made / 'report.html').read_text()
    assert 'training, each batch' in page and 'training, smoothed' in page


def test_the_log_of_a_part_that_has_ended_is_read_once(made, tmp_path):
    folder = tmp_path / 'again'
    shutil.copytree(made, folder)
    for log in folder.glob('stages/*/*/part_*/metrics.jsonl'):
        log.unlink()
    reporter_of(folder).save('interrupted')
    before, after = load_summary(made), load_summary(folder)
    for one, two in zip(before.stages, after.stages, strict=True):
        assert (one.runs, one.baseline_runs) == (two.runs, two.baseline_runs)


def test_a_long_log_becomes_a_curve_of_some_hundred_points(tmp_path):
    rows = (run_logs.batch(step) for step in range(1, 5001))
    text = ''.join(f'{json.dumps(row)}\n' for row in rows)
    (tmp_path / 'metrics.jsonl').write_text(text)
    train = read_training_curves(tmp_path).train
    losses = [run_logs.batch(step)['loss'] for step in range(1, 5001)]
    assert 400 <= len(train.samples) <= 600 and list(train.samples) == sorted(train.samples)
    ends = min(train.values), max(train.values)
    assert ends == pytest.approx((min(losses), max(losses)), rel=1e-4)


class Stopping(View):
    """Stops a training after its first validation, as Ctrl-C does."""

    asked = False

    def event(self, event: Event) -> None:
        self.asked = self.asked or isinstance(event, Validated)


def test_a_run_that_went_on_says_when_and_with_what_software(bag, tmp_path, monkeypatch):
    begun_with, gone_on_with = ('1' * 12, False, ''), ('2' * 12, True, '')
    stopping = Stopping()
    monkeypatch.setattr(past, 'software_commit', lambda: begun_with)
    config = replace(QUICK, baseline=False, runs_per_stage=1)
    folder, ending = run_staged(
        bag, tmp_path, config, view=stopping, should_stop=lambda: stopping.asked
    )
    assert ending.status == 'interrupted' and ending.summary.header.later_commits == ()
    monkeypatch.setattr(past, 'software_commit', lambda: gone_on_with)
    begun = read_begun(folder)
    assert StagedTraining(begun).run().status == 'complete'
    header, events = load_summary(folder).header, load_summary(folder).events
    assert (header.commit, header.dirty) == begun_with[:2], 'the one that began it'
    assert header.later_commits == (f'{"2" * 12} + uncommitted changes',)
    told = [event.message for event in events if event.kind == 'resumed']
    assert told == [
        'goes on after an interruption: stopped on request, with 222222222222 + uncommitted '
        'changes instead of 111111111111'
    ]
    page = (folder / 'report.html').read_text()
    assert told[0] in page and 'commit 111111111111, then 222222222222 + uncommitted' in page
    assert 'It was begun with 111111111111 and went on with 222222222222' in page
    (first, *_) = load_summary(folder).stages
    (training,) = first.runs
    assert len(training.resumed) == 1 and 0 < training.resumed[0] < training.samples
    assert '↻</span> resumed' in page
    assert StagedTraining(begun).run().summary.events == events, 'had ended'


def test_that_all_trials_failed_is_an_alert_of_the_page(bag, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(
        engine, 'make_executor', lambda config, workers: LocalExecutor(1, work=Failing)
    )
    config = staged(sweep__when='initial', baseline_sweeps=True)
    folder, ending = run_staged(bag, tmp_path, config)
    assert ending.status == 'complete'
    page = (folder / 'report.html').read_text()
    anchors = check_page(page).ids
    for name, anchor in (
        ('sweep 1 of stage 1', 'sweep-1-1-1'),
        ('sweep 1 of stage 2', 'sweep-2-1-1'),
        ('sweep 1 of the baseline of stage 2', 'baseline'),
    ):
        alert = f'Every trial of {name} failed: on at the configured rate, 1e-3. '
        alert += f'<a href="#{anchor}">Show</a>'
        assert f'<li class="error"><b>error</b> <span>{alert}' in page
        assert anchor in anchors
    assert 'Every trial of the sweeps in stages 1 and 2 failed: on at the configured rate' in page
    assert page.count('<td>RuntimeError: no luck</td>') == 4, 'two rates in two sweeps'
    assert run('report', folder) == 0
    assert 'error    Every trial of sweep 1 of stage 1 failed' in capsys.readouterr().out


def test_a_sweep_before_a_stage_tells_the_rate_that_was_handed_on(bag, tmp_path):
    config = staged(sweep__when='initial', baseline=False, sweep__samples_b=80)
    _, ending = run_staged(bag, tmp_path, config)
    first, second = ending.summary.stages
    (one,), (two,) = first.sweeps, second.sweeps
    assert one.rate_before == config.optimizer.learning_rate
    assert two.rate_before == first.learning_rate != config.optimizer.learning_rate

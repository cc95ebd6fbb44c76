"""A staged training as a job of the training server."""

import json
import math
from pathlib import Path

from command_runs import run
from devrobot_training.jobs import JobRunner, Report
from devrobot_training.tasks.kinds import training_task
from devrobot_training.tasks.outcome import Problem, TaskError
from devrobot_training.tasks.places import ServerConfig
from devrobot_training.tasks.plans import TrainingRequest
from devrobot_training.tasks.staged import StagedTask
from devrobot_training.tasks.training import TrainingTask
from fit_worlds import dot_session, write_config
import pytest
from staged_worlds import staged

DEADLINE_S = 240.0


@pytest.fixture
def places(tmp_path) -> ServerConfig:
    dot_session(tmp_path / 'sessions' / 'walk')
    (tmp_path / 'configs').mkdir()
    quick = staged(sweep__when='off', baseline=False, stopping__max_samples=80)
    write_config(tmp_path / 'configs' / 'small.yaml', quick)
    return ServerConfig(
        runs_dir=tmp_path / 'runs',
        sessions_dir=tmp_path / 'sessions',
        splits_dir=tmp_path / 'splits',
        configs_dir=tmp_path / 'configs',
        checkpoints_dir=tmp_path / 'checkpoints',
    )


def task(places: ServerConfig, *overrides: str, **fields: str):
    request = TrainingRequest(overrides=('staged=true', *overrides), **fields)
    return training_task(request, places, lambda: 0)


def do(work, *, stop_at: str = '') -> tuple:
    reports: list[Report] = []

    class Watching:
        title = work.title
        failed = work.failed

        def run(self, job):
            tell = job.tell

            def told(**changes):
                tell(**changes)
                reports.append(job.report)
                if stop_at and stop_at in job.report.activity:
                    job.stop()

            job.tell = told
            return work.run(job)

    runner = JobRunner()
    job = runner.start(Watching())
    assert job.wait(DEADLINE_S)
    runner.close()
    runner.join()
    return job.result, reports


def test_stages_are_told_and_the_choice_is_the_checkpoint(places):
    fields = {'root_session': 'walk', 'config_path': 'small.yaml', 'run_id': 'a'}
    result, reports = do(task(places, 'seed=3', **fields))
    assert result.succeeded, result.message
    assert result.report == (places.runs_dir / 'walk/a/report.html').resolve()
    assert result.checkpoint.name == 'walk/a/checkpoints/best'
    activities = {report.activity for report in reports}
    assert {'stage 1 run 1: training', 'stage 2 run 1: training'} <= activities
    assert reports[-1].stage_count == 2 and reports[-1].metrics.samples == 80
    assert reports[-1].activity == 'ended: complete'


def test_weights_that_do_not_fit_are_told_as_such_and_leave_no_run(places):
    fields = {'root_session': 'walk', 'config_path': 'small.yaml'}
    result, _ = do(task(places, 'stage=1', run_id='a', **fields))
    assert result.succeeded, result.message
    wider = ('model.encoder_width=64', 'stage=1')
    best = result.checkpoint.name
    result, _ = do(task(places, *wider, run_id='b', checkpoint=best, **fields))
    assert result.problem is Problem.INCOMPATIBLE_CHECKPOINT and 'encoder_width' in result.message
    assert [path.name for path in places.runs_dir.glob('walk/*')] == ['a']


def test_metrics_say_which_training_of_which_stage_they_are_of(places):
    write_config(places.configs_dir / 'sweeps.yaml', staged())
    fields = {'root_session': 'walk', 'config_path': 'sweeps.yaml', 'run_id': 'a'}
    result, reports = do(task(places, **fields))
    assert result.succeeded, result.message
    found = [report.metrics for report in reports if report.metrics]
    told = list(dict.fromkeys((m.stage, m.repeat, m.mode) for m in found))
    assert told == [
        (stage, 1, mode) for stage in (1, 2) for mode in ('main', 'sweep')
    ] + [(2, 1, 'baseline')]  # fmt: skip
    begins = [m for m in found if (m.stage, m.mode, m.samples) == (2, 'baseline', 0)]
    assert math.isnan(begins[0].train_loss), 'values of the training before'


def test_trainings_at_a_time_are_told_with_their_stage(places):
    fields = {'root_session': 'walk', 'config_path': 'small.yaml', 'run_id': 'a'}
    several = ('runs_per_stage=2', 'parallel_runs=2', 'stage=2', 'baseline=true')
    result, reports = do(task(places, *several, checkpoint='', **fields))
    assert result.succeeded, result.message
    found = [report.metrics for report in reports if report.metrics]
    assert {(m.stage, m.repeat, m.mode) for m in found} == {(2, 0, 'main')}
    shares = [r.progress for r in reports if r.activity == 'stage 2: runs']
    assert shares[0] == 0.0 and shares == sorted(shares)


def test_a_goal_can_say_all_that_the_command_can(places):
    """Stage, original session, splits and namespace are overrides: a goal has no such fields."""
    dot_session(places.sessions_dir / 'other', seed=5)
    assert run(
        'make_splits', places.sessions_dir / 'walk', '--output-dir', places.splits_dir / 'walk',
        '--first-size', 30, '--quiet',
    ) == 0  # fmt: skip
    fields = {'config_path': 'small.yaml', 'run_id': 'a'}
    words = ('splits=walk', 'original_session=other', 'stage=2', 'namespace=')
    result, reports = do(task(places, *words, **fields))
    assert result.succeeded, result.message
    facts = json.loads((places.runs_dir / 'walk/a/inputs.json').read_text())['inputs']
    assert facts['original'] == str((places.sessions_dir / 'other').resolve())
    assert facts['splits'] == str((places.splits_dir / 'walk').resolve())
    assert (facts['stage'], facts['root'], facts['namespace']) == (2, None, '')
    assert reports[-1].stage_count == 1
    wrong = task(places, 'namespace=elsewhere', root_session='walk', config_path='small.yaml')
    assert do(wrong)[0].problem is Problem.INVALID_SESSION


def test_a_run_that_is_there_already_is_a_mistake_of_the_goal(places):
    fields = {'root_session': 'walk', 'config_path': 'small.yaml', 'run_id': 'a'}
    (places.runs_dir / 'walk' / 'a').mkdir(parents=True)
    with pytest.raises(TaskError, match='is taken by') as told:
        task(places, **fields)
    assert told.value.problem is Problem.INVALID_CONFIG


def test_one_that_is_stopped_goes_on_by_its_name(places):
    fields = {'root_session': 'walk', 'config_path': 'small.yaml', 'run_id': 'a'}
    result, _ = do(task(places, **fields), stop_at='stage 2 run 1: training')
    assert result.stopped and 'staged --resume' in result.message
    again = training_task(TrainingRequest(run_id='a'), places, lambda: 0)
    assert isinstance(again, StagedTask)
    with pytest.raises(TaskError, match='has its own settings: leave that empty'):
        training_task(TrainingRequest(run_id='a', overrides=('seed=4',)), places, lambda: 0)
    asked_for = TrainingRequest(run_id='a', overrides=('staged=true',))
    assert isinstance(training_task(asked_for, places, lambda: 0), StagedTask)
    assert do(again)[0].succeeded


def test_the_override_decides_which_kind_it_is(places):
    plain = TrainingRequest(root_session='walk', overrides=('staged=false',))
    assert isinstance(training_task(plain, places, lambda: 0), TrainingTask)
    assert isinstance(task(places, 'preset=tiny', root_session='walk'), StagedTask)


@pytest.mark.parametrize(
    ('overrides', 'fields', 'problem'),
    [
        (('sweep.rnak=min',), {'root_session': 'walk'}, Problem.INVALID_CONFIG),
        ((), {'root_session': '../walk'}, Problem.INVALID_SESSION),
        ((), {'run_id': 'gone'}, Problem.INVALID_CONFIG),
        (('stage=two',), {'root_session': 'walk'}, Problem.INVALID_CONFIG),
        (('splits=../walk',), {}, Problem.INVALID_SESSION),
        (('original_session=none',), {'root_session': 'walk'}, Problem.INVALID_SESSION),
        (('splits=walk',), {'train_session': 'walk'}, Problem.INVALID_SESSION),
        ((), {'root_session': 'walk', 'checkpoint': 'none'}, Problem.INCOMPATIBLE_CHECKPOINT),
    ],
)
def test_what_cannot_be_is_refused_at_once(places, overrides, fields, problem):
    with pytest.raises(TaskError) as error:
        task(places, *overrides, **fields)
    assert error.value.problem is problem
    assert not Path(places.runs_dir).exists()

"""Jobs of the training server, without ROS: one at a time, stopped, and every end has a code."""

import json
import threading

from devrobot_interfaces_py.configs import ConfigError
from devrobot_training.fit.lock import only_one
from devrobot_training.fit.run_folder import LAST, METRICS, RunFolder
from devrobot_training.fit.training import read_run
from devrobot_training.jobs import BusyError, JobRunner
from devrobot_training.tasks.evaluation import EvaluationRequest, EvaluationTask
from devrobot_training.tasks.names import find, UnusableNameError
from devrobot_training.tasks.outcome import Problem, refused_by, TaskError
from devrobot_training.tasks.places import ServerConfig
from devrobot_training.tasks.plans import TrainingRequest
from devrobot_training.tasks.training import TrainingTask
from devrobot_world_model.learning.step import Learner, NonFiniteLossError
from fit_worlds import dot_session, write_config
import pytest
import torch

DEADLINE_S = 60.0
ENDLESS = ('stopping.plateau=false', 'stopping.divergence=false')


class Waiting:
    title = 'waiting'

    def __init__(self, fault: Exception | None = None) -> None:
        self.fault = fault
        self.go = threading.Event()

    def run(self, job):
        while not job.should_stop():
            if self.go.wait(0.005):
                break
        if self.fault:
            raise self.fault
        return 'stopped' if job.should_stop() else 'done'

    def failed(self, error):
        return f'failed: {error}'


@pytest.fixture
def runner():
    runner = JobRunner()
    yield runner
    runner.close()
    assert runner.join(DEADLINE_S)


def test_a_second_job_is_refused_until_the_first_has_ended(runner):
    task = Waiting()
    job = runner.start(task)
    with pytest.raises(BusyError, match='busy with the waiting'):
        runner.start(Waiting())
    task.go.set()
    assert job.wait(DEADLINE_S) and job.result == 'done' and not runner.obstacle
    assert runner.start(Waiting()) is runner.job


def test_stop_ends_the_running_job_only(runner):
    assert not runner.stop()
    job = runner.start(Waiting())
    assert runner.stop() and job.wait(DEADLINE_S) and job.result == 'stopped'


def test_a_fault_is_a_result_and_the_runner_goes_on(runner):
    task = Waiting(ZeroDivisionError('oh'))
    task.go.set()
    job = runner.start(task)
    assert job.wait(DEADLINE_S) and job.result == 'failed: oh'
    assert runner.start(Waiting())


def test_a_closed_runner_stops_its_job_and_takes_no_more():
    ended = []
    runner = JobRunner()
    job = runner.start(Waiting(), ended.append)
    runner.close()
    assert runner.join(DEADLINE_S)
    assert job.result == 'stopped' and ended == [job]
    with pytest.raises(BusyError, match='ending'):
        runner.start(Waiting())


def test_a_job_that_does_not_stop_is_waited_for_only_so_long():
    go = threading.Event()

    class Deaf(Waiting):
        def run(self, job):
            go.wait()

    runner = JobRunner()
    runner.start(Deaf())
    runner.close()
    assert not runner.join(0.01)
    go.set()
    assert runner.join(DEADLINE_S)


@pytest.mark.parametrize('name', ['', '.', '/etc', '../out', 'a/../../out', 'link/x', 'a\nb'])
def test_names_stay_in_their_folder(tmp_path, name):
    folder = tmp_path / 'in'
    (tmp_path / 'out' / 'x').mkdir(parents=True)
    folder.mkdir()
    (folder / 'link').symlink_to(tmp_path / 'out')
    with pytest.raises(UnusableNameError, match=r'relative name without|leads out of'):
        find(name, [folder], 'session')


@pytest.fixture(scope='module')
def places(tmp_path_factory):
    root = tmp_path_factory.mktemp('server')
    dot_session(root / 'sessions' / 'walk')
    (root / 'configs').mkdir()
    write_config(root / 'configs' / 'small.yaml')
    return ServerConfig(
        runs_dir=root / 'runs', sessions_dir=root / 'sessions', configs_dir=root / 'configs'
    )


def task(places, *overrides, **fields):
    request = {'root_session': 'walk', 'config_path': 'small.yaml', **fields}
    return TrainingTask(TrainingRequest(overrides=overrides, **request), places, lambda: 7)


def outcome(runner, work):
    job = runner.start(work)
    assert job.wait(DEADLINE_S)
    return job.result


def test_a_training_leaves_a_report_and_its_best_checkpoint(runner, places):
    work = task(places, 'stopping.max_samples=80', run_id='whole')
    result = outcome(runner, work)
    assert result.succeeded and result.report.is_file() and result.evaluation['count'] > 0
    assert result.checkpoint.name == 'walk/whole/checkpoints/best'
    report = runner.job.report
    assert (report.progress, report.metrics.samples, report.metrics.stamp_ns) == (1.0, 80, 7)


def stopped_run(runner, places, name, **fields):
    """Begin a training, and stop it after a step."""
    job = runner.start(task(places, *ENDLESS, run_id=name, **fields))
    while not job.report.metrics:
        assert not job.wait(0.01)
    runner.stop()
    assert job.wait(DEADLINE_S) and job.result.stopped
    return RunFolder(places.runs_dir / 'walk' / name)


def resumption(places, name, *overrides, **fields):
    return TrainingTask(
        TrainingRequest(run_id=name, overrides=overrides, **fields), places, lambda: 7
    )


def test_a_run_goes_on_by_its_name_with_other_settings(runner, places):
    folder = stopped_run(runner, places, 'again')
    step = int(folder.target(LAST).removeprefix('step_'))
    for name, more in (('again', 10), ('walk/again', 20)):
        limit = f'stopping.max_samples={4 * (step + more)}'
        result = outcome(runner, resumption(places, name, limit))
        assert result.succeeded and result.checkpoint.run_id == 'again'
        assert folder.target(LAST) == f'step_{step + more:09d}'
        assert read_run(folder)[0].stopping.max_samples == 4 * (step + more)


def test_a_run_goes_on_as_itself_and_in_one_place(runner, places):
    folder = stopped_run(runner, places, 'same')
    with pytest.raises(TaskError, match='seed cannot change from 0 to 9') as error:
        resumption(places, 'same', 'seed=9')
    assert error.value.problem is Problem.INVALID_CONFIG
    with only_one(folder.path):
        result = outcome(runner, resumption(places, 'same'))
    assert result.problem is Problem.INVALID_CONFIG and 'by another process' in result.message


def test_of_a_killed_run_the_steps_after_its_checkpoint_are_made_anew(runner, places):
    folder = stopped_run(runner, places, 'killed')
    step = int(folder.target(LAST).removeprefix('step_'))
    log = folder.path / METRICS
    with log.open('a') as file:
        file.write(json.dumps({'kind': 'batch', 'step': step + 1, 'samples': 0}) + '\n')
    limit = f'stopping.max_samples={4 * (step + 10)}'
    assert outcome(runner, resumption(places, 'killed', limit)).succeeded
    rows = map(json.loads, log.read_text().splitlines())
    steps = [row['step'] for row in rows if row['kind'] == 'batch']
    assert steps == list(range(1, step + 11))


def test_a_run_goes_on_only_with_the_recording_it_began_with(runner, places):
    folder = stopped_run(runner, places, 'changed')
    inputs = folder.read_inputs()
    folder.write_inputs({**inputs, 'digests': dict.fromkeys(inputs['digests'], 'other')})
    result = outcome(runner, resumption(places, 'changed'))
    assert result.problem is Problem.INVALID_SESSION and 'has changed' in result.message
    assert runner.job.report.activity == f'ended: {result.message}'
    assert folder.target(LAST), 'what there was is still there'


@pytest.mark.parametrize(
    ('fields', 'text'),
    [
        ({'run_id': 'none'}, "'none' is of no run"),
        ({'run_id': 'walk/none'}, "'walk/none' is not in"),
        ({'run_id': 'two'}, 'say which, jump/two or walk/two'),
        ({'run_id': '*'}, 'plain name'),
        ({'run_id': 'walk/../walk/two'}, 'without ".."'),
        ({'run_id': 'walk/two', 'config_path': 'small.yaml'}, 'its own config_path'),
        ({'run_id': 'walk/two', 'checkpoint': 'x'}, 'its own checkpoint'),
        ({'run_id': 'walk/two', 'overrides': ('preset=tiny',)}, 'its own preset'),
        ({'run_id': 'x' * 300, 'root_session': 'walk'}, 'has 300 characters: take at most 100'),
        ({'run_id': 'two', 'root_session': 'walk'}, "'two' is taken by"),
        ({'run_id': 'walk/two'}, 'inputs of the run are damaged'),
    ],
)
def test_a_run_that_cannot_go_on_is_refused_at_once(places, fields, text):
    for session in ('walk', 'jump'):
        folder = RunFolder(places.runs_dir / session / 'two')
        folder.path.mkdir(parents=True, exist_ok=True)
        folder.write_inputs({'inputs': {}})
        (folder.path / 'config.yaml').touch()
    with pytest.raises(TaskError) as error:
        TrainingTask(TrainingRequest(**fields), places, lambda: 7)
    assert error.value.problem is Problem.INVALID_CONFIG
    message = str(error.value)
    assert text in message and '\n' not in message


@pytest.mark.parametrize(
    ('error', 'problem', 'text'),
    [
        (OSError(36, 'File name too long', 'x'), Problem.UNKNOWN, 'x: File name too long'),
        (ConfigError('seed is -1'), Problem.INVALID_CONFIG, 'seed is -1'),
        (KeyError('rules'), Problem.UNKNOWN, "fault: KeyError: 'rules'"),
        (TaskError(Problem.BUSY, 'busy'), Problem.BUSY, 'busy'),
    ],
)
def test_whatever_a_request_meets_refuses_it(error, problem, text):
    with pytest.raises(TaskError) as caught, refused_by():
        raise error
    assert caught.value.problem is problem
    assert str(caught.value).startswith(text)


def test_an_evaluation_that_is_stopped_leaves_nothing(runner, places):
    outcome(runner, task(places, 'stopping.max_samples=40', run_id='measured'))
    request = EvaluationRequest(session='walk', checkpoint='walk/measured/checkpoints/best')
    work = EvaluationTask(request, places)
    told = []

    class Stopper:
        title = 'stopping itself'
        failed = work.failed

        def run(self, job):
            tell = job.tell

            def tell_and_stop(**changes):
                tell(**changes)
                told.append(job.report)
                if changes.get('done'):
                    job.stop()

            job.tell = tell_and_stop
            return work.run(job)

    result = outcome(runner, Stopper())
    assert result.stopped and 'stopped on request' in result.message
    assert told[-1].done > 0 and told[-1].mean_loss > 0
    assert not (places.runs_dir / 'walk' / 'measured' / 'evaluations').exists()


@pytest.mark.parametrize(
    ('error', 'problem'),
    [
        (NonFiniteLossError('nan'), Problem.DIVERGED),
        (torch.OutOfMemoryError('full'), Problem.OUT_OF_MEMORY),
        (RuntimeError('DefaultCPUAllocator: full'), Problem.OUT_OF_MEMORY),
        (ZeroDivisionError('oh'), Problem.UNKNOWN),
    ],
)
def test_every_end_of_a_training_has_its_code(runner, places, monkeypatch, error, problem):
    def broken(self, batch):
        raise error

    monkeypatch.setattr(Learner, 'train_step', broken)
    result = outcome(runner, task(places))
    assert result.problem is problem and '\n' not in result.message and result.message


@pytest.mark.parametrize(
    ('overrides', 'fields', 'problem', 'text'),
    [
        (('optimizer.learning_rat=1',), {}, 'INVALID_CONFIG', 'optimizer.learning_rate'),
        (('preset=base',), {}, 'INVALID_CONFIG', 'exclude each other'),
        (('preset=huge',), {'config_path': ''}, 'INVALID_CONFIG', 'huge'),
        ((), {'config_path': '../x'}, 'INVALID_CONFIG', 'without ".."'),
        ((), {'run_id': '../x'}, 'INVALID_CONFIG', 'plain name'),
        ((), {'root_session': 'none'}, 'INVALID_SESSION', "'none' is not in"),
        ((), {'root_session': '/etc'}, 'INVALID_SESSION', 'relative name'),
        ((), {'root_session': ''}, 'INVALID_SESSION', 'name root_session'),
        ((), {'checkpoint': '../x'}, 'INCOMPATIBLE_CHECKPOINT', 'without ".."'),
    ],
)
def test_what_cannot_be_is_refused_at_once(places, overrides, fields, problem, text):
    with pytest.raises(TaskError) as error:
        task(places, *overrides, **fields)
    assert error.value.problem is Problem[problem] and text in str(error.value)

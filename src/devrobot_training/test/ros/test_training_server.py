"""The training server as its clients see it: actions, services and topics over DDS."""

import json
import math
from pathlib import Path

from action_msgs.msg import GoalStatus
from devrobot_interfaces.action import Evaluate, Train
from devrobot_interfaces.msg import EvaluationSummary, TrainingMetrics
from devrobot_interfaces.srv import GetTrainingStatus, StartEvaluation, StartTraining
from devrobot_interfaces_py import qos, topics
from devrobot_interfaces_py.wiring import ACTIONS, SERVICES, TOPICS
from devrobot_training.fit.run_folder import LAST, METRICS, RunFolder
from devrobot_world_model.learning.restoring import load_model
import pytest
from rclpy.action import get_action_server_names_and_types_by_node
from std_srvs.srv import Trigger
from training_graph import ENDLESS, NAMESPACE

SUCCEEDED, CANCELED, ABORTED = (
    getattr(GoalStatus, f'STATUS_{name}') for name in ('SUCCEEDED', 'CANCELED', 'ABORTED')
)
SMALL_GOAL = {'root_session': 'walk', 'config_path': 'small.yaml'}
EVALUATION = {'session': 'walk', 'checkpoint': 'walk/whole/checkpoints/best'}
SHORT = ['stopping.max_samples=80']


def train(client, **goal):
    return client.send(Train, topics.TRAINING_TRAIN, **{**SMALL_GOAL, **goal})


def start(client, **request):
    return client.call(StartTraining, topics.TRAINING_START, **{**SMALL_GOAL, **request})


def status(client):
    return client.call(GetTrainingStatus, topics.TRAINING_STATUS)


def ended(client):
    """Return the status of the job that was running, when it has ended."""
    newest = []

    def look():
        newest[:] = [status(client)]
        return not newest[0].active

    client.wait(look, 'the job to end')
    return newest[0]


def test_a_training_is_followed_to_its_report(client, server, settings):
    metrics = client.listen(TrainingMetrics, topics.TRAINING_METRICS, qos.RESULTS)
    goal = train(client, run_id='monday', overrides=['stopping.max_samples=400'])
    state, result = client.result(goal)
    assert (state, result.error_code, result.error_msg) == (SUCCEEDED, 0, '')
    run = Path(settings['runs_dir']) / 'walk' / 'monday'
    assert Path(result.report_path) == run / 'report.html' and (run / 'report.html').is_file()
    assert json.loads((run / 'summary.json').read_text())['samples'] == 400
    best = result.best_checkpoint
    assert (best.name, best.run_id) == ('walk/monday/checkpoints/best', 'monday')
    load_model(Path(best.path).parent, Path(best.path).name, 'cpu')
    last = goal.feedback[-1]
    assert (last.progress, last.stage_count, last.metrics.samples_seen) == (1.0, 0, 400)
    assert last.activity.startswith('ended: ') and math.isfinite(last.metrics.train_loss)
    client.wait(lambda: metrics and metrics[-1].samples_seen == 400, 'the metrics of the end')
    assert metrics[-1].run_id == 'monday' and metrics[-1].header.stamp.sec > 0


def test_a_staged_training_tells_its_stages(client, server, settings):
    staged = ['staged=true', 'sweep.when=off', 'baseline=false', 'splits.first_size=30']
    goal = train(client, run_id='night', overrides=[*staged, *SHORT])
    state, result = client.result(goal)
    assert (state, result.error_msg) == (SUCCEEDED, '')
    run = Path(settings['runs_dir']) / 'walk' / 'night'
    stages = json.loads((run / 'summary.json').read_text())['stages']
    told = [(f.metrics.stage, f.stage_count) for f in goal.feedback if f.metrics.stage]
    assert sorted(set(told)) == [(s['number'], len(stages)) for s in stages]
    assert len(stages) == 2 and told == sorted(told)
    assert result.best_checkpoint.name == 'walk/night/checkpoints/best'
    assert result.report_path == str(run / 'report.html') and Path(result.report_path).is_file()


def test_what_was_measured_is_told_to_those_who_come_later(client, server):
    assert start(client, run_id='short', overrides=SHORT).success
    found = ended(client)
    assert (found.error_code, found.error_msg) == (0, '')
    summaries = client.listen(EvaluationSummary, topics.TRAINING_EVALUATION, qos.LATCHED)
    client.wait(lambda: summaries, 'what was measured')
    assert summaries == [found.evaluation]
    assert found.evaluation.checkpoint_name == 'walk/short/checkpoints/best'
    assert found.evaluation.count > 0 and math.isfinite(found.evaluation.mean)
    assert list(found.evaluation.percentiles) == [1, 5, 25, 50, 75, 95, 99]


def test_a_second_job_is_refused_while_one_runs(client, server):
    goal = train(client, run_id='first', overrides=ENDLESS)
    client.wait_for_steps(goal)
    assert train(client).handle is None
    assert client.send(Evaluate, topics.TRAINING_EVALUATE, **EVALUATION).handle is None
    for answer in (
        start(client),
        client.call(StartEvaluation, topics.TRAINING_START_EVALUATION, **EVALUATION),
    ):
        assert not answer.success
        assert answer.message == (
            'busy with the training of walk, run first: stop it first, or wait'
        )
    assert status(client).active
    assert client.call(Trigger, topics.TRAINING_STOP).success
    state, result = client.result(goal)
    assert (state, result.error_code) == (ABORTED, 0) and 'stopped on request' in result.error_msg
    again = train(client, overrides=SHORT)
    assert client.result(again)[0] == SUCCEEDED


def steps_of(run):
    rows = map(json.loads, (run / METRICS).read_text().splitlines())
    return [row['step'] for row in rows if row['kind'] == 'batch']


def test_a_cancelled_training_goes_on_by_its_run_id(client, server, settings):
    goal = train(client, run_id='long', overrides=ENDLESS)
    client.wait_for_steps(goal)
    assert client.cancel(goal)
    state, result = client.result(goal)
    assert (state, result.error_code) == (CANCELED, 0) and 'goes on' in result.error_msg
    run = RunFolder(Path(settings['runs_dir']) / 'walk' / 'long')
    before = steps_of(run.path)
    assert run.target(LAST) == f'step_{before[-1]:09d}'

    limit = 4 * (before[-1] + 20)
    goal = client.send(
        Train,
        topics.TRAINING_TRAIN,
        run_id='long',
        overrides=[f'stopping.max_samples={limit}'],
    )
    state, result = client.result(goal)
    assert (state, result.error_msg) == (SUCCEEDED, '')
    assert steps_of(run.path) == list(range(1, before[-1] + 21)), 'each step once, none left out'
    assert goal.feedback[-1].metrics.samples_seen == limit
    assert 'resumed' in (run.path / 'events.log').read_text()
    assert Path(result.report_path).is_file()


def test_a_cancel_of_what_has_ended_changes_nothing(client, server):
    goal = train(client, overrides=SHORT)
    assert client.result(goal)[0] == SUCCEEDED
    running = train(client, overrides=ENDLESS)
    assert not client.cancel(goal)
    client.wait_for_steps(running)
    assert status(client).active


@pytest.mark.parametrize(
    ('goal', 'code', 'text'),
    [
        ({'overrides': ['fit.batch_siz=2']}, Train.Result.INVALID_CONFIG, 'fit.batch_size'),
        ({'overrides': ['device=cuda:9']}, Train.Result.INVALID_CONFIG, 'cuda:9'),
        ({'root_session': 'none'}, Train.Result.INVALID_SESSION, "'none' is not in"),
        ({'root_session': 'empty'}, Train.Result.INVALID_SESSION, 'empty'),
        ({'root_session': '', 'run_id': 'x'}, Train.Result.INVALID_CONFIG, "'x' is of no run"),
        ({'overrides': ['staged=maybe']}, Train.Result.INVALID_CONFIG, "staged is 'maybe'"),
        ({'overrides': ['staged']}, Train.Result.INVALID_CONFIG, 'must look like staged=VALUE'),
        ({'run_id': 'x' * 300}, Train.Result.INVALID_CONFIG, 'at most 100'),
        ({'root_session': 'x' * 300}, Train.Result.INVALID_SESSION, 'File name too long'),
        ({'checkpoint': '/etc'}, Train.Result.INCOMPATIBLE_CHECKPOINT, 'relative name'),
        ({'checkpoint': 'bad'}, Train.Result.INCOMPATIBLE_CHECKPOINT, 'bad'),
    ],
)
def test_a_training_that_cannot_be_has_its_code(client, server, settings, goal, code, text):
    broken_things(settings)
    state, result = client.result(train(client, **goal))
    assert (state, result.error_code) == (ABORTED, code)
    assert text in result.error_msg and '\n' not in result.error_msg
    assert not list(Path(settings['runs_dir']).glob('*/*')), 'no run that never began'
    answer = start(client, **goal)
    assert not answer.success or ended(client).error_code == code
    assert text in (answer.message or status(client).error_msg)


@pytest.mark.parametrize(
    ('goal', 'code', 'text'),
    [
        ({'session': 'none'}, Evaluate.Result.INVALID_SESSION, "'none' is not in"),
        ({'session': 'empty'}, Evaluate.Result.INVALID_SESSION, 'empty'),
        ({'checkpoint': 'none'}, Evaluate.Result.INCOMPATIBLE_CHECKPOINT, "'none' is not in"),
        ({'checkpoint': 'bad'}, Evaluate.Result.INCOMPATIBLE_CHECKPOINT, 'bad'),
        ({'session': 'x' * 300}, Evaluate.Result.INVALID_SESSION, 'File name too long'),
        ({'stride': 0}, Evaluate.Result.UNKNOWN, 'stride is 0'),
    ],
)
def test_an_evaluation_that_cannot_be_has_its_code(client, server, settings, goal, code, text):
    broken_things(settings)
    sent = client.send(Evaluate, topics.TRAINING_EVALUATE, **{**EVALUATION, **goal})
    state, result = client.result(sent)
    assert (state, result.error_code) == (ABORTED, code)
    assert text in result.error_msg and '\n' not in result.error_msg
    assert (result.summary.count, result.report_path) == (0, '')
    assert math.isnan(result.summary.mean)


def broken_things(settings):
    """Make a session without a bag, and a checkpoint without weights."""
    (Path(settings['sessions_dir']) / 'empty').mkdir(exist_ok=True)
    (Path(settings['checkpoints_dir']) / 'bad').mkdir(exist_ok=True)


def test_a_checkpoint_is_measured_beside_its_run(client, server, settings):
    goal = client.send(Evaluate, topics.TRAINING_EVALUATE, **EVALUATION, stride=2)
    state, result = client.result(goal)
    assert (state, result.error_code, result.error_msg) == (SUCCEEDED, 0, '')
    folder = Path(settings['checkpoints_dir']) / 'walk/whole/evaluations/best/walk'
    assert (
        Path(result.report_path) == folder / 'report.html' and (folder / 'report.html').is_file()
    )
    measured = json.loads((folder / 'evaluation.json').read_text())
    assert (measured['stride'], measured['count']) == (2, result.summary.count)
    assert result.summary.mean == pytest.approx(measured['hybrid'])
    assert result.summary.baseline_mean == pytest.approx(measured['hybrid_copy_last'])
    last = goal.feedback[-1]
    assert last.frames_done == last.frames_total > result.summary.count, 'with its rollouts'
    assert last.running_mean == pytest.approx(result.summary.mean)


def test_an_evaluation_that_a_service_began_is_in_the_status(client, server):
    answer = client.call(StartEvaluation, topics.TRAINING_START_EVALUATION, **EVALUATION)
    assert (answer.success, answer.message) == (True, '')
    found = ended(client)
    assert found.job == 'evaluation of walk/whole/checkpoints/best on walk'
    assert (found.error_code, found.error_msg, found.activity) == (0, '', 'ended')
    assert found.evaluation.count > 0
    assert found.best_checkpoint.name == 'walk/whole/checkpoints/best'
    assert Path(found.report_path).is_file()


def test_a_training_that_a_service_began_is_watched_and_stopped(client, server, settings):
    answer = start(client, overrides=ENDLESS)
    assert (answer.success, answer.message) == (True, '') and answer.run_id
    client.wait(lambda: status(client).metrics.optimizer_step > 0, 'a step')
    found = status(client)
    assert found.active and found.job == f'training of walk, run {answer.run_id}'
    assert (found.activity, found.metrics.run_id) == ('training', answer.run_id)
    stopped = client.call(Trigger, topics.TRAINING_STOP)
    assert (stopped.success, stopped.message) == (True, f'stopping the {found.job}')
    found = ended(client)
    assert found.error_code == 0 and answer.run_id in found.error_msg
    assert found.activity == 'ended: stopped on request'
    assert found.best_checkpoint.name.startswith(f'walk/{answer.run_id}/checkpoints/')
    assert RunFolder(Path(settings['runs_dir']) / 'walk' / answer.run_id).target(LAST)


def test_the_node_offers_what_the_wiring_says(client, server):
    node = (topics.TRAINING_NODE, NAMESPACE)
    client.wait(lambda: node in client.node.get_node_names_and_namespaces(), 'the node')

    def offered():
        found = (
            client.node.get_publisher_names_and_types_by_node(*node),
            client.node.get_service_names_and_types_by_node(*node),
            get_action_server_names_and_types_by_node(client.node, *node),
        )
        return {
            (name.removeprefix(f'{NAMESPACE}/'), kind)
            for entries in found
            for name, (kind, *_) in entries
        }

    said = (item for item in (*TOPICS, *SERVICES, *ACTIONS) if item.owner == topics.TRAINING_NODE)
    wanted = {(item.name, item.type) for item in said}
    assert len(wanted) == 8
    client.wait(lambda: wanted <= offered(), f'{wanted} to be offered')


def test_without_any_job_the_status_says_so(client, server):
    found = status(client)
    assert (found.active, found.job, found.activity, found.error_code) == (False, '', '', 0)
    assert (found.evaluation.count, found.best_checkpoint.name, found.report_path) == (0, '', '')
    unmeasured = (
        *(found.progress, found.metrics.train_loss, found.evaluation.mean),
        found.best_checkpoint.validation_loss,
    )
    assert all(map(math.isnan, unmeasured))
    answer = client.call(Trigger, topics.TRAINING_STOP)
    assert (answer.success, answer.message) == (False, 'nothing is running')

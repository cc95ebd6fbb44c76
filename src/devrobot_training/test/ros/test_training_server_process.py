"""The training server as a process: how it ends while a job runs."""

import os
from pathlib import Path
import signal
import subprocess
import sys
import time

from action_msgs.msg import GoalStatus
from devrobot_interfaces.action import Train
from devrobot_interfaces.srv import StartTraining
from devrobot_interfaces_py import topics
from devrobot_training.cli import train as command
from devrobot_training.fit.run_folder import LAST, RunFolder
import pytest
from training_graph import ENDLESS, NAMESPACE

MAIN = 'from devrobot_training.nodes.training_server import main; main()'
START_DEADLINE_S = 90.0  # torch is read anew, maybe on a machine that has much to do
GOAL = {'root_session': 'walk', 'config_path': 'small.yaml', 'run_id': 'long'}


class Process:
    """A server that was started; whatever it says goes to a file."""

    def __init__(self, log: Path, parameters: dict[str, object]) -> None:
        self._log = log
        pairs = [word for name, v in parameters.items() for word in ('-p', f'{name}:={v}')]
        with log.open('w') as output:
            self.process = subprocess.Popen(
                [sys.executable, '-c', MAIN] + ['--ros-args', '-r', f'__ns:={NAMESPACE}', *pairs],
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, 'ROS_DOMAIN_ID': os.environ.get('ROS_DOMAIN_ID', '47')},
            )

    @property
    def said(self) -> str:
        return self._log.read_text()

    def wait_until_ready(self) -> None:
        end = time.monotonic() + START_DEADLINE_S
        while 'is ready' not in self.said:
            assert self.process.poll() is None and time.monotonic() < end, self.said
            time.sleep(0.05)

    def wait(self) -> int:
        return self.process.wait(START_DEADLINE_S)


@pytest.fixture
def start(client, settings, tmp_path):
    """Start the server; settings given here come after those of all tests."""
    running = []

    def run(**changes: object) -> Process:
        running.append(Process(tmp_path / 'log', {**settings, **changes}))
        return running[-1]

    yield run
    for started in running:
        if started.process.poll() is None:
            started.process.kill()
            started.process.wait()


def run_of(settings) -> RunFolder:
    return RunFolder(Path(settings['runs_dir']) / 'walk' / 'long')


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_training_resumable_and_tells_who_follows(
    client, start, settings, number
):
    server = start()
    server.wait_until_ready()
    goal = client.send(Train, topics.TRAINING_TRAIN, **GOAL, overrides=ENDLESS)
    client.wait_for_steps(goal)
    server.process.send_signal(number)
    server.process.send_signal(signal.SIGINT)  # a terminal and a launch file may both send one
    state, result = client.result(goal)
    assert (state, result.error_code) == (GoalStatus.STATUS_ABORTED, 0)
    assert 'goes on' in result.error_msg
    assert server.wait() == 0 and 'Traceback' not in server.said, server.said
    run = run_of(settings)
    step = int(run.target(LAST).removeprefix('step_'))
    limit = f'{4 * (step + 5)}'
    with pytest.raises(SystemExit) as end:
        command.main(['--resume', str(run.path), '--stopping.max-samples', limit, '--quiet'])
    assert end.value.code == 0 and run.target(LAST) == f'step_{step + 5:09d}'


def test_a_job_that_does_not_stop_in_time_is_left(client, start, settings):
    server = start(stop_timeout='0.0')
    server.wait_until_ready()
    client.call(StartTraining, topics.TRAINING_START, **GOAL, overrides=ENDLESS)
    client.wait(lambda: run_of(settings).path.is_dir(), 'the run')
    server.process.send_signal(signal.SIGTERM)
    assert server.wait() == 1 and 'did not stop within 0 s' in server.said, server.said

"""The installed program: what a user starts, and how it ends."""

import os
from pathlib import Path
import signal
import subprocess
import sys

from devrobot_interfaces.msg import TrainingMetrics
from devrobot_interfaces_py import qos, topics
from devrobot_world_model.checkpoints import list_checkpoints
import pytest
from std_srvs.srv import Trigger

DEADLINE_S = 30.0
PROGRAM = [sys.executable, '-m', 'devrobot_world_model.nodes.world_model_node']


@pytest.fixture
def start(tmp_path):
    running = []

    def run(*parameters):
        arguments = ['--ros-args', '-r', '__ns:=/toroidal_dot']
        for parameter in parameters:
            arguments += ['-p', parameter]
        log = (tmp_path / 'log').open('w')
        environment = os.environ | {
            'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST',
            'ROS_DOMAIN_ID': os.environ.get('ROS_DOMAIN_ID', '46'),
            'ROS_LOG_DIR': str(tmp_path / 'ros'),
        }
        process = subprocess.Popen(
            [*PROGRAM, *arguments], stdout=log, stderr=subprocess.STDOUT, env=environment,
            cwd=tmp_path,
        )  # fmt: skip
        running.append(process)
        return process, Path(log.name)

    yield run
    for process in running:
        if process.poll() is None:
            process.kill()
            process.wait()


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_program_cleanly(stage, start, number):
    process, log = start('preset:=tiny')
    client = stage.probe.create_client(Trigger, 'world_model/reset_history')
    stage.wait(client.service_is_ready, 'the program to be configured')
    # a terminal sends one to everybody, a launch file another one to its nodes
    process.send_signal(number)
    process.send_signal(signal.SIGINT)
    assert process.wait(DEADLINE_S) == 0, log.read_text()
    assert 'Traceback' not in log.read_text()


def test_a_signal_in_the_middle_of_learning_saves_what_was_learned(stage, start, tmp_path):
    small = [f'{name}:={value}' for name, value in stage.small.items()]
    process, log = start(*small, 'checkpoint_on_deactivate:=true')
    robot = stage.appear()
    metrics = []
    stage.probe.create_subscription(
        TrainingMetrics, topics.WORLD_MODEL_TRAINING_METRICS, metrics.append, qos.RESULTS
    )

    def learned():
        if not metrics:
            robot.show()
            robot.act(1, 1, 1)
        return metrics

    stage.wait(learned, 'a training step')
    robot.act(*[1] * 30)
    process.send_signal(signal.SIGTERM)
    assert process.wait(DEADLINE_S) == 0, log.read_text()
    text = log.read_text()
    assert 'Traceback' not in text
    listing = list_checkpoints(tmp_path / 'saved' / 'checkpoints' / 'toroidal_dot')
    assert len(listing.checkpoints) == 1, text
    assert listing.checkpoints[0].optimizer_step >= 1


def test_a_wrong_parameter_ends_the_program_with_one_line(start):
    process, log = start('preset:=tiny', 'canvas.frame_width:=63')
    assert process.wait(DEADLINE_S) == 1
    text = log.read_text()
    assert 'Traceback' not in text
    lines = [line for line in text.splitlines() if line.strip()]
    assert len(lines) == 1, text
    assert 'canvas.frame_width must be a multiple of model.patch_size 8, got 63' in lines[0]


def test_an_unknown_preset_ends_the_program_with_the_known_ones(start):
    process, log = start('preset:=huge')
    assert process.wait(DEADLINE_S) == 1
    text = log.read_text()
    assert 'Traceback' not in text
    assert 'huge' in text
    assert 'tiny' in text

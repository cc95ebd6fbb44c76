"""The whole suite for real: driver, selector, world model, Foxglove server over DDS."""

import json
import os
from pathlib import Path
import signal
import subprocess
import sys
import time

from devrobot_interfaces_py.images import decode_compressed
from devrobot_world_model.config import preset
import pytest

#: Fast DDS repeats after 3 s what somebody has missed who was just found.
JOINS_WITHIN_S = 4.0
KEYS = {
    'seed', 'preset', 'steps', 'samples', 'wall_seconds', 'cpu_seconds', 'within_2px',
    'counterfactual_within_2px', 'seconds_to_95', 'mse', 'mse_copy_last', 'mse_black',
}  # fmt: skip


def start_demo(folder: Path, *options: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, '-m', 'devrobot_bringup.demo.cli', '--output', str(folder), *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, 'PYTHONUNBUFFERED': '1'},
    )


def processes_of_the_demo() -> list[str]:
    """Return the command lines of nodes in this test's own ROS domain."""
    own = f'ROS_DOMAIN_ID={os.environ["ROS_DOMAIN_ID"]}'.encode()
    found = []
    for entry in Path('/proc').iterdir():
        try:
            if entry.name.isdigit() and own in (entry / 'environ').read_bytes().split(b'\0'):
                command = (entry / 'cmdline').read_bytes().replace(b'\0', b' ').decode()
                is_server = 'jetbot_sim' in command or 'jetbot.server' in command
                if '__node:=' in command or 'launch' in command.split()[1:3] or is_server:
                    found.append(command)
        except (OSError, UnicodeDecodeError):
            continue
    return found


def wait_until(condition, seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


@pytest.fixture(scope='module')
def run(tmp_path_factory):
    """One short run with all processes, the Foxglove server included."""
    folder = tmp_path_factory.mktemp('demo')
    process = start_demo(
        folder, '--minutes', '0.5', '--seed', '3', '--summary', str(folder / 'out.json')
    )
    output, _ = process.communicate(timeout=150)
    assert process.returncode == 0, output
    return folder, output


def test_the_summary_has_its_keys_and_what_it_says_is_plausible(run):
    folder, _ = run
    summary = json.loads((folder / 'out.json').read_text())
    assert summary.keys() >= KEYS
    assert summary == json.loads((folder / 'summary.json').read_text())
    assert (summary['seed'], summary['preset'], summary['count']) == (3, 'tiny', 100)
    assert summary['steps'] > 100 and summary['samples'] > 100
    assert 25 < summary['wall_seconds'] < 140 and summary['cpu_seconds'] > 5
    assert 0 < summary['mse_black'] < 0.01 and summary['mse_copy_last'] > 0


def test_predictions_are_published_before_their_frames(run):
    summary = json.loads((run[0] / 'summary.json').read_text())
    # a loaded machine may be late now and then; a model that looks first is late always
    assert summary['late_predictions'] < 0.5 * summary['predictions']


def test_the_model_learns_while_the_robot_acts(run):
    log = (run[0] / 'nodes.log').read_text()
    summary = json.loads((run[0] / 'summary.json').read_text())
    assert 'Traceback' not in log, log[-3000:]
    # one step per action at most, each with a batch of the preset's size at most; the demo may
    # have joined some seconds later than the model
    batch = preset(summary['preset']).online.batch_size
    missed = JOINS_WITHIN_S * summary['steps'] / summary['acting_seconds']
    assert summary['samples'] <= batch * (summary['steps'] + missed)


def test_the_picture_is_there_and_the_terminal_says_where(run):
    folder, output = run
    image = decode_compressed((folder / 'picture.png').read_bytes(), 'png')
    assert image.shape[1] > 800
    assert str(folder / 'picture.png') in output
    assert 'ws://127.0.0.1:' in output and 'foxglove/devrobot.json' in output
    assert 'actions/s' in output and 'copy-last' in output


def test_the_layout_that_the_demo_names_exists(run):
    named = [line.strip() for line in run[1].splitlines() if line.endswith('devrobot.json')]
    assert json.loads(Path(named[0]).read_text())['configById']


def test_no_process_is_left_behind(run):
    assert processes_of_the_demo() == []


def test_the_simulated_jetbot_is_driven_seen_and_predicted(tmp_path):
    process = start_demo(
        tmp_path, '--robot', 'jetbot-sim', '--minutes', '0.3', '--seed', '3', '--no-foxglove'
    )
    output, _ = process.communicate(timeout=150)
    assert process.returncode == 0, output
    summary = json.loads((tmp_path / 'summary.json').read_text())
    assert (summary['robot'], summary['seed'], summary['interrupted']) == ('jetbot-sim', 3, False)
    assert summary['steps'] > summary['predictions'] > 5 and summary['samples'] > 5
    # The picture changes with the motion: a copy of the last frame is not the next one.
    assert summary['mse_copy_last'] > 0.001
    assert summary['mse'] > 0
    log = (tmp_path / 'nodes.log').read_text()
    assert 'Traceback' not in log and '[ERROR]' not in log, log
    assert (tmp_path / 'picture.png').exists()
    assert ' % above copy-last' in output or ' % below copy-last' in output
    assert processes_of_the_demo() == []


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_demo_with_summary_and_picture(tmp_path, number):
    process = start_demo(tmp_path, '--minutes', '5', '--no-foxglove')
    try:
        lines = iter(process.stdout.readline, '')
        wait_until(lambda: ' samples/s' in next(lines), 60, 'the demo showed no action')
        wait_until(lambda: 'dot  ' in next(lines), 60, 'the demo showed no prediction')
        process.send_signal(number)
        output, _ = process.communicate(timeout=60)
    finally:
        if process.poll() is None:
            process.kill()
    assert process.returncode == 0, output
    assert json.loads((tmp_path / 'summary.json').read_text())['interrupted'] is True
    assert (tmp_path / 'picture.png').exists()
    wait_until(lambda: processes_of_the_demo() == [], 10, 'nodes were left behind')

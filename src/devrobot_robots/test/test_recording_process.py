"""Rules of the recording process: it ends with its owner, in order, whatever happens to whom."""

import os
from pathlib import Path
import signal
import subprocess
import sys
import time

from devrobot_robots.recording import guard
from devrobot_robots.recording.process import describe_exit, LAST_MESSAGES_S, RecordingProcess
import pytest

DEADLINE_S = 20.0
# Says what ends it, as a recorder would close its bag.
CLOSER = """
import signal, sys, time
def close(number, frame):
    print('closed by', signal.Signals(number).name, flush=True)
    sys.exit(0)
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, close)
print('ready', flush=True)
while True:
    time.sleep(0.01)
"""
DEAF = CLOSER.replace('sys.exit(0)', 'pass')


@pytest.fixture
def output(tmp_path):
    """Return the file that the commands print to."""
    path = tmp_path / 'output'
    path.touch()
    return path


@pytest.fixture
def record(output):
    """Start a Python program as a recorder; whatever still runs at the end is ended."""
    started = []

    def start(code: str, stop_timeout_s: float = DEADLINE_S) -> RecordingProcess:
        with output.open('ab') as sink:
            process = RecordingProcess(
                [sys.executable, '-c', code], output=sink.fileno(), stop_timeout_s=stop_timeout_s
            )
            process.start()
        started.append(process)
        return process

    yield start
    for process in started:
        process.stop()


def wait_for(path: Path, text: str) -> None:
    end = time.monotonic() + DEADLINE_S
    while text not in path.read_text():
        assert time.monotonic() < end, f'waited for {text!r}, got {path.read_text()!r}'
        time.sleep(0.005)


def test_stopping_lets_the_command_close_its_files(record, output):
    process = record(CLOSER)
    wait_for(output, 'ready')
    assert process.exit_code is None
    assert process.stop() == 0
    assert output.read_text() == 'ready\nclosed by SIGINT\n'


SECONDS = CLOSER.replace('signal.Signals(number).name', 'time.monotonic()')


def test_what_is_on_its_way_when_it_is_stopped_still_reaches_it(record, output):
    process = record(SECONDS)
    wait_for(output, 'ready')
    asked = time.monotonic()
    assert process.stop() == 0
    ended = float(output.read_text().split()[-1])
    assert ended >= asked + LAST_MESSAGES_S


def test_a_command_that_does_not_listen_is_killed_in_the_end(record, output, monkeypatch):
    monkeypatch.setattr('devrobot_robots.recording.process.SIGTERM_PATIENCE_S', 0.1)
    process = record(DEAF, stop_timeout_s=0.1)
    wait_for(output, 'ready')
    assert process.stop() == 128 + signal.SIGKILL
    assert output.read_text() == 'ready\nclosed by SIGINT\nclosed by SIGTERM\n'


def test_a_command_that_ends_by_itself_is_noticed(record, output):
    process = record('import os; print("no room", flush=True); os._exit(3)')
    end = time.monotonic() + DEADLINE_S
    while process.exit_code is None:
        assert time.monotonic() < end
        time.sleep(0.005)
    assert (process.exit_code, process.stop()) == (3, 3)
    assert output.read_text() == 'no room\n'


@pytest.mark.parametrize('code', [CLOSER, CLOSER.replace('sys.exit(0)', 'sys.exit(7)')])
def test_the_exit_code_is_that_of_the_command(record, output, code):
    process = record(code)
    wait_for(output, 'ready')
    assert process.stop() == (7 if '7' in code else 0)


OWNER = """
import sys, os
from devrobot_robots.recording.process import RecordingProcess
process = RecordingProcess(sys.argv[2:], output=os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND),
                           stop_timeout_s=20.0)
process.start()
sys.stdin.read()
"""


def test_the_command_closes_its_files_when_its_owner_is_killed(output):
    owner = subprocess.Popen(
        [sys.executable, '-c', OWNER, str(output), sys.executable, '-c', CLOSER],
        stdin=subprocess.PIPE,
        env={**os.environ, 'PYTHONPATH': os.pathsep.join(sys.path)},
    )
    wait_for(output, 'ready')
    owner.kill()
    owner.communicate()
    wait_for(output, 'closed by SIGINT')


@pytest.mark.parametrize('number', [signal.SIGKILL, signal.SIGTERM])
def test_the_command_closes_its_files_when_its_guard_is_ended(output, number):
    with output.open('ab') as sink:
        watching = subprocess.Popen(
            [sys.executable, guard.__file__, '0', '20', '20', sys.executable, '-c', CLOSER],
            stdin=subprocess.PIPE,
            stdout=sink,
        )
    wait_for(output, 'ready')
    watching.send_signal(number)
    wait_for(output, 'closed by SIGINT')
    watching.communicate()


def test_exit_codes_are_told_in_words():
    assert describe_exit(137) == 'SIGKILL'
    assert describe_exit(3) == 'exit code 3'
    assert describe_exit(0) == 'exit code 0'

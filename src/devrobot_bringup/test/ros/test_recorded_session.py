"""A running robot is recorded with ``ros2 bag record``, opened, and replayed, all over DDS."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
import os
from pathlib import Path
import re
import signal
import subprocess
import time

from devrobot_training.sessions.opening import open_session
from devrobot_training.sessions.session import Session
import numpy as np
import pytest

ACTIONS = 60
# May be missing at the begin, while connections are made, and at the end, on their way.
BORDER = 5
STEP_PX = 13
NAMESPACE = '/toroidal_dot'
LOGGED = re.compile(
    r'action event (?P<sequence>\d+) (?P<phase>[A-Z]+) action (?P<action>\d+) '
    r'stamp_ns (?P<stamp>\d+)'
)


@contextmanager
def running(folder: Path, name: str, *command: str) -> Iterator[subprocess.Popen]:
    """Run a command whose output goes to ``<name>.log``; end it with SIGINT."""
    with (folder / f'{name}.log').open('wb') as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=folder,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            finish(process)


def finish(process: subprocess.Popen) -> int:
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return process.returncode


def wait_until(condition: Callable[[], object], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f'waited {seconds:.0f} s for {what}'
        time.sleep(0.05)


def text(folder: Path, name: str) -> str:
    path = folder / f'{name}.log'
    return path.read_text(errors='replace') if path.exists() else ''


def logged_events(folder: Path) -> list[tuple[int, str, int, int]]:
    """Return what the driver itself wrote down: sequence, phase, action, stamp."""
    return [
        (int(m['sequence']), m['phase'], int(m['action']), int(m['stamp']))
        for m in LOGGED.finditer(text(folder, 'robot'))
    ]


def finished_count(folder: Path, since_ns: int) -> int:
    """Count by stamps: on a busy computer, the log of the launch is behind the robot."""
    return sum(
        phase == 'FINISHED' and stamp > since_ns for _, phase, _, stamp in logged_events(folder)
    )


def hears(folder: Path, *topics: str) -> bool:
    """Tell whether the recorder has subscribed to these topics."""
    said = text(folder, 'record')
    return all(f"topic '{NAMESPACE}/{topic}'" in said for topic in topics)


@pytest.fixture(scope='module')
def recorded(tmp_path_factory) -> tuple[Path, Path]:
    """The folder of the logs, and the bag of some seconds of the demo's robot."""
    folder = tmp_path_factory.mktemp('recorded')
    bag = folder / 'bag'
    launch = ('ros2', 'launch', 'devrobot_bringup', 'toroidal_dot.launch.py')
    options = ('foxglove:=false', 'log_level:=debug', 'seed:=3')
    with (
        running(folder, 'robot', *launch, *options) as robot,
        running(folder, 'record', 'ros2', 'bag', 'record', '-a', '-o', str(bag)) as recorder,
    ):
        wait_until(
            lambda: hears(folder, 'image_raw', 'action_events', 'action_space', 'session_info'),
            60,
            'topics',
        )
        begin_ns = time.time_ns()
        count = ACTIONS + BORDER
        wait_until(lambda: finished_count(folder, begin_ns) > count, 120, f'{count} actions')
        assert recorder.poll() is None and robot.poll() is None, text(folder, 'robot')[-2000:]
        assert finish(recorder) == 0, text(folder, 'record')
    return folder, bag


@pytest.fixture(scope='module')
def session(recorded) -> Session:
    return open_session(recorded[1])


def test_transitions_are_those_of_the_drivers_own_log_one_for_one(recorded, session):
    log = {(s, phase): (action, stamp) for s, phase, action, stamp in logged_events(recorded[0])}
    first, last = int(session.transitions['sequence'][0]), int(session.transitions['sequence'][-1])
    expected = [
        (sequence, *log[sequence, 'STARTED'], log[sequence, 'FINISHED'][1])
        for sequence in range(first, last + 1)
        if (sequence, 'FINISHED') in log  # a reset has a number, too
    ]
    found = session.transitions[['sequence', 'action', 'start_ns', 'finish_ns']].tolist()
    assert found == expected
    assert len(found) >= ACTIONS
    resets = {sequence for sequence, phase, _, _ in logged_events(recorded[0]) if phase == 'RESET'}
    assert len(resets & set(range(first, last))) > 0, 'the demo sets its robot anew'


def test_the_frames_show_what_the_actions_did(session):
    width = session.frames.shape[2]
    for transition in session.transitions:
        before, after = (
            column_of_the_dot(session.frames[transition[which]]) for which in ('before', 'after')
        )
        moved = (after - before + width / 2) % width - width / 2
        assert moved == pytest.approx(STEP_PX * transition['action'], abs=0.5)


def column_of_the_dot(image: np.ndarray) -> float:
    """Return the centre column of the bright pixels, around the seam of the torus."""
    columns = np.flatnonzero(image.max(axis=(0, 2)) > 127)
    angles = 2 * np.pi * columns / image.shape[1]
    mean = np.angle(np.exp(1j * angles).mean())
    return float(mean / (2 * np.pi) * image.shape[1])


def test_chains_end_where_the_robot_was_set_anew(recorded, session):
    resets = [s for s, phase, _, _ in logged_events(recorded[0]) if phase == 'RESET']
    sequences, chains = session.transitions['sequence'], session.transitions['chain']
    for reset in resets:
        before, after = chains[sequences < reset], chains[sequences > reset]
        assert not set(before) & set(after)


def test_a_replay_is_recorded_as_the_same_session(recorded, session):
    folder, bag = recorded
    again = folder / 'again'
    topics = [f'/again/{name}' for name in ('image_raw', 'action_events', 'action_space',
                                            'session_info')]  # fmt: skip
    launch = ('ros2', 'launch', 'devrobot_bringup', 'replay.launch.py', f'bag:={bag}')
    options = ('namespace:=again', 'pace:=fast', 'foxglove:=false', 'start_delay:=8.0')
    with (
        running(folder, 'record_again', 'ros2', 'bag', 'record', '-o', str(again), *topics) as rec,
        running(folder, 'replay', *launch, *options) as replay,
    ):
        wait_until(lambda: replay.poll() is not None or 'replayed' in text(folder, 'replay'), 120,
                   'the end of the replay')  # fmt: skip
        assert finish(rec) == 0
    assert (again / 'metadata.yaml').exists(), text(folder, 'record_again')
    second = open_session(again)
    columns = ['sequence', 'action', 'start_ns', 'finish_ns', 'before', 'after', 'chain']
    assert second.transitions[columns].tolist() == session.transitions[columns].tolist()
    assert np.array_equal(second.frames, session.frames)
    assert second.action_space.digest == session.action_space.digest

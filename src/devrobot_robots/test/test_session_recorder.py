"""Rules of the recorder when ``ros2 bag record`` does not do what it should."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
import stat
import sys
import time
from typing import Any

from devrobot_interfaces_py.actions import SessionInfo
from devrobot_robots.recording.config import GIGABYTE, RecorderConfig
from devrobot_robots.recording.recorder import RecordingError, RecordingRequest, SessionRecorder
import pytest

DEADLINE_S = 20.0
SESSION = SessionInfo(
    session_id='walk',
    robot_name='bot',
    robot_type='toroidal_dot',
    action_space_digest='0' * 16,
    image_topics=('/bot/image_raw',),
)
# Stands for the recorder that a machine happens to have; each test gives it one habit.
RECORD = """#!{python}
import pathlib, signal, sys, time
bag = pathlib.Path(sys.argv[sys.argv.index('--output') + 1])
stop = []
signal.signal(signal.SIGINT, lambda *_: stop.append(1))
{habit}
bag.mkdir()
(bag / 'x_0.mcap').write_bytes(bytes({size}))
while not stop:
    time.sleep(0.005)
(bag / 'metadata.yaml').touch()
"""


class Clock:
    """Runs as the real one does, and further when a test says so."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def now(self) -> float:
        return time.monotonic() + self.ahead

    def sleep(self, seconds: float) -> None:
        time.sleep(min(seconds, 0.005))


class Log:
    """What the recorder told."""

    def __init__(self) -> None:
        self.warnings: list[str] = []
        self.errors: list[str] = []
        self.infos: list[str] = []
        self.info, self.warning, self.error = (
            lines.append for lines in (self.infos, self.warnings, self.errors)
        )


class Bench:
    """A recorder, and a ``ros2`` with a habit."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.clock, self.log = Clock(), Log()
        self.stopping = False
        self.listening = True
        self.config = RecorderConfig(
            sessions_dir=root / 'sessions', min_free_gb=0.0, start_timeout=DEADLINE_S
        )
        self.recorder = SessionRecorder(
            clock=self.clock, log=self.log, should_stop=lambda: self.stopping
        )
        self.ros2('')

    @property
    def folder(self) -> Path:
        return self.root / 'sessions' / 'toroidal_dot'

    def ros2(self, habit: str, size: int = 1000) -> None:
        path = self.root / 'bin' / 'ros2'
        path.parent.mkdir(exist_ok=True)
        path.write_text(RECORD.format(python=sys.executable, habit=habit, size=size))
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def set(self, **settings: Any) -> None:
        self.config = replace(self.config, **settings)

    def start(self) -> Path:
        request = RecordingRequest(
            session=SESSION,
            namespace='/bot',
            node_name='recorder',
            is_listening=self._is_listening,
        )
        return self.recorder.start(request, self.config)

    def _is_listening(self, topic: str) -> bool:
        if not (self.folder / 'walk').exists():
            return False
        if not self.listening:
            self.clock.ahead += DEADLINE_S  # time goes by while nothing is heard
        return self.listening

    def end(self) -> None:
        if self.recorder.status.recording:
            self.recorder.stop(self.config)


@pytest.fixture
def bench(tmp_path, monkeypatch) -> Iterator[Bench]:
    monkeypatch.setenv('PATH', str(tmp_path / 'bin'))
    bench = Bench(tmp_path)
    yield bench
    bench.end()


def test_a_recorder_that_refuses_is_quoted_and_leaves_nothing(bench):
    bench.ros2('sys.exit("ros2 bag record: error: unrecognized arguments: --node-name")')
    with pytest.raises(RecordingError) as caught:
        bench.start()
    assert str(caught.value) == (
        'cannot record: ros2 bag record ended with exit code 1: '
        'ros2 bag record: error: unrecognized arguments: --node-name'
    )
    assert list(bench.folder.iterdir()) == []
    assert bench.recorder.status.problem == str(caught.value)


def test_a_recorder_that_makes_no_bag_is_stopped(bench):
    bench.ros2('time.sleep(600)')
    bench.set(start_timeout=0.1, stop_timeout=0.1)
    with pytest.raises(RecordingError, match=r'made no bag in 0\.1 s: nothing'):
        bench.start()
    assert list(bench.folder.iterdir()) == []


def test_waiting_for_a_recorder_ends_when_everything_ends(bench):
    bench.ros2('time.sleep(600)')
    bench.set(stop_timeout=0.1)
    bench.stopping = True
    with pytest.raises(RecordingError, match='made no bag until it was stopped'):
        bench.start()


def test_topics_that_do_not_appear_are_told_and_the_rest_is_recorded(bench):
    bench.listening = False
    bag = bench.start()
    (warning,) = bench.log.warnings
    assert warning.startswith(f'not heard of yet, so not in {bag}: /bot/image_raw, /bot/')
    assert bench.recorder.stop(bench.config).startswith(f'recorded {bag}: ')


def test_a_bag_that_was_not_closed_is_told_with_the_way_to_mend_it(bench):
    bench.ros2('signal.signal(signal.SIGINT, signal.SIG_DFL)')
    bag = bench.start()
    with pytest.raises(RecordingError) as caught:
        bench.recorder.stop(bench.config)
    assert str(caught.value).startswith(f'{bag} was not closed (')
    assert str(caught.value).endswith(f'mend it with: ros2 bag reindex {bag}')
    assert bench.log.errors == [str(caught.value)]


def test_the_budget_is_kept_while_a_recording_runs(bench):
    old = bench.folder / 'old'
    old.mkdir(parents=True)
    (old / 'x_0.mcap').write_bytes(bytes(1000))
    (old / 'metadata.yaml').touch()
    bench.set(disk_budget_gb=1500 / GIGABYTE)
    bag = bench.start()
    bench.recorder.check(bench.config)
    assert old.exists()
    bench.clock.ahead += 10.0
    bench.recorder.check(bench.config)
    assert not old.exists()
    assert bag.exists()
    assert bench.recorder.status.size_bytes == 1000
    assert bench.recorder.status.seconds >= 10.0


def test_a_session_larger_than_the_budget_is_kept_when_it_ends(bench):
    bench.set(disk_budget_gb=100 / GIGABYTE)
    bag = bench.start()
    bench.recorder.stop(bench.config)
    assert bag.exists()
    assert 'walk is just recorded' in bench.log.warnings[-1]


def test_a_problem_is_forgotten_with_the_next_recording(bench):
    bench.set(min_free_gb=1e9)
    with pytest.raises(RecordingError, match=r'less than min_free_gb 1e\+09'):
        bench.start()
    assert not bench.folder.exists()
    bench.set(min_free_gb=0.0)
    bench.start()
    assert bench.recorder.status.problem == ''
    bench.recorder.stop(bench.config)
    with pytest.raises(RecordingError, match='nothing is being recorded'):
        bench.recorder.stop(bench.config)

"""The recorder node with a real driver and a real ``ros2 bag record``."""

from collections.abc import Iterator
from contextlib import suppress
import os
from pathlib import Path
import shutil
import signal
import subprocess
import sys
from typing import Any

from devrobot_interfaces.srv import StartRecording
from devrobot_interfaces_py import qos, topics
from devrobot_interfaces_py.actions import ActionEvent, Phase
from devrobot_interfaces_py.bags import BagFrame, open_bag
from devrobot_interfaces_py.configs import ConfigError
from devrobot_robots.nodes.recorder_node import RecorderNode
from devrobot_robots.recording.claims import marker_of
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
import pytest
from rclpy.parameter import Parameter
from robots_graph import NAMESPACE, Observer, wait

DEADLINE_S = 60.0
MAIN = 'from devrobot_robots.nodes.recorder_node import main; main()'

pytestmark = pytest.mark.skipif(shutil.which('ros2') is None, reason='there is no ros2 command')


@pytest.fixture
def sessions(tmp_path: Path) -> Path:
    return tmp_path / 'saved' / 'sessions'


@pytest.fixture
def recorder(graph, sessions, monkeypatch) -> Iterator[Any]:
    """Add a recorder node to the graph; keywords are parameters."""
    monkeypatch.setenv('ROS_DOMAIN_ID', os.environ.get('ROS_DOMAIN_ID', '43'))

    def add(**settings: Any) -> RecorderNode:
        values = {'sessions_dir': str(sessions), 'min_free_gb': 0.0, **settings}
        return graph.add(
            RecorderNode(
                namespace=NAMESPACE,
                context=graph.context,
                parameter_overrides=[Parameter(n, value=v) for n, v in values.items()],
            )
        )

    return add


class Requests:
    """Calls the recorder's services when it knows the driver's session."""

    def __init__(self, graph: Any) -> None:
        self._graph = graph

    def start(self, session_id: str = '') -> Any:
        request = StartRecording.Request(session_id=session_id)
        return self._graph.call(StartRecording, topics.RECORDER_START, request)

    def start_when_known(self, session_id: str = '') -> Path:
        """Return the bag's folder, when the drivers know of the recorder."""
        answer = wait(lambda: self._heard(self.start(session_id)), 'the session to be known')
        assert answer.success, answer.message
        for driver in self._graph.drivers:
            wait_until_recorded(driver)
        return Path(answer.bag_path)

    def stop(self) -> Any:
        return self._graph.trigger(topics.RECORDER_STOP)

    @staticmethod
    def _heard(answer: Any) -> Any:
        return None if 'yet: is the driver running?' in answer.message else answer


@pytest.fixture
def requests(graph) -> Requests:
    return Requests(graph)


class Problems:
    """What the diagnostics call an error."""

    def __init__(self, graph: Any) -> None:
        self._arrived = graph.subscribe(DiagnosticArray, topics.DIAGNOSTICS, qos.DIAGNOSTICS)

    def wait_for_first(self) -> str:
        def errors() -> list[str]:
            statuses = [status for message in self._arrived for status in message.status]
            return [s.message for s in statuses if s.level == DiagnosticStatus.ERROR]

        return wait(errors, 'a problem in the diagnostics')[0]


def act(graph: Any, count: int) -> None:
    """Let the robot carry out actions, one after the other, each with its frame seen."""
    observer = Observer(graph)
    wait(lambda: graph.probe.count_publishers(topics.ACTION_EVENTS), 'the driver')
    for _ in range(count):
        known = len(observer.images)
        answer = wait(lambda: accepted(graph.execute(1)), 'an accepted action')
        observer.wait_for(Phase.FINISHED, answer.sequence)
        observer.wait_for_images(known + 1)


def accepted(answer: Any) -> Any:
    return answer if answer.result == answer.RESULT_ACCEPTED else None


def wait_until_recorded(driver: Any) -> None:
    """Wait until the driver knows of the recorder on all topics that it records."""
    raw = driver.resolve_topic_name(topics.IMAGE_RAW)
    wanted = (topics.CAMERA_INFO, topics.ACTION_EVENTS, topics.ACTION_SPACE)
    names = [driver.resolve_topic_name(name) for name in wanted]

    def known() -> bool:
        counts = {p.topic_name: p.get_subscription_count() for p in driver.publishers}
        images = counts.get(raw) or counts.get(raw + topics.COMPRESSED_SUFFIX)
        return bool(images) and all(counts.get(name) for name in names)

    wait(known, 'the driver to know of the recorder')


def read(bag: Path) -> tuple[list[BagFrame], list[ActionEvent]]:
    with open_bag(bag) as opened:
        items = list(opened.items())
    return (
        [item for item in items if isinstance(item, BagFrame)],
        [item for item in items if isinstance(item, ActionEvent)],
    )


def phases(bag: Path) -> list[str]:
    return [event.phase.name for event in read(bag)[1]]


def recording_pids(bag: Path) -> list[int]:
    """Return the processes of ``ros2 bag record`` that write this bag, without their guard."""
    found = []
    for folder in Path('/proc').glob('[0-9]*'):
        with suppress(OSError):
            words = (folder / 'cmdline').read_text().split('\0')
            if str(bag) in words and not any(word.endswith('guard.py') for word in words):
                found.append(int(folder.name))
    return found


def test_a_session_is_recorded_between_start_and_stop(graph, recorder, requests, sessions):
    recorder(autostart=False)
    graph.driver(session_id='walk')
    bag = requests.start_when_known()
    assert bag == sessions / 'toroidal_dot' / 'walk'
    act(graph, 3)
    answer = requests.stop()
    assert answer.success, answer.message
    assert answer.message.startswith(f'recorded {bag}: ')
    frames, events = read(bag)
    assert len(frames) >= 3
    assert frames[0].image().shape == (24, 40, 3)
    assert [e.phase.name for e in events] == 3 * ['ACCEPTED', 'STARTED', 'FINISHED']
    assert [path.name for path in bag.parent.iterdir()] == ['walk']
    assert recording_pids(bag) == []


def test_the_bag_knows_its_session_and_carries_camera_info(graph, recorder, requests):
    recorder(autostart=False)
    graph.driver(session_id='walk')
    bag = requests.start_when_known()
    act(graph, 1)
    assert requests.stop().success
    with open_bag(bag) as opened:
        assert opened.session_info.session_id == 'walk'
        assert opened.image_topics == ('/bot/image_raw',)
        assert len(opened.action_space) == 2
        assert opened.notes == ()
    metadata = (bag / 'metadata.yaml').read_text()
    assert 'session_id: walk' in metadata
    assert '/bot/camera_info' in metadata


def test_compressed_images_are_recorded_instead_of_raw_ones(graph, recorder, requests):
    recorder(autostart=False, images='compressed', storage='sqlite3')
    graph.driver()
    bag = requests.start_when_known()
    act(graph, 2)
    assert requests.stop().success
    with open_bag(bag) as opened:
        assert opened.image_topics == ('/bot/image_raw/compressed',)
    assert len(read(bag)[0]) >= 2
    assert list(bag.glob('*.db3'))


def test_autostart_records_every_start_of_a_driver_as_a_session(graph, recorder, sessions):
    recorder()
    node = None
    for number in ('', '_2'):
        if node is not None:
            graph.remove(node)
        node = graph.driver(session_id='walk')
        bag = sessions / 'toroidal_dot' / f'walk{number}'
        wait(marker_of(bag).exists, f'a recording of {bag.name}')
        wait_until_recorded(node)
        act(graph, 1)
    assert phases(sessions / 'toroidal_dot' / 'walk')[:3] == ['ACCEPTED', 'STARTED', 'FINISHED']


def test_what_cannot_be_is_refused_in_one_line(graph, recorder, requests, sessions):
    recorder(autostart=False)
    assert 'nothing heard on /bot/session_info yet' in requests.start().message
    assert (requests.stop().success, requests.stop().message) == (
        False,
        'nothing is being recorded',
    )
    graph.driver()
    wait(lambda: 'is the driver running' not in requests.start('../escape').message, 'a session')
    for name in ('../escape', '/tmp/x', 'a/b', '.hidden'):
        answer = requests.start(name)
        assert not answer.success
        assert f'session id {name!r} must be a plain name' in answer.message
    assert not sessions.exists()
    bag = requests.start_when_known('walk')
    assert requests.start().message == f'already recording {bag}: stop that first'


def test_a_taken_session_id_gets_a_number(graph, recorder, requests, sessions):
    (sessions / 'toroidal_dot' / 'walk').mkdir(parents=True)
    recorder(autostart=False)
    graph.driver()
    assert requests.start_when_known('walk') == sessions / 'toroidal_dot' / 'walk_2'
    act(graph, 1)
    assert requests.stop().success


def test_the_bag_is_closed_before_the_disk_is_full(graph, recorder, requests):
    node = recorder(autostart=False)
    problems = Problems(graph)
    graph.driver()
    bag = requests.start_when_known('walk')
    act(graph, 2)
    (result,) = node.set_parameters([Parameter('min_free_gb', value=1e9)])
    assert result.successful
    line = problems.wait_for_first()
    assert line.startswith(f'stopped recording {bag}: the disk of ')
    assert 'GB free, less than min_free_gb 1e+09: delete something' in line
    assert recording_pids(bag) == []
    assert len(phases(bag)) == 6
    assert (bag / 'metadata.yaml').exists()
    assert requests.stop().message == line
    refused = requests.start()
    assert not refused.success
    assert 'less than min_free_gb 1e+09' in refused.message


def test_old_sessions_make_room_at_the_end_of_a_recording(graph, recorder, requests, sessions):
    old = sessions / 'toroidal_dot' / 'old'
    old.mkdir(parents=True)
    (old / 'old_0.mcap').write_bytes(bytes(3000))
    (old / 'metadata.yaml').touch()
    recorder(autostart=False, disk_budget_gb=4e-6)
    graph.driver()
    bag = requests.start_when_known('walk')
    assert old.exists()
    act(graph, 3)
    assert requests.stop().success
    assert not old.exists()
    assert len(phases(bag)) == 9


def test_a_recording_that_ends_by_itself_is_told(graph, recorder, requests):
    recorder(autostart=False)
    problems = Problems(graph)
    graph.driver()
    bag = requests.start_when_known('walk')
    act(graph, 2)
    pids = wait(lambda: recording_pids(bag), 'the recorder')
    os.kill(pids[0], signal.SIGKILL)
    line = problems.wait_for_first()
    assert line.startswith(f'recording {bag} ended by itself with SIGKILL: ')
    assert line.endswith(f'mend it with: ros2 bag reindex {bag}')
    answer = requests.stop()
    assert (answer.success, answer.message) == (False, line)
    assert not marker_of(bag).exists()
    again = requests.start_when_known('walk')
    assert again.name == 'walk_2'
    assert requests.stop().success


def test_without_ros2_nothing_is_recorded_and_the_way_out_is_named(
    graph, recorder, requests, monkeypatch, sessions
):
    recorder(autostart=False)
    graph.driver()
    monkeypatch.setenv('PATH', '/nowhere')
    answer = wait(lambda: requests._heard(requests.start()), 'an answer')
    assert 'there is no ros2 command: source ROS 2' in answer.message
    assert not sessions.exists()


def test_a_wrong_setting_is_refused(recorder):
    with pytest.raises(ConfigError, match='parameter images is '):
        recorder(images='jpeg')


@pytest.fixture
def process(graph, sessions) -> Iterator[Any]:
    """Start the recorder as a process; whatever still runs at the end is ended."""
    started = []

    def start(*ros_arguments: str) -> subprocess.Popen:
        settings = [f'sessions_dir:={sessions}', 'min_free_gb:=0.0', *ros_arguments]
        words = [word for setting in settings for word in ('-p', setting)]
        started.append(
            subprocess.Popen(
                [sys.executable, '-c', MAIN, '--ros-args', '-r', f'__ns:={NAMESPACE}', *words],
                stderr=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, 'ROS_DOMAIN_ID': os.environ.get('ROS_DOMAIN_ID', '43')},
            )
        )
        return started[-1]

    yield start
    for run in started:
        if run.poll() is None:
            run.kill()
        run.communicate()


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT])
def test_a_signal_closes_the_bag(graph, process, sessions, number):
    driver = graph.driver(session_id='walk')
    run = process()
    bag = sessions / 'toroidal_dot' / 'walk'
    wait_until_recorded(driver)
    act(graph, 2)
    run.send_signal(number)
    _, errors = run.communicate(timeout=DEADLINE_S)
    assert (run.returncode, 'Traceback' in errors) == (0, False)
    assert f'recorded {bag}: ' in errors
    assert (bag / 'metadata.yaml').exists()
    assert len(phases(bag)) == 6
    assert [path.name for path in bag.parent.iterdir()] == ['walk']


def test_the_bag_is_closed_when_the_node_is_killed(graph, process, sessions):
    driver = graph.driver(session_id='walk')
    run = process()
    bag = sessions / 'toroidal_dot' / 'walk'
    wait_until_recorded(driver)
    act(graph, 2)
    run.kill()
    run.communicate()
    wait(lambda: not recording_pids(bag), 'the end of the recorder')
    assert (bag / 'metadata.yaml').exists()
    assert len(phases(bag)) == 6

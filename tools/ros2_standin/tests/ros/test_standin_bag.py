"""``ros2 bag record`` in other processes: what was published is in the bag, however it ends."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
import signal
import threading
import time

import pytest

pytest.importorskip('rclpy')

from builtin_interfaces.msg import Time
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rosbags.rosbag2 import Reader
from rosgraph_msgs.msg import Clock
import standin_bags as bags
from standin_processes import Process, processes, spinning_node, wait_for
from std_msgs.msg import String

TOPICS = ('/bag/numbers', '/bag/latched', '/bag/sensor')
#: One waits until the others have heard everything, not for those that are killed.
DOOMED = ('/doomed/numbers', '/bag/latched')
RATE_HZ = 100
PAYLOAD = 2000
#: So many numbers come before the first time of the simulation.
SILENT = 30
#: So many are recorded by simulated time at least.
MANY = 50
ZSTD = ('--compression-format', 'zstd', '--compression-mode')


@dataclass(frozen=True)
class Form:
    """A way to record, and how it is stopped."""

    options: tuple[str, ...]
    stop: int = signal.SIGINT
    before: str = ''


FULL_DISK = """
import resource
from ros2_standin.bagging.files import BagFiles
make = BagFiles.make_folder
def limited(self):
    make(self)
    resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, resource.RLIM_INFINITY))
BagFiles.make_folder = limited
"""

FORMS = {
    'plain': Form(('--custom-data', 'session=walk', 'b=c=d')),
    'fast': Form(('--storage-preset-profile', 'zstd_fast', '-d', '1'), signal.SIGTERM),
    'small': Form(('--storage-preset-profile', 'zstd_small')),
    'parts': Form((*ZSTD, 'file', '--max-bag-size', '100000'), signal.SIGTERM),
    'sqlite': Form(('-s', 'sqlite3', '-b', '100000'), signal.SIGHUP),
    'messages': Form(('-s', 'sqlite3', *ZSTD, 'message', '--storage-preset-profile', 'resilient')),
}
SIMULATED = {'simulated': Form(('--use-sim-time', '--log-level', 'warn'))}
CRASHES = {
    'killed_mcap': Form(('--storage-preset-profile', 'zstd_fast'), signal.SIGKILL),
    'killed_sqlite': Form(('-s', 'sqlite3'), signal.SIGKILL),
    'full_mcap': Form((), 0, FULL_DISK),
    'full_sqlite': Form(('-s', 'sqlite3'), 0, FULL_DISK),
}


class Talker:
    """Publishes numbers, and knows when each of them was."""

    def __init__(self, node) -> None:
        latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        sensor = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)
        self._latched = node.create_publisher(String, '/bag/latched', latched)
        self._sensor = node.create_publisher(String, '/bag/sensor', sensor)
        self._numbers, self._doomed = (
            node.create_publisher(String, topics[0], QoSProfile(depth=1000))
            for topics in (TOPICS, DOOMED)
        )
        self._clock = node.create_publisher(Clock, '/clock', 10)
        self._latched.publish(String(data='7'))
        self.times: list[float] = []
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._talk)

    def is_heard(self) -> bool:
        """Return whether all listen."""
        expected = {
            self._numbers: len(FORMS | SIMULATED),
            self._sensor: len(FORMS | SIMULATED),
            self._doomed: len(CRASHES),
            self._latched: len(FORMS | SIMULATED | CRASHES),
            self._clock: 1,
        }
        return all(topic.get_subscription_count() >= n for topic, n in expected.items())

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stop, and return when all of it has arrived."""
        self._done.set()
        self._thread.join()
        assert self._numbers.wait_for_all_acked()

    def _talk(self) -> None:
        while not self._done.wait(1 / RATE_HZ):
            text = f'{len(self.times)} '.ljust(PAYLOAD, 'x')
            self.times.append(time.monotonic())
            for publisher in (self._numbers, self._doomed, self._sensor):
                publisher.publish(String(data=text))
            if len(self.times) > SILENT:
                self._clock.publish(Clock(clock=Time(sec=len(self.times))))


@dataclass
class Recorded:
    """What came of recording in all forms at once."""

    folder: Path
    count: int = 0
    running: dict[str, Process] = field(default_factory=dict)
    times: list[float] = field(default_factory=list)
    killed_at: float = 0.0
    mended: dict[str, Process] = field(default_factory=dict)


def size(bag: Path) -> int:
    return sum(path.stat().st_size for path in bag.iterdir())


def record(start, talker: Talker, recorded: Recorded) -> None:
    for name, form in (FORMS | SIMULATED | CRASHES).items():
        topics = DOOMED if name in CRASHES else TOPICS
        words = ('bag', 'record', '-o', name, *form.options, '--topics', *topics)
        recorded.running[name] = start(name, *words, before=form.before)
    running = recorded.running.values()
    wait_for(
        lambda: talker.is_heard() or any(process.code is not None for process in running),
        lambda: ''.join(process.err for process in running),
    )
    talker.start()
    # Longer than two files of a second.
    wait_for(lambda: talker.times and time.monotonic() - talker.times[0] > 2.2)
    # On a busy computer, one of them hears late what time it is.
    wait_for(lambda: size(recorded.folder / 'simulated') > MANY * PAYLOAD)
    recorded.killed_at = time.monotonic()
    for name, form in CRASHES.items():
        if form.stop:
            recorded.running[name].send(form.stop)
    talker.stop()
    recorded.times = talker.times
    recorded.count = len(talker.times)
    for name, form in (FORMS | SIMULATED).items():
        recorded.running[name].send(form.stop)
    for process in running:
        process.wait()


@pytest.fixture(scope='module')
def recorded(tmp_path_factory) -> Iterator[Recorded]:
    """Record in all forms at once: starting processes is what takes time."""
    recorded = Recorded(tmp_path_factory.mktemp('bags'))
    with processes(recorded.folder) as start, spinning_node('bag_talker') as node:
        record(start, Talker(node), recorded)
        for name in CRASHES:
            recorded.mended[name] = start(f'{name}_mended', 'bag', 'reindex', name)
        for process in recorded.mended.values():
            process.wait()
        yield recorded


@pytest.mark.parametrize('name', FORMS)
def test_everything_that_was_published_is_recorded(recorded, name):
    process = recorded.running[name]
    assert process.code == 0 and 'Traceback' not in process.err, process.err
    assert process.out == '' and 'Recording stopped' in process.err
    assert 'All requested topics are subscribed. Stopping discovery...' in process.err
    assert bags.read(recorded.folder / name, '/bag/numbers') == list(range(recorded.count))
    assert bags.read(recorded.folder / name, '/bag/latched') == [7]
    assert bags.read(recorded.folder / name, '/bag/sensor') != []


@pytest.mark.parametrize('name', FORMS)
def test_the_metadata_says_what_is_in_the_files(recorded, name):
    folder = recorded.folder / name
    facts = bags.metadata(folder)
    storage = 'sqlite3' if 'sqlite3' in FORMS[name].options else 'mcap'
    assert (facts['version'], facts['storage_identifier']) == (9, storage)
    assert facts['compression_mode'] == {'parts': 'file', 'messages': 'message'}.get(name, '')
    assert sorted(facts['relative_file_paths']) == sorted(
        path.name for path in folder.iterdir() if path.name != 'metadata.yaml'
    )
    with Reader(folder) as reader:
        counts = {c.topic: 0 for c in reader.connections}
        for connection, _, _ in reader.messages():
            counts[connection.topic] += 1
        assert {c.topic: c.msgcount for c in reader.connections} == counts
        assert set(counts) == set(TOPICS)
        assert facts['message_count'] == sum(counts.values()) == reader.message_count
        assert {c.digest for c in reader.connections} == {bags.definition().digest}


def test_quality_of_service_is_written_down(recorded):
    for name in FORMS:
        topics = bags.metadata(recorded.folder / name)['topics_with_message_count']
        found = {
            data['name']: [
                (q['reliability'], q['durability']) for q in data['offered_qos_profiles']
            ]
            for data in (topic['topic_metadata'] for topic in topics)
        }
        assert found == {
            '/bag/numbers': [('reliable', 'volatile')],
            '/bag/latched': [('reliable', 'transient_local')],
            '/bag/sensor': [('best_effort', 'volatile')],
        }


def test_custom_data_is_in_the_metadata(recorded):
    custom = {name: bags.metadata(recorded.folder / name)['custom_data'] for name in FORMS}
    assert custom.pop('plain') == {'session': 'walk', 'b': 'c=d'}
    assert set(custom.values()) == {None}


@pytest.mark.parametrize('name', ['plain', 'fast', 'small'])
def test_each_file_is_read_by_mcap(recorded, name):
    folder = recorded.folder / name
    parts = bags.metadata(folder)['relative_file_paths']
    numbers = [bags.read_mcap(folder / part, '/bag/numbers') for part in parts]
    assert sum(numbers, []) == list(range(recorded.count))


def test_files_are_split_by_time_and_by_size(recorded):
    by_time = bags.metadata(recorded.folder / 'fast')['files']
    assert len(by_time) >= 3
    assert all(file['duration']['nanoseconds'] <= 1_000_000_000 for file in by_time)
    starts = [file['starting_time']['nanoseconds_since_epoch'] for file in by_time]
    assert all(later - earlier >= 1_000_000_000 for earlier, later in pairwise(starts))
    for name in ('parts', 'sqlite'):
        by_size = bags.metadata(recorded.folder / name)['files']
        assert len(by_size) >= 5
        assert max(f['message_count'] for f in by_size) < 2 * 150_000 / PAYLOAD
    assert all(
        100_000 < path.stat().st_size < 200_000
        for path in (recorded.folder / 'sqlite').glob('*_[1-4].db3')
    )


def test_simulated_time_is_what_messages_are_stamped_with(recorded):
    with Reader(recorded.folder / 'simulated') as reader:
        (wanted,) = [c for c in reader.connections if c.topic == '/bag/numbers']
        messages = [(bags.number(data), ns / 1e9) for _, ns, data in reader.messages([wanted])]
    first = messages[0][0]
    assert [number for number, _ in messages] == list(range(first, recorded.count))
    # About half of what is recorded: the other half is the same from a sensor.
    assert len(messages) >= MANY // 3
    # Nothing is recorded before the first time: it would have none. A number that waited for a
    # busy recorder until there was a time may be in the bag.
    assert all(SILENT < seconds <= recorded.count + 1 for _, seconds in messages)
    assert recorded.running['simulated'].err == ''


def test_presets_compress(recorded):
    plain = size(recorded.folder / 'plain')
    for name in ('fast', 'small', 'parts', 'messages'):
        assert size(recorded.folder / name) < plain / 2


@pytest.mark.parametrize('name', CRASHES)
def test_a_crash_loses_at_most_the_last_second(recorded, name):
    mended = recorded.mended[name]
    assert (mended.code, mended.err) == (0, ''), mended.err
    numbers = bags.read(recorded.folder / name, '/doomed/numbers')
    assert numbers == list(range(len(numbers)))
    assert f'{bags.metadata(recorded.folder / name)["message_count"]} messages in' in mended.out
    if CRASHES[name].stop:
        assert recorded.killed_at - recorded.times[numbers[-1]] < 1.5
        assert recorded.running[name].code == -signal.SIGKILL
        assert bags.read(recorded.folder / name, '/bag/latched') == [7]


def test_a_mended_bag_is_described(recorded):
    with processes(recorded.folder) as start:
        infos = {name: start(f'{name}_info', 'bag', 'info', name) for name in CRASHES}
        for name, process in infos.items():
            assert process.wait() == 0, process.err
            count = bags.metadata(recorded.folder / name)['message_count']
            assert f'\nMessages:          {count}\n' in process.out
            assert 'Topic: /bag/latched | Type: std_msgs/msg/String | Count: ' in process.out


@pytest.mark.parametrize('name', ['full_mcap', 'full_sqlite'])
def test_a_full_disk_ends_in_one_line_that_names_the_way_out(recorded, name):
    process = recorded.running[name]
    assert process.code == 1
    lines = [line for line in process.err.splitlines() if not line.startswith('[INFO]')]
    assert len(lines) == 1 and lines[0].startswith(f"ros2: '{name}' cannot be written: ")
    assert lines[0].endswith(f'ros2 bag reindex {name}')

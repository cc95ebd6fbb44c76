"""``ros2 bag play`` in other processes: what is in a bag, by whomever it was written, is heard."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
import signal
from typing import Any

from mcap.writer import Writer as McapWriter
import pytest

pytest.importorskip('rclpy')

from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rosbags.rosbag2 import StoragePlugin, Writer
from rosgraph_msgs.msg import Clock
import standin_bags as bags
from standin_processes import Process, processes, spinning_node, wait_for
from std_msgs.msg import String

LATCHED = QoSProfile(depth=10, durability=DurabilityPolicy.TRANSIENT_LOCAL)
SENSOR = QoSProfile(depth=100, reliability=ReliabilityPolicy.BEST_EFFORT)
RELIABLE = QoSProfile(depth=100)
LOOP = ('--loop', '--rate', '4')
#: Numbers that are heard before they are looked at: some times the ten of a bag.
ENOUGH = 35


def write_with_rosbags(folder: Path) -> None:
    with Writer(folder, version=9, storage_plugin=StoragePlugin.SQLITE3) as writer:
        connection = writer.add_connection('/numbers', bags.STRING, typestore=bags.TYPES)
        for value in range(10):
            writer.write(connection, bags.START_NS + value * bags.STEP_NS, bags.string(value))


def write_with_mcap(path: Path) -> None:
    with path.open('wb') as stream:
        writer = McapWriter(stream)
        writer.start(profile='ros2')
        text = bags.definition().text.encode()
        schema = writer.register_schema(bags.STRING, 'ros2msg', text)
        channel = writer.register_channel('/numbers', 'cdr', schema)
        for value in range(10):
            stamp_ns = bags.START_NS + value * bags.STEP_NS
            writer.add_message(channel, stamp_ns, bags.string(value), stamp_ns)
        writer.finish()


def write_bags(root: Path) -> None:
    topics = {
        '/numbers': bags.quality(depth=70),
        '/sensor': bags.quality(reliable=False),
        '/latched': bags.quality(latched=True, depth=1),
    }
    bags.write(root / 'own', topics=topics, splits=(5,), compression_mode='file')
    write_with_rosbags(root / 'by_rosbags')
    write_with_mcap(root / 'by_mcap.mcap')
    files = bags.write(root / 'slow', (0,), topics={'/latched': topics['/latched']}, closed=False)
    for number, seconds in ((1, 0), (2, 3600)):
        stamp_ns = bags.START_NS + 1 + seconds * 1_000_000_000
        files.write(files.facts.connections[0], stamp_ns, bags.string(number))
    files.close()


@dataclass
class Played:
    """What was heard of bags that are played at the same time."""

    node: Any
    running: dict[str, Process] = field(default_factory=dict)
    heard: dict[str, list[int]] = field(default_factory=dict)
    clock: list[float] = field(default_factory=list)

    def listen(self, topic: str, profile: QoSProfile, key: str = '') -> list[int]:
        heard = self.heard.setdefault(key or topic, [])
        self.node.create_subscription(
            String, topic, lambda message: heard.append(int(message.data.split()[0])), profile
        )
        return heard

    def tick(self, message: Clock) -> None:
        self.clock.append(message.clock.sec + message.clock.nanosec / 1e9)

    def errors(self) -> str:
        return ''.join(process.err for process in self.running.values())


PLAYS = {
    'own': ('own', *LOOP, '--clock', '100'),
    'rosbags': ('by_rosbags', *LOOP, '-s', 'sqlite3'),
    'mcap': ('by_mcap.mcap', *LOOP),
    'chosen': ('-i', 'own', *LOOP, '--topics', 'numbers', '--start-offset', '0.55'),
    'once': ('own', '--rate', '100', '--wait-for-all-acked', '0'),
    'slow': ('slow', '--disable-keyboard-controls'),
}


@pytest.fixture(scope='module')
def played(tmp_path_factory) -> Iterator[Played]:
    """Play all bags at once, each on topics of its own."""
    root = tmp_path_factory.mktemp('plays')
    write_bags(root)
    with processes(root) as start, spinning_node('bag_listener') as node:
        played = Played(node)
        for name in PLAYS:
            played.listen(f'/{name}/numbers', RELIABLE)
            played.listen(f'/{name}/sensor', SENSOR)
            played.listen(f'/{name}/latched', LATCHED)
        node.create_subscription(Clock, '/clock', played.tick, 10)
        for name, words in PLAYS.items():
            remap = [f'/{topic}:=/{name}/{topic}' for topic in ('numbers', 'sensor', 'latched')]
            played.running[name] = start(name, 'bag', 'play', *words, '--remap', *remap)
        yield played


def looped(played: Played, topic: str) -> list[int]:
    heard = played.heard[topic]
    wait_for(lambda: len(heard) >= ENOUGH, played.errors)
    return heard[:ENOUGH]


@pytest.mark.parametrize('name', ['own', 'rosbags', 'mcap'])
def test_every_message_is_played_in_order_again_and_again(played, name):
    heard = looped(played, f'/{name}/numbers')
    assert all(after == (before + 1) % 10 for before, after in zip(heard, heard[1:], strict=False))


def test_an_offset_and_a_choice_of_topics_hold_in_every_loop(played):
    heard = looped(played, '/chosen/numbers')
    steps = set(zip(heard, heard[1:], strict=False))
    assert steps == {(6, 7), (7, 8), (8, 9), (9, 6)}
    assert played.heard['/chosen/sensor'] == played.heard['/chosen/latched'] == []


def test_quality_of_service_is_as_it_was_recorded(played):
    def offered(topic: str) -> tuple[str, str]:
        (publisher,) = wait_for(lambda: played.node.get_publishers_info_by_topic(topic))
        return publisher.qos_profile.reliability.name, publisher.qos_profile.durability.name

    assert offered('/own/numbers') == ('RELIABLE', 'VOLATILE')
    assert offered('/own/sensor') == ('BEST_EFFORT', 'VOLATILE')
    assert offered('/own/latched') == ('RELIABLE', 'TRANSIENT_LOCAL')
    assert set(looped(played, '/own/sensor')) == set(range(10))


def test_nothing_is_played_under_the_recorded_name_when_it_is_remapped(played):
    looped(played, '/own/numbers')
    for topic in ('/numbers', '/sensor', '/latched'):
        assert played.node.get_publishers_info_by_topic(topic) == []


def test_the_clock_shows_times_of_the_bag(played):
    wait_for(lambda: len(played.clock) > 50, played.errors)
    begin = bags.START_NS / 1e9
    assert begin - 0.001 <= min(played.clock) and max(played.clock) <= begin + 0.901


def test_a_latched_message_reaches_who_comes_late(played):
    early = played.heard['/slow/latched']
    wait_for(lambda: len(early) >= 2, played.errors)
    late = played.listen('/slow/latched', LATCHED, key='late')
    wait_for(lambda: len(late) >= 2, played.errors)
    assert early == late == [0, 1]


def test_without_loop_the_end_of_the_bag_is_the_end(played):
    process = played.running['once']
    assert process.wait() == 0 and 'Traceback' not in process.err, process.err
    heard = played.heard['/once/numbers']
    assert heard == sorted(set(heard))


def test_a_signal_ends_playing_at_once(played):
    looped(played, '/own/numbers')
    wait_for(lambda: played.heard['/slow/latched'], played.errors)
    signals = {'own': signal.SIGINT, 'rosbags': signal.SIGTERM, 'slow': signal.SIGINT}
    for name, number in signals.items():
        played.running[name].send(number)
    for name in signals:
        process = played.running[name]
        assert process.wait() == 0 and 'Traceback' not in process.err, process.err

"""The player publishes at the pace of the recording, whatever the machine does meanwhile."""

from pathlib import Path
import signal
from types import SimpleNamespace

import pytest

pytest.importorskip('rclpy')

from ros2_standin.bagging import playing
from ros2_standin.bagging.playing import Pace, Player
from ros2_standin.bagging.qualities import for_playing
from ros2_standin.bagging.reading import bag_metadata, Topic, topics_of
import standin_bags as bags


class Stage:
    """A node, an executor and a clock that only goes on when somebody waits."""

    def __init__(self, monkeypatch, bag: Path) -> None:
        self.now = 1000.0
        self.bag = bag
        self.heard: list[tuple[float, str, int]] = []
        self.clock: list[tuple[float, float]] = []
        self.warnings: list[str] = []
        self.stopped: list[int] = []
        self.acknowledged = False
        monkeypatch.setattr(playing, 'time', self)

    def monotonic(self) -> float:
        # Asking takes a moment, so that busy waiting ends.
        self.now += 1e-5
        return self.now

    def spin_once(self, timeout_sec: float) -> None:
        self.now += timeout_sec

    def get_logger(self):
        return SimpleNamespace(warning=self.warnings.append, error=self.warnings.append)

    def create_publisher(self, kind, name, profile):
        return SimpleNamespace(
            msg_type=kind,
            publish=lambda message: self._hear(name, message),
            wait_for_all_acked=self._acknowledge,
        )

    def _hear(self, name, message) -> None:
        since = round(self.now - 1000, 3)
        if name == '/clock':
            self.clock.append((since, message.clock.sec + message.clock.nanosec / 1e9))
        else:
            self.heard.append((since, name, bags.number(message)))

    def _acknowledge(self, duration) -> bool:
        self.now += duration.nanoseconds / 1e9
        return self.acknowledged

    def player(self, **pace) -> Player:
        facts = bag_metadata(self.bag)
        start_ns = facts['starting_time']['nanoseconds_since_epoch']
        player = Player(self, self, self.bag, Pace(start_ns=start_ns, **pace), self.stopped)
        for topic in topics_of(facts):
            assert player.add(topic, topic.name)
        return player


@pytest.fixture
def stage(monkeypatch, tmp_path):
    bags.write(tmp_path / 'bag', range(5), splits=(3,))
    return Stage(monkeypatch, tmp_path / 'bag')


def test_messages_come_when_they_were_recorded(stage):
    stage.player().run()
    assert [number for _, _, number in stage.heard] == [0, 1, 2, 3, 4]
    times = [since for since, _, _ in stage.heard]
    assert times == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4], abs=0.01)


@pytest.mark.parametrize('rate', [0.5, 2.0, 10.0])
def test_the_rate_divides_the_pauses(stage, rate):
    stage.player(rate=rate).run()
    times = [since for since, _, _ in stage.heard]
    assert times == pytest.approx([i * 0.1 / rate for i in range(5)], abs=0.01)


def test_an_offset_and_an_end_are_times_of_the_bag(stage):
    stage.player(offset_s=0.15, end_s=0.3).run()
    assert [number for _, _, number in stage.heard] == [2, 3]
    assert [since for since, _, _ in stage.heard] == pytest.approx([0.05, 0.15], abs=0.01)


def test_the_time_of_the_bag_begins_with_the_bag_not_with_the_topic(monkeypatch, tmp_path):
    files = bags.write(tmp_path / 'bag', range(5), topics={'/a': bags.quality()}, closed=False)
    late = files.add_topic('/late', bags.definition(), [])
    files.write(late, bags.START_NS + 3 * bags.STEP_NS, bags.string(7))
    files.close()
    stage = Stage(monkeypatch, tmp_path / 'bag')
    player = Player(stage, stage, stage.bag, Pace(start_ns=bags.START_NS), stage.stopped)
    player.add(Topic('/late', bags.STRING, []), '/late')
    player.run()
    assert stage.heard == [(pytest.approx(0.3, abs=0.01), '/late', 7)]


def test_a_loop_begins_again_until_it_is_stopped(stage):
    player = stage.player(loop=True)
    publishers = player._publishers['/numbers']
    publish = publishers.publish
    publishers.publish = lambda m: (publish(m), len(stage.heard) == 12 and stage.stopped.append(2))
    player.run()
    assert [number for _, _, number in stage.heard] == [0, 1, 2, 3, 4] * 2 + [0, 1]


def test_a_loop_over_nothing_ends(stage):
    stage.player(loop=True, offset_s=9.0).run()
    assert stage.heard == []


def test_a_signal_ends_waiting(stage):
    stage.stopped.append(signal.SIGTERM)
    player = stage.player()
    player.wait(1000.0)
    player.run()
    assert stage.heard == [] and stage.now < 1001


def test_the_clock_shows_the_time_of_the_bag(stage):
    stage.player(clock_hz=40.0, rate=0.5, offset_s=0.1).run()
    assert len(stage.clock) == pytest.approx(24, abs=3)
    for since, shown in stage.clock:
        assert shown == pytest.approx(bags.START_NS / 1e9 + 0.1 + since / 2, abs=0.01)


def test_the_clock_does_not_run_ahead_when_the_machine_is_late(stage):
    def late(timeout_sec: float) -> None:
        stage.now += 5.0

    stage.spin_once = late
    stage.player(clock_hz=40.0).run()
    shown = [round(shown - bags.START_NS / 1e9, 3) for _, shown in stage.clock]
    assert shown and max(shown) <= 0.4


def test_the_end_waits_for_subscribers_but_not_for_ever(stage):
    player = stage.player()
    player.acknowledge(2.0)
    assert 1002 < stage.now < 1003 and 'Timed out' in stage.warnings[0]
    stage.acknowledged = True
    player.acknowledge(float('inf'))
    assert stage.now < 1003 and len(stage.warnings) == 1
    stage.acknowledged = False
    stage.stopped.append(2)
    player.acknowledge(float('inf'))


def test_a_topic_of_an_unknown_type_is_passed_over(stage):
    assert not stage.player().add(Topic('/x', 'gone_msgs/msg/X', []), '/x')
    assert stage.warnings[0].startswith("Ignoring a topic '/x': the package of type")


def test_quality_of_service_is_played_as_recorded_where_publishers_agree():
    def played(*profiles):
        found = for_playing(profiles)
        return found.reliability.name, found.durability.name, found.depth

    best_effort = bags.quality(reliable=False)
    latched = bags.quality(latched=True, depth=1)
    assert played() == ('RELIABLE', 'VOLATILE', 10)
    assert played(best_effort) == ('BEST_EFFORT', 'VOLATILE', 10)
    assert played(latched, latched) == ('RELIABLE', 'TRANSIENT_LOCAL', 10)
    assert played(bags.quality(depth=70)) == ('RELIABLE', 'VOLATILE', 70)
    assert played(latched, best_effort) == ('RELIABLE', 'VOLATILE', 10)

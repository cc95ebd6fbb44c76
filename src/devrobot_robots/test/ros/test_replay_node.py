"""A bag stands in for a robot: a real node publishes what was recorded, and only that."""

from typing import Any

from devrobot_interfaces.msg import ActionEvent as ActionEventMsg
from devrobot_interfaces.msg import ActionSpace as ActionSpaceMsg
from devrobot_interfaces.msg import Prediction
from devrobot_interfaces.msg import SessionInfo as SessionInfoMsg
from devrobot_interfaces_py import conversions, qos, topics
from devrobot_interfaces_py.actions import ActionEvent, Phase
from devrobot_interfaces_py.bags import open_bag
from devrobot_interfaces_py.configs import ConfigError
from devrobot_interfaces_py.process_end import ProcessEnd
from devrobot_robots.nodes.replay_node import ReplayNode
import numpy as np
import pytest
from rclpy.parameter import Parameter
from recorded_worlds import write_bag
from robots_fakes import ACTIONS
from robots_graph import NAMESPACE, wait
from sensor_msgs.msg import Image


class Audience:
    """Everything that a learner hears of a robot."""

    def __init__(self, graph: Any, *cameras: str) -> None:
        self._events = graph.subscribe(ActionEventMsg, topics.ACTION_EVENTS, qos.EVENTS)
        self.spaces = graph.subscribe(ActionSpaceMsg, topics.ACTION_SPACE, qos.LATCHED)
        self.infos = graph.subscribe(SessionInfoMsg, topics.SESSION_INFO, qos.LATCHED)
        self.images = {
            name: graph.subscribe(Image, name, qos.IMAGES)
            for name in (cameras or (topics.IMAGE_RAW,))
        }

    @property
    def events(self) -> list[ActionEvent]:
        return [conversions.action_event_from_msg(message) for message in self._events]

    def pictures(self, name: str = topics.IMAGE_RAW) -> list[tuple[int, int]]:
        """Return (stamp, grey level) of each image."""
        return [
            (conversions.stamp_to_ns(m.header.stamp), int(np.frombuffer(m.data, np.uint8)[0]))
            for m in self.images[name]
        ]


@pytest.fixture
def replay(graph):
    def start(bag, **settings: Any) -> tuple[ReplayNode, ProcessEnd]:
        values = {'start_delay': 0.2, **settings, 'bag': str(bag)}
        end = ProcessEnd()
        node = ReplayNode(
            end,
            namespace=NAMESPACE,
            context=graph.context,
            parameter_overrides=[Parameter(name, value=v) for name, v in values.items()],
        )
        return graph.add(node), end

    return start


def ended(end: ProcessEnd) -> None:
    wait(lambda: end.asked, 'the end of the replay')


def test_what_was_recorded_is_published_with_its_stamps(graph, replay, tmp_path):
    bag = write_bag(tmp_path / 'bag', [1, 0, 1], namespace='/somebody')
    audience = Audience(graph)
    _, end = replay(bag, pace='fast')
    ended(end)
    assert end.exit_code == 0
    wait(lambda: len(audience.pictures()) == 4 and len(audience.events) == 9, 'all of the bag')
    with open_bag(bag) as opened:
        items = list(opened.items())
    assert audience.events == [item for item in items if isinstance(item, ActionEvent)]
    frames = [item for item in items if not isinstance(item, ActionEvent)]
    assert audience.pictures() == [(f.stamp_ns, int(f.image()[0, 0, 0])) for f in frames]
    (space,) = audience.spaces
    assert conversions.action_space_from_msg(space) == ACTIONS
    (info,) = audience.infos
    assert list(info.image_topics) == [f'{NAMESPACE}/image_raw']
    assert info.action_space_digest == ACTIONS.digest


def test_every_camera_gets_its_own_images(graph, replay, tmp_path):
    cameras = ('left', 'right')
    bag = write_bag(tmp_path / 'bag', [1], cameras=cameras, image_format='png')
    names = [f'{camera}/image_raw' for camera in cameras]
    audience = Audience(graph, *names)
    _, end = replay(bag, pace='fast')
    ended(end)
    for number, name in enumerate(names):
        wait(lambda name=name: len(audience.images[name]) == 2, f'images of {name}')
        assert [level for _, level in audience.pictures(name)] == [10 * number, 10 * number + 1]


def test_the_recorded_pace_is_kept_and_its_rate(graph, replay, tmp_path):
    bag = write_bag(tmp_path / 'bag', [1] * 5)
    arrivals: list[int] = []
    clock = graph.probe.get_clock()
    graph.probe.create_subscription(
        Image,
        topics.IMAGE_RAW,
        lambda _: arrivals.append(clock.now().nanoseconds),
        qos.IMAGES,
    )
    Audience(graph)
    _, end = replay(bag, rate=4.0)
    ended(end)
    wait(lambda: len(arrivals) == 6, 'all images')
    # 5 actions of 0.4 s each, four times as fast: it can be late, but it does not run ahead.
    assert (arrivals[-1] - arrivals[0]) / 1e9 > 0.4


def test_a_loop_begins_again_with_later_stamps(graph, replay, tmp_path):
    bag = write_bag(tmp_path / 'bag', [1, 0])
    audience = Audience(graph)
    replay(bag, pace='fast', loop=True)
    wait(lambda: len(audience.events) > 20, 'three rounds')
    stamps = [event.stamp_ns for event in audience.events[:20]]
    assert stamps == sorted(set(stamps))
    resets = [event for event in audience.events[:20] if event.phase is Phase.RESET]
    assert [event.source for event in resets] == ['replay'] * len(resets) and len(resets) >= 2


def test_the_pace_fast_waits_for_the_world_model(graph, replay, tmp_path):
    bag = write_bag(tmp_path / 'bag', [1] * 6)
    audience = Audience(graph)
    model = graph.probe.create_publisher(Prediction, topics.WORLD_MODEL_PREDICTION, qos.RESULTS)

    def started() -> list[int]:
        return [e.sequence for e in audience.events if e.phase is Phase.STARTED]

    node, end = replay(bag, pace='fast', start_delay=0.5)
    wait(lambda: started()[-1:] == [1], 'the first action')
    wait(lambda: model.get_subscription_count(), 'the replay to listen')
    for sequence in range(1, 7):
        wait(lambda sequence=sequence: started()[-1] >= sequence, f'action {sequence}')
        model.publish(Prediction(sequence=sequence))
        heard = wait(lambda: node._prediction >= 1, 'the prediction')
        assert heard
    ended(end)
    assert started() == [1, 2, 3, 4, 5, 6]


def test_nobody_listening_is_said_and_does_not_hang(graph, replay, tmp_path, capfd):
    bag = write_bag(tmp_path / 'bag', [1])
    _, end = replay(bag, pace='fast', subscriber_timeout=0.1)
    ended(end)
    assert end.exit_code == 0
    assert 'nobody listens to the images and events' in capfd.readouterr().err


@pytest.mark.parametrize(
    ('make', 'text'),
    [
        (lambda folder: '', 'bag is not set'),
        (lambda folder: folder / 'none', 'none'),
        (lambda folder: folder, 'a folder without metadata.yaml, .mcap and .db3 files'),
    ],
)
def test_a_bag_that_cannot_be_replayed_is_refused_in_one_line(replay, tmp_path, make, text):
    with pytest.raises(ConfigError, match=text) as caught:
        replay(make(tmp_path))
    assert '\n' not in str(caught.value)


def test_a_damaged_image_ends_it_with_one_line(graph, replay, tmp_path, capfd):
    bag = write_bag(tmp_path / 'bag', [1, 0, 1], image_format='jpeg')
    (file,) = bag.glob('*.mcap')
    data = file.read_bytes()
    where = [i for i in range(len(data)) if data.startswith(b'\xff\xd8\xff', i)]
    spoiled = bytearray(data)
    spoiled[where[2] + 2 : where[2] + 200] = bytes(198)
    file.write_bytes(spoiled)
    audience = Audience(graph)
    _, end = replay(bag, pace='fast')
    ended(end)
    assert end.exit_code == 1
    assert 'the replay ends early: ' in capfd.readouterr().err
    wait(lambda: len(audience.pictures()) == 2, 'the images before it')

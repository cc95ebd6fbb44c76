"""What is wrong with a bag is told in one line, with the way out."""

from dataclasses import replace
import multiprocessing
from pathlib import Path
import time

from bag_worlds import events, events_of, frames_of, images, INFO, SPACE, START_NS, write_bag
from devrobot_interfaces_py.bag_messages import MessageMaker
from devrobot_interfaces_py.bag_salvage import is_being_written
from devrobot_interfaces_py.bag_types import ACTION_EVENT, ACTION_SPACE, IMAGE, make_typestore
from devrobot_interfaces_py.bags import BagError, BagWriter, open_bag
import pytest
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import get_types_from_msg, get_typestore, Stores

STORE = make_typestore()
MAKE = MessageMaker(STORE)
IMAGES = images(2)
EVENT = next(events(1, START_NS))


def bag_of(path: Path, *messages, store=STORE) -> Path:
    """Write (topic, type, bytes) messages, or (topic, type, None) for a topic without any."""
    with Writer(path, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        known = {}
        for number, (topic, kind, raw) in enumerate(messages):
            if topic not in known:
                known[topic] = writer.add_connection(topic, kind, typestore=store)
            if raw is not None:
                writer.write(known[topic], START_NS + number, raw)
    return path


SPACE_MESSAGE = ('/bot/action_space', ACTION_SPACE, MAKE.space(SPACE, START_NS))
EVENT_MESSAGE = ('/bot/action_events', ACTION_EVENT, MAKE.event(EVENT))
IMAGE_MESSAGE = ('/bot/image_raw', IMAGE, MAKE.image(IMAGES[0], START_NS, 'c'))
STRING_TYPE = 'std_msgs/msg/String'
STRING = STORE.serialize_cdr(STORE.types[STRING_TYPE](data='x'), STRING_TYPE)
OTHER_SPACE = replace(SPACE, actions=SPACE.actions[:1])


@pytest.mark.parametrize(
    ('messages', 'text'),
    [
        ([], 'is empty'),
        ([('/bot/image_raw', IMAGE, None)], 'is empty'),
        ([SPACE_MESSAGE, EVENT_MESSAGE], 'no images'),
        ([SPACE_MESSAGE, IMAGE_MESSAGE], 'no action events'),
        ([SPACE_MESSAGE, IMAGE_MESSAGE, ('/bot/action_events', ACTION_EVENT, None)], 'no action'),
        ([EVENT_MESSAGE, IMAGE_MESSAGE], 'no message on /bot/action_space'),
        (
            [SPACE_MESSAGE, IMAGE_MESSAGE, ('/bot/action_events', STRING_TYPE, STRING)],
            'messages of std_msgs/msg/String, not of devrobot_interfaces/msg/ActionEvent',
        ),
        ([SPACE_MESSAGE, EVENT_MESSAGE, ('/bot/image_raw', STRING_TYPE, STRING)], 'no images'),
        (
            [
                SPACE_MESSAGE,
                EVENT_MESSAGE,
                IMAGE_MESSAGE,
                ('/tom/action_events', ACTION_EVENT, MAKE.event(EVENT)),
            ],
            '2 robots in it, /bot, /tom: name one as namespace',
        ),
    ],
)
def test_a_bag_that_is_no_session_is_refused_in_one_line(tmp_path, messages, text):
    path = bag_of(tmp_path / 'bag', *messages)
    with pytest.raises(BagError) as caught:
        open_bag(path)
    assert text in str(caught.value) and str(path) in str(caught.value)
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize(
    ('name', 'content', 'text'),
    [
        ('none', None, 'there is no such bag'),
        ('x.mcap', b'', 'is empty'),
        ('x.mcap', b'hello, this is no bag', 'is no MCAP file'),
        ('x.db3', b'hello, this is no bag', 'cannot be read as a bag'),
        ('x.txt', b'hello', 'neither a folder nor an .mcap or .db3 file'),
    ],
)
def test_a_file_that_is_no_bag_is_refused(tmp_path, name, content, text):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BagError, match=text):
        open_bag(path, allow_growing=True)


def test_a_folder_that_is_no_bag_and_damaged_metadata_are_refused(tmp_path):
    with pytest.raises(BagError, match=r'no bag: a folder without metadata\.yaml'):
        open_bag(tmp_path)
    path = write_bag(tmp_path / 'bag', IMAGES)
    (path / 'metadata.yaml').write_text('rosbag2_bagfile_information: 3')
    with pytest.raises(BagError, match='metadata.yaml: cannot be read.*reindex'):
        open_bag(path)


def test_a_listed_file_that_is_missing_is_named(tmp_path):
    path = write_bag(tmp_path / 'bag', IMAGES)
    (path / 'bag.mcap').rename(tmp_path / 'elsewhere.mcap')
    with pytest.raises(BagError, match=r'bag\.mcap is missing'):
        open_bag(path)


def test_one_of_several_robots_is_read_by_its_namespace(tmp_path):
    moved = [(topic.replace('/bot/', '/tom/'), kind, raw) for topic, kind, raw in
             (SPACE_MESSAGE, EVENT_MESSAGE, IMAGE_MESSAGE)]  # fmt: skip
    path = bag_of(tmp_path / 'bag', SPACE_MESSAGE, EVENT_MESSAGE, IMAGE_MESSAGE, *moved)
    with open_bag(path, namespace='tom') as bag:
        assert bag.image_topics == ('/tom/image_raw',)
        assert (len(frames_of(bag)), len(events_of(bag))) == (1, 1)
    with pytest.raises(BagError, match='no robot /eve in it, only /bot, /tom'):
        open_bag(path, namespace='eve')


def test_actions_that_change_on_the_way_are_refused(tmp_path):
    changed = ('/bot/action_space', ACTION_SPACE, MAKE.space(OTHER_SPACE, START_NS))
    path = bag_of(tmp_path / 'bag', SPACE_MESSAGE, EVENT_MESSAGE, IMAGE_MESSAGE, changed)
    with open_bag(path) as bag, pytest.raises(BagError, match='the actions change on the way'):
        list(bag.items())


def test_without_session_info_the_cameras_are_taken_by_name(tmp_path):
    path = bag_of(tmp_path / 'bag', SPACE_MESSAGE, EVENT_MESSAGE, IMAGE_MESSAGE)
    with open_bag(path) as bag:
        assert bag.image_topics == ('/bot/image_raw',)
        assert bag.session_info.robot_type == 'toroidal_dot'
        assert bag.session_info.action_space_digest == SPACE.digest
        assert 'no session_info' in bag.notes[0]


def old_store(event_fields: str):
    """Return types in which ActionEvent is another one."""
    store = get_typestore(Stores.ROS2_JAZZY)
    types = get_types_from_msg('uint16 index', 'devrobot_interfaces/msg/DiscreteAction')
    store.register(types | get_types_from_msg(event_fields, ACTION_EVENT))
    return store


def test_a_bag_of_an_older_version_says_what_it_lacks(tmp_path):
    store = old_store('std_msgs/Header header\nuint64 sequence\nuint8 phase\n'
                      'devrobot_interfaces/DiscreteAction action\nstring colour')  # fmt: skip
    kind = store.types
    header = kind['std_msgs/msg/Header'](
        stamp=kind['builtin_interfaces/msg/Time'](sec=3, nanosec=4), frame_id=''
    )
    event = kind[ACTION_EVENT](
        header=header,
        sequence=9,
        phase=1,
        action=kind['devrobot_interfaces/msg/DiscreteAction'](index=1),
        colour='red',
    )
    path = tmp_path / 'bag'
    with Writer(path, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        for topic, msgtype, raw in (SPACE_MESSAGE, IMAGE_MESSAGE):
            writer.write(writer.add_connection(topic, msgtype, typestore=STORE), START_NS, raw)
        connection = writer.add_connection('/bot/action_events', ACTION_EVENT, typestore=store)
        writer.write(connection, START_NS, store.serialize_cdr(event, ACTION_EVENT))
    with open_bag(path) as bag:
        (found,) = events_of(bag)
        assert (found.stamp_ns, found.sequence, found.action) == (3_000_000_004, 9, 1)
        assert (found.source, found.message) == ('', '')
        text = ' '.join(bag.notes)
        assert 'no field source' in text and 'a field colour that is not known here' in text


def test_a_field_of_another_type_is_refused(tmp_path):
    store = old_store('std_msgs/Header header\nstring sequence')
    path = tmp_path / 'bag'
    with Writer(path, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        for topic, msgtype, raw in (SPACE_MESSAGE, IMAGE_MESSAGE):
            writer.write(writer.add_connection(topic, msgtype, typestore=STORE), START_NS, raw)
        connection = writer.add_connection('/bot/action_events', ACTION_EVENT, typestore=store)
        writer.write(connection, START_NS, b'\0\1\0\0')
    with pytest.raises(BagError, match='sequence is string in this bag, uint64 here'):
        open_bag(path)


def test_a_damaged_event_is_refused_when_it_is_reached(tmp_path):
    damaged = (EVENT_MESSAGE[0], ACTION_EVENT, bytes(EVENT_MESSAGE[2])[:20])
    path = bag_of(tmp_path / 'bag', SPACE_MESSAGE, IMAGE_MESSAGE, EVENT_MESSAGE, damaged)
    with open_bag(path) as bag, pytest.raises(BagError, match='damaged action event'):
        list(bag.items())


def test_a_bag_that_is_being_written_is_refused(tmp_path):
    path = write_bag(tmp_path / 'bag', IMAGES)
    (path / 'metadata.yaml').unlink()
    file = path / 'bag.mcap'
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(BagError, match='is being written right now'):
        open_bag(path)
    with open_bag(path, allow_growing=True) as bag:
        assert len(frames_of(bag)) == 2


def hold_open(path: Path, ready, end) -> None:
    with path.open('ab'):
        ready.set()
        end.wait(30)


def test_a_file_that_another_process_writes_counts_as_being_written(tmp_path):
    path = tmp_path / 'x.mcap'
    path.write_bytes(b'abc')
    later = time.time() + 60
    assert is_being_written(path)
    assert not is_being_written(path, later)
    context = multiprocessing.get_context('spawn')
    ready, end = context.Event(), context.Event()
    writer = context.Process(target=hold_open, args=(path, ready, end))
    writer.start()
    try:
        assert ready.wait(30)
        assert is_being_written(path, later)
    finally:
        end.set()
        writer.join(30)
    assert not is_being_written(path, later)


@pytest.mark.parametrize(
    ('setting', 'text'),
    [
        ({'storage': 'tape'}, 'tape.*mcap, sqlite3'),
        ({'compression': 'zip'}, 'zip.*zstd_chunks'),
        ({'storage': 'sqlite3', 'compression': 'zstd_chunks'}, 'needs the storage mcap'),
        ({'cameras': ('a', 'a')}, 'different names'),
    ],
)
def test_a_writer_refuses_unknown_settings(tmp_path, setting, text):
    with pytest.raises(BagError, match=text):
        BagWriter(tmp_path / 'bag', action_space=SPACE, session_info=INFO, **setting)

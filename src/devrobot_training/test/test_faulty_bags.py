"""A faulty bag ends in one clear line, and nothing half-built stays behind."""

from pathlib import Path

from devrobot_interfaces_py.actions import Phase
from devrobot_interfaces_py.bag_messages import MessageMaker
from devrobot_interfaces_py.bag_types import make_typestore
from devrobot_interfaces_py.images import encode_jpeg
from devrobot_training.sessions.cache import FOLDER
from devrobot_training.sessions.opening import open_session
from devrobot_training.sessions.session import SessionError
import pytest
from rosbags.rosbag2 import Reader, StoragePlugin, Writer
from session_worlds import driver_anew, picture, STEP_NS, Tape, tape


def late_frame(made: Tape) -> None:
    stamp, image = made.items[3]
    made.items.insert(7, (stamp + 1, image))


def clock_back(made: Tape) -> None:
    made.now_ns -= 40 * STEP_NS
    for _ in range(3):
        made.act(1)


def late_event(made: Tape) -> None:
    made.now_ns += STEP_NS
    back = made.now_ns - 3 * STEP_NS
    made.sequence += 1
    made.event(Phase.STARTED, 1)
    made.now_ns, now = back, made.now_ns
    made.event(Phase.FINISHED, 1)
    made.now_ns = now
    made.frame()


def larger_image(made: Tape) -> None:
    stamp, _ = made.items[6]
    made.items[6] = (stamp, picture(2, height=8))


FAULTS = {
    'frame stamp goes back': (late_frame, 'before the frame ahead of it: out of order'),
    'event stamp goes back': (late_event, 'before the event ahead of it: out of order'),
    'sequence number repeats': (driver_anew, 'action number 1 starts after 6: numbers repeat'),
    'image of another size': (larger_image, 'is 8x6 pixels, those before it 4x6'),
}
SPOILERS = {**FAULTS, 'clock': (clock_back, 'or the clock was set back')}


@pytest.mark.parametrize(('spoil', 'text'), SPOILERS.values(), ids=SPOILERS)
def test_a_fault_is_told_in_one_line_with_the_way_out(tmp_path, spoil, text):
    made = tape([1, 0, 1, 0, 1, 1])
    spoil(made)
    refuse(made.write(tmp_path / 'bag'), text, '--skip-faulty')


def refuse(path: Path, *texts: str) -> None:
    with pytest.raises(SessionError) as caught:
        open_session(path)
    message = str(caught.value)
    assert all(text in message for text in texts), message
    assert '\n' not in message and path.name in message
    assert not (path / FOLDER).exists()
    assert not path.with_name(path.name + FOLDER).exists()


@pytest.mark.parametrize(('reason', 'spoil'), [(r, s) for r, (s, _) in FAULTS.items()])
def test_skipping_leaves_out_what_a_fault_touches_and_counts_it(tmp_path, reason, spoil):
    made = tape([1, 0, 1, 0, 1, 1])
    spoil(made)
    session = open_session(made.write(tmp_path / 'bag'), skip_faulty=True)
    assert session.unpaired[reason] >= 1
    assert len(session) >= 4
    assert_every_transition_happened(session)


def assert_every_transition_happened(session) -> None:
    """Numbers in the pixels count up by one per frame."""
    numbers = session.frames[:, 0, 0, 0].astype(int)
    rows = session.transitions
    assert (numbers[rows['after']] - numbers[rows['before']] == 1).all()
    for window in session.windows(2):
        assert rows['after'][window[0]] == rows['before'][window[1]]


def test_a_corrupt_jpeg_is_told_with_its_time_and_never_black(tmp_path):
    path = corrupt(tape([1, 0, 1, 0]).write(tmp_path / 'whole', image_format='jpeg'), tmp_path)
    refuse(path, 'cannot be used', '--skip-faulty')
    session = open_session(path, skip_faulty=True)
    assert session.unpaired == {'unreadable image': 2}  # it ends one action and begins the next
    assert session.transitions['sequence'].tolist() == [1, 4]
    assert session.transitions['chain'].tolist() == [0, 1]


def corrupt(source: Path, folder: Path) -> Path:
    """Copy a bag; its third image is cut off."""
    path, count = folder / 'corrupt', 0
    make = MessageMaker(make_typestore())
    data = encode_jpeg(picture(1, 16, 16))
    broken = make.compressed(data[: len(data) // 2], 'jpeg', 1, '')
    with (
        Reader(source) as reader,
        Writer(path, version=9, storage_plugin=StoragePlugin.MCAP) as writer,
    ):
        known = {
            c.topic: writer.add_connection(
                c.topic, c.msgtype, msgdef=c.msgdef.data, rihs01='RIHS01_0'
            )
            for c in reader.connections
        }
        for connection, stamp, raw in reader.messages():
            if 'compressed' in connection.topic:
                count += 1
                raw = with_stamp_of(raw, broken) if count == 3 else raw
            writer.write(known[connection.topic], stamp, raw)
    return path


def with_stamp_of(raw: bytes, other: memoryview) -> bytes:
    return bytes(other[:4]) + bytes(raw[4:12]) + bytes(other[12:])


def test_a_bag_without_whole_actions_is_refused(tmp_path):
    made = Tape()
    for _ in range(3):
        made.frame()
    made.event(Phase.STARTED)
    refuse(made.write(tmp_path / 'bag'), 'nothing to learn from: 1 no finish event')


def test_empty_and_foreign_bags_are_refused(tmp_path):
    refuse(tmp_path / 'none', 'there is no such bag')
    refuse(Tape([]).write(tmp_path / 'empty'), 'is empty')
    made = Tape()
    made.frame()
    refuse(made.write(tmp_path / 'no_events'), 'no action events')
    made = Tape()
    made.event(Phase.STARTED)
    refuse(made.write(tmp_path / 'no_images'), 'no images')


def test_missing_metadata_is_a_note(tmp_path):
    path = tape([1, 0]).write(tmp_path / 'bag')
    (path / 'metadata.yaml').unlink()
    session = open_session(path)
    assert len(session) == 2 and 'ros2 bag reindex' in session.notes[0]


def test_a_bag_that_is_being_written_is_refused(tmp_path):
    path = tape([1, 0]).write(tmp_path / 'bag')
    (path / 'metadata.yaml').unlink()
    file = path / 'bag.mcap'
    file.write_bytes(file.read_bytes()[:-20])
    refuse(path, 'is being written right now')

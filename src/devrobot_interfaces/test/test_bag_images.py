"""Images of bags become RGB pixels, without a copy where that is possible."""

from bag_worlds import frames_of, images, START_NS, write_bag
from devrobot_interfaces_py.actions import ActionEvent, Phase
from devrobot_interfaces_py.bag_decode import (
    CdrError,
    read_action_event,
    read_compressed_image,
    read_image,
    stamp_ns,
)
from devrobot_interfaces_py.bag_messages import MessageMaker
from devrobot_interfaces_py.bag_types import (
    ACTION_EVENT,
    COMPRESSED_IMAGE,
    IMAGE,
    make_typestore,
)
from devrobot_interfaces_py.bags import BagError, open_bag
from devrobot_interfaces_py.images import encode_jpeg
import numpy as np
import pytest

STORE = make_typestore()
FRAMES = images(3, height=5, width=7)


def raw_image(encoding: str, step: int, data: np.ndarray, frame_id: str = 'camera'):
    kind = STORE.types
    message = kind[IMAGE](
        header=kind['std_msgs/msg/Header'](
            stamp=kind['builtin_interfaces/msg/Time'](sec=12, nanosec=34), frame_id=frame_id
        ),
        height=5,
        width=7,
        encoding=encoding,
        is_bigendian=0,
        step=step,
        data=data,
    )
    return bytes(STORE.serialize_cdr(message, IMAGE))


@pytest.mark.parametrize('frame_id', ['', 'a', 'ab', 'abc', 'abcd', 'käm'])
@pytest.mark.parametrize('encoding', ['rgb8', 'mono8', '8UC3', 'x'])
def test_image_fields_are_those_that_rosbags_reads(encoding, frame_id):
    data = np.arange(5 * 21, dtype=np.uint8)
    raw = raw_image(encoding, 21, data, frame_id)
    ours, theirs = read_image(raw), STORE.deserialize_cdr(raw, IMAGE)
    for name in ('height', 'width', 'encoding', 'step'):
        assert getattr(ours, name) == getattr(theirs, name)
    assert bytes(ours.data) == bytes(theirs.data) == data.tobytes()
    assert stamp_ns(raw) == 12_000_000_034


@pytest.mark.parametrize('name', ['', 'png', 'rgb8; jpeg compressed bgr8'])
def test_compressed_fields_are_those_that_rosbags_reads(name):
    raw = bytes(MessageMaker(STORE).compressed(b'12345', name, 7, 'cam'))
    ours, theirs = read_compressed_image(raw), STORE.deserialize_cdr(raw, COMPRESSED_IMAGE)
    assert (ours.format, bytes(ours.data)) == (theirs.format, bytes(theirs.data))


@pytest.mark.parametrize('source', ['', 'a', 'abc', 'selector:ü'])
def test_event_fields_are_those_that_rosbags_reads(source):
    event = ActionEvent(
        stamp_ns=5_000_000_006,
        sequence=2**40 + 1,
        phase=Phase.ABORTED,
        action=65535,
        source=source,
        message='why not',
    )
    raw = bytes(MessageMaker(STORE).event(event))
    theirs = STORE.deserialize_cdr(raw, ACTION_EVENT)
    fields = (5_000_000_006, theirs.sequence, theirs.phase, theirs.action.index, theirs.source)
    assert read_action_event(raw) == (*fields, theirs.message)


@pytest.mark.parametrize('read', [read_image, read_action_event, read_compressed_image])
def test_bytes_that_end_early_are_refused(read):
    makers = {
        read_image: raw_image('rgb8', 21, np.zeros(105, np.uint8)),
        read_compressed_image: bytes(MessageMaker(STORE).compressed(b'1234', 'png', 7, 'c')),
        read_action_event: bytes(
            MessageMaker(STORE).event(ActionEvent(stamp_ns=1, sequence=1, phase=Phase.STARTED,
                                                  source='abcd', message='efgh'))
        ),
    }  # fmt: skip
    raw = makers[read]
    read(raw)
    for size in range(len(raw) - 4):
        with pytest.raises(CdrError):
            read(raw[:size])


def test_rgb_pixels_are_a_view_on_the_message(tmp_path):
    with open_bag(write_bag(tmp_path / 'bag', FRAMES)) as bag:
        frame = frames_of(bag)[0]
        image = frame.image()
        assert np.shares_memory(image, np.frombuffer(frame.parts[0], np.uint8))
        assert not image.flags.writeable


def test_padded_rows_and_other_encodings_become_the_same_pixels():
    frame = FRAMES[0]
    padded = np.zeros((5, 24), np.uint8)
    padded[:, :21] = frame.reshape(5, 21)
    variants = {
        ('rgb8', 24): padded,
        ('bgr8', 21): frame[..., ::-1],
        ('rgba8', 28): np.dstack([frame, np.full((5, 7), 9, np.uint8)]),
    }
    from devrobot_interfaces_py.bag_images import image_reader

    read = image_reader(IMAGE, STORE, STORE)
    for (encoding, step), data in variants.items():
        raw = raw_image(encoding, step, np.ascontiguousarray(data).reshape(-1))
        assert np.array_equal(read(raw), frame), encoding
    grey = read(raw_image('mono8', 7, np.arange(35, dtype=np.uint8)))
    assert grey.shape == (5, 7, 3) and grey[1, 0].tolist() == [7, 7, 7]


def test_png_is_lossless_and_jpeg_is_close(tmp_path):
    smooth = np.indices((16, 24)).sum(0)[..., None].repeat(3, 2).astype(np.uint8) * 5
    for name, tolerance in (('png', 0), ('jpeg', 12)):
        path = write_bag(tmp_path / name, smooth[None], image_format=name)
        with open_bag(add_an_action(path, tmp_path / f'{name}_2', smooth, name)) as bag:
            error = np.abs(frames_of(bag)[0].image().astype(int) - smooth).max()
            assert error <= tolerance
            assert 'compressed images' in bag.notes[0]


def add_an_action(path, target, smooth, name):
    """A bag without events is none: write it again with two frames."""
    with pytest.raises(BagError, match='no action events'):
        open_bag(path)
    return write_bag(target, np.stack([smooth, smooth]), image_format=name)


def test_several_cameras_are_stacked_in_the_order_of_the_session_info(tmp_path):
    path = write_bag(tmp_path / 'bag', FRAMES, cameras=('zebra', 'ant'))
    with open_bag(path) as bag:
        assert bag.image_topics == ('/bot/zebra/image_raw', '/bot/ant/image_raw')
        image = frames_of(bag)[1].image()
        assert image.shape == (10, 7, 3)
        assert np.array_equal(image, np.concatenate([FRAMES[1], FRAMES[1]]))


def test_a_damaged_jpeg_is_told_with_its_time(tmp_path):
    data = bytearray(encode_jpeg(images(1, 16, 16)[0]))
    del data[len(data) // 2 :]
    raw = bytes(MessageMaker(STORE).compressed(bytes(data), 'jpeg', START_NS, 'c'))
    from devrobot_interfaces_py.bag_images import image_reader
    from devrobot_interfaces_py.bags import BagFrame

    reader = image_reader(COMPRESSED_IMAGE, STORE, STORE)
    frame = BagFrame(stamp_ns=START_NS, log_ns=0, parts=(raw,), readers=(reader,))
    with pytest.raises(BagError, match=str(START_NS)):
        frame.image()

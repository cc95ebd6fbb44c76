"""Every storage and compression that rosbag2 offers reads the same."""

from io import BytesIO
from itertools import product
from pathlib import Path
import shutil

from bag_worlds import events_of, frames_of, images, INFO, SPACE, START_NS, write_bag
from devrobot_interfaces_py.bags import BagError, BagWriter, open_bag
from mcap.writer import CompressionType
from mcap.writer import Writer as McapWriter
import numpy as np
import pytest
from rosbags.rosbag2 import Reader, StoragePlugin, Writer
import yaml
import zstandard

FRAMES = images(7)
KINDS = [
    pair
    for pair in product(('mcap', 'sqlite3'), ('none', 'zstd_chunks', 'file', 'message'))
    if pair != ('sqlite3', 'zstd_chunks')
]


def check(path: Path, frames: np.ndarray = FRAMES, **options) -> tuple[str, ...]:
    """Check that a bag holds the session of ``write_bag``; return its notes."""
    with open_bag(path, **options) as bag:
        found = frames_of(bag)
        assert [frame.stamp_ns for frame in found] == [
            START_NS + number * 100_000_000 for number in range(len(frames))
        ]
        assert np.array_equal([frame.image() for frame in found], frames)
        happened = events_of(bag)
        assert [event.sequence for event in happened] == [
            number for number in range(1, len(frames)) for _ in range(3)
        ]
        assert happened[2].message == 'é' and happened[0].source == 'selector:alternate'
        assert bag.action_space == SPACE
        assert bag.session_info.parameters == INFO.parameters
        return bag.notes


@pytest.mark.parametrize(('storage', 'compression'), KINDS)
def test_what_is_written_is_read_in_every_storage_and_compression(tmp_path, storage, compression):
    path = write_bag(tmp_path / 'bag', FRAMES, storage=storage, compression=compression)
    assert check(path) == ()
    metadata = yaml.safe_load((path / 'metadata.yaml').read_text())
    facts = metadata['rosbag2_bagfile_information']
    assert facts['version'] == 9 and facts['storage_identifier'] == storage
    assert facts['message_count'] == 7 + 18 + 2


@pytest.mark.parametrize(('storage', 'compression'), KINDS)
def test_a_bare_file_is_read_without_its_folder(tmp_path, storage, compression):
    folder = write_bag(tmp_path / 'bag', FRAMES, storage=storage, compression=compression)
    (file,) = (entry for entry in folder.iterdir() if entry.name != 'metadata.yaml')
    bare = tmp_path / file.name
    shutil.move(file, bare)
    check(bare, allow_growing=True)


@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
def test_split_files_are_one_session_in_the_order_of_their_numbers(tmp_path, storage):
    folder = split(write_bag(tmp_path / 'bag', FRAMES, storage=storage), storage, parts=11)
    assert len(list(folder.iterdir())) == 12
    check(folder)
    (folder / 'metadata.yaml').unlink()
    notes = check(folder, allow_growing=True)
    assert 'ros2 bag reindex' in notes[0]


def split(source: Path, storage: str, parts: int) -> Path:
    """Copy a bag into one of several files, as ``ros2 bag record --max-bag-duration`` makes it."""
    folder = source.with_name('split')
    folder.mkdir()
    names, total = [], 0
    with Reader(source) as reader:
        messages = list(reader.messages())
        for part, chunk in enumerate(np.array_split(np.arange(len(messages)), parts)):
            piece = folder.with_name(f'split_{part}')
            with Writer(piece, version=9, storage_plugin=StoragePlugin[storage.upper()]) as writer:
                known = {c.topic: copy_connection(writer, c) for c in reader.connections}
                for index in chunk:
                    connection, stamp, data = messages[index]
                    writer.write(known[connection.topic], stamp, data)
            facts = yaml.safe_load((piece / 'metadata.yaml').read_text())
            (file,) = (entry for entry in piece.iterdir() if entry.name != 'metadata.yaml')
            shutil.move(file, folder / file.name)
            names.append(file.name)
            total += len(chunk)
    information = facts['rosbag2_bagfile_information']
    information |= {'relative_file_paths': names, 'message_count': total}
    whole = yaml.safe_load((source / 'metadata.yaml').read_text())['rosbag2_bagfile_information']
    information['topics_with_message_count'] = whole['topics_with_message_count']
    (folder / 'metadata.yaml').write_text(yaml.safe_dump(facts))
    return folder


def copy_connection(writer: Writer, connection):
    return writer.add_connection(
        connection.topic,
        connection.msgtype,
        msgdef=connection.msgdef.data,
        rihs01=connection.digest or 'RIHS01_0',
    )


@pytest.mark.parametrize('chunked', [True, False])
@pytest.mark.parametrize('compression', ['NONE', 'ZSTD', 'LZ4'])
def test_files_of_the_mcap_library_are_read(tmp_path, compression, chunked):
    source = write_bag(tmp_path / 'bag', FRAMES)
    path = tmp_path / 'theirs.mcap'
    with path.open('wb') as stream:
        rewrite(source, stream, compression=CompressionType[compression], use_chunking=chunked)
    check(path)


def rewrite(source: Path, stream, *, finish: bool = True, **options) -> McapWriter:
    """Write the messages of a bag with the mcap library's own writer."""
    writer = McapWriter(stream, chunk_size=600, **options)
    writer.start(profile='ros2', library='test')
    with Reader(source) as reader:
        channels = {}
        for connection in reader.connections:
            schema = writer.register_schema(
                connection.msgtype, 'ros2msg', connection.msgdef.data.encode()
            )
            channels[connection.topic] = writer.register_channel(connection.topic, 'cdr', schema)
        for number, (connection, stamp, data) in enumerate(reader.messages()):
            writer.add_message(channels[connection.topic], stamp, bytes(data), stamp, number)
    if finish:
        writer.finish()
    return writer


@pytest.mark.parametrize('chunked', [True, False])
def test_a_torn_file_is_read_up_to_its_last_whole_record(tmp_path, chunked):
    source = write_bag(tmp_path / 'bag', FRAMES)
    stream = BytesIO()
    rewrite(source, stream, compression=CompressionType.NONE, use_chunking=chunked)
    whole = stream.getvalue()
    path = tmp_path / 'torn.mcap'
    counts = []
    for size in range(len(whole) - 9, 1000, -97):
        path.write_bytes(whole[:size])
        try:
            with open_bag(path, allow_growing=True) as bag:
                found = frames_of(bag)
                assert np.array_equal([f.image() for f in found], FRAMES[: len(found)])
                assert 'cut off' in bag.notes[0] and 'reindex' in bag.notes[0]
                counts.append(len(found))
        except BagError as error:
            assert counts and counts[-1] <= 1, f'{size}: {error}'
            assert '\n' not in str(error)
    assert counts[0] == len(FRAMES) and counts == sorted(counts, reverse=True)
    assert chunked or set(counts) >= set(range(2, len(FRAMES) + 1))


def test_a_torn_file_in_a_folder_is_read_beside_whole_ones(tmp_path):
    folder = split(write_bag(tmp_path / 'bag', FRAMES), 'mcap', parts=3)
    last = folder / 'split_2.mcap'
    last.write_bytes(last.read_bytes()[:-8])
    notes = check(folder, allow_growing=True)
    assert any('split_2.mcap: cut off' in note for note in notes)


def test_rosbags_itself_reads_what_the_writer_makes(tmp_path):
    with Reader(write_bag(tmp_path / 'bag', FRAMES)) as reader:
        assert {c.topic: (c.msgtype, c.msgcount) for c in reader.connections} == {
            '/bot/action_space': ('devrobot_interfaces/msg/ActionSpace', 1),
            '/bot/session_info': ('devrobot_interfaces/msg/SessionInfo', 1),
            '/bot/action_events': ('devrobot_interfaces/msg/ActionEvent', 18),
            '/bot/image_raw': ('sensor_msgs/msg/Image', 7),
        }
        assert all(c.digest.startswith('RIHS01_') for c in reader.connections)


def test_nothing_is_left_of_a_bag_that_failed(tmp_path):
    with (
        pytest.raises(ZeroDivisionError),
        BagWriter(tmp_path / 'bag', action_space=SPACE, session_info=INFO) as writer,
    ):
        writer.frame(START_NS, FRAMES[0])
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_a_bag_is_not_overwritten(tmp_path):
    path = write_bag(tmp_path / 'bag', FRAMES)
    with pytest.raises(BagError, match='exists already'):
        write_bag(path, FRAMES)
    check(path)


def test_a_file_compressed_by_hand_is_read(tmp_path):
    folder = write_bag(tmp_path / 'bag', FRAMES)
    data = (folder / 'bag.mcap').read_bytes()
    path = tmp_path / 'alone.mcap.zst'
    path.write_bytes(zstandard.ZstdCompressor().compress(data))
    check(path)

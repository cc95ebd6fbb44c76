"""What a crash left becomes a bag again, with all that was whole."""

import os
from pathlib import Path
import shutil
import subprocess
import sys

from mcap.records import Chunk
from mcap.stream_reader import StreamReader
import pytest
from ros2_standin.bagging import mending
from ros2_standin.bagging.files import compress_file
from ros2_standin.bagging.reading import bag_metadata
from ros2_standin.errors import StandinError
import standin_bags as bags


def torn(folder: Path, **options: object) -> Path:
    """Return the file of a recording that was killed: flushed twice, never closed."""
    files = bags.write(folder, closed=False, **options)
    (connection,) = files.facts.connections
    for value in range(10, 20):
        files.write(connection, bags.START_NS + value * bags.STEP_NS, bags.string(value))
    files.flush()
    path = folder / files.newest.name
    copy = path.read_bytes()
    files.give_up()
    path.write_bytes(copy)
    return path


@pytest.mark.parametrize('preset', ['none', 'zstd_fast'])
def test_a_file_cut_anywhere_keeps_its_whole_records(tmp_path, preset):
    whole = torn(tmp_path / 'bag', preset=preset).read_bytes()
    kept = []
    for length in range(len(whole), 0, -max(1, len(whole) // 40)):
        folder = tmp_path / f'cut_{length}'
        folder.mkdir()
        path = folder / 'bag_0.mcap'
        path.write_bytes(whole[:length])
        try:
            mended = mending.reindex(folder)
        except StandinError as error:
            assert str(error) == f"'{folder}' was cut off before its first message: remove it"
            kept.append(0)
            continue
        assert mended.torn == ['bag_0.mcap']
        kept.append(len(bags.read(folder)))
        assert bags.read(folder) == list(range(kept[-1])) == bags.read_mcap(path)
    assert kept[0] == 20 and kept[-1] == 0 and kept == sorted(kept, reverse=True)
    assert 10 in kept


def test_a_mended_file_stays_compressed(tmp_path):
    for preset, compression in (('none', ''), ('zstd_fast', 'zstd')):
        path = torn(tmp_path / preset, preset=preset)
        mending.reindex(path.parent)
        with path.open('rb') as stream:
            records = list(StreamReader(stream, emit_chunks=True).records)
        assert {r.compression for r in records if isinstance(r, Chunk)} == {compression}


def test_types_and_quality_of_service_survive(tmp_path):
    latched = bags.quality(latched=True, depth=1)
    folder = torn(tmp_path / 'torn', topics={'/numbers': latched}).parent
    bags.write(tmp_path / 'whole', topics={'/numbers': latched})
    mending.reindex(folder)
    (topic,) = bags.metadata(folder)['topics_with_message_count']
    (expected,) = bags.metadata(tmp_path / 'whole')['topics_with_message_count']
    assert topic['topic_metadata'] == expected['topic_metadata']
    assert topic['message_count'] == 20


def test_what_sqlite_had_not_committed_is_rolled_back(tmp_path):
    code = (
        'import os, sys; sys.path[:0] = sys.argv[2:]; import standin_bags as bags\n'
        'from pathlib import Path\n'
        "files = bags.write(Path(sys.argv[1]), closed=False, storage='sqlite3')\n"
        '(connection,) = files.facts.connections\n'
        'files._file.conn.execute("PRAGMA cache_size = 1")\n'
        'for value in range(10, 500):\n'
        '    files.write(connection, bags.START_NS + value, bags.string(value, 5000))\n'
        'os.kill(os.getpid(), 9)\n'
    )
    path = [str(Path(__file__).parent), *filter(None, sys.path)]
    subprocess.run([sys.executable, '-c', code, str(tmp_path / 'bag'), *path], check=False)
    folder = tmp_path / 'bag'
    assert (folder / 'bag_0.db3-journal').exists()
    mended = mending.reindex(folder)
    assert bags.read(folder) == list(range(10)) and mended.facts.storage == 'sqlite3'
    assert sorted(p.name for p in folder.iterdir()) == ['bag_0.db3', 'metadata.yaml']


def test_a_file_without_messages_is_left_out(tmp_path):
    bags.write(tmp_path / 'bag', splits=(5,), custom={'session': 'walk'})
    (tmp_path / 'bag' / 'bag_2.mcap').write_bytes(b'\x89MCAP0\r\n')
    mended = mending.reindex(tmp_path / 'bag')
    assert mended.left_out == ['bag_2.mcap']
    assert bags.read(tmp_path / 'bag') == list(range(10))
    assert bags.metadata(tmp_path / 'bag')['custom_data'] == {'session': 'walk'}


def test_forms_are_made_one_after_a_crash_between_compressing_and_removing(tmp_path):
    folder = tmp_path / 'bag'
    bags.write(folder, splits=(4, 7), preset='none')
    shutil.copy(folder / 'bag_0.mcap', tmp_path)
    compress_file(folder / 'bag_0.mcap')
    shutil.copy(tmp_path / 'bag_0.mcap', folder)
    (folder / '.bag_1.mcap.zstd.77.partial').touch()
    (folder / '.bag_1.77.partial').mkdir()
    (folder / 'metadata.yaml').unlink()
    mending.reindex(folder)
    assert sorted(p.name for p in folder.iterdir()) == [
        'bag_0.mcap.zstd',
        'bag_1.mcap.zstd',
        'bag_2.mcap.zstd',
        'metadata.yaml',
    ]
    assert bags.metadata(folder)['compression_mode'] == 'file'
    assert bags.read(folder) == list(range(10))


@pytest.mark.parametrize('mode', ['message', 'file'])
def test_the_compression_of_a_bag_is_seen_from_its_files(tmp_path, mode):
    bags.write(tmp_path / 'bag', storage='sqlite3', compression_mode=mode)
    before = (tmp_path / 'bag' / 'metadata.yaml').read_text()
    (tmp_path / 'bag' / 'metadata.yaml').unlink()
    mending.reindex(tmp_path / 'bag')
    assert (tmp_path / 'bag' / 'metadata.yaml').read_text() == before


def test_a_bag_that_is_being_written_is_left_alone(tmp_path):
    files = bags.write(tmp_path / 'bag', closed=False)
    path = tmp_path / 'bag' / files.newest.name
    before = path.read_bytes()
    reason = f"'{tmp_path / 'bag'}' is being written by process {os.getpid()}: stop it first"
    with pytest.raises(StandinError, match=f'^{reason}$'):
        mending.reindex(tmp_path / 'bag')
    assert path.read_bytes() == before and not (tmp_path / 'bag' / 'metadata.yaml').exists()
    files.close()
    with path.open('rb'):
        mending.reindex(tmp_path / 'bag')
    assert bags.read(tmp_path / 'bag') == list(range(10))


def test_a_folder_that_is_no_bag_is_refused(tmp_path):
    for folder in (tmp_path, tmp_path / 'gone'):
        with pytest.raises(StandinError, match=r'has no .mcap or .db3 files$'):
            mending.reindex(folder)
    (tmp_path / 'x.db3').write_bytes(b'no database' * 100)
    with pytest.raises(StandinError, match='x.db3. cannot be read: file is not a database'):
        mending.reindex(tmp_path)
    with pytest.raises(StandinError, match='ros2 bag reindex writes it anew'):
        bag_metadata(tmp_path)

"""The thread that writes keeps order, splits in time, and is heard of when it fails."""

from collections.abc import Callable
import io
from pathlib import Path
import time

import pytest

pytest.importorskip('rclpy')

from ros2_standin.bagging.files import BagFiles, StorageOptions
from ros2_standin.bagging.recording import Limits, Writer
from ros2_standin.errors import StandinError
import standin_bags as bags

DEADLINE_S = 20.0


class Session:
    """A writer with one topic."""

    def __init__(self, folder: Path, storage: str = 'mcap', **limits: int) -> None:
        self.folder = folder
        files = BagFiles(folder, StorageOptions(storage=storage), {})
        files.make_folder()
        self.writer = Writer(files, Limits(**limits))
        self.writer.start()
        self.place: list = []
        definition, qos = bags.definition(), [bags.quality()]
        self.writer.call(lambda f: self.place.append(f.add_topic('/numbers', definition, qos)))

    def put(self, number: int, size: int = 0, step_ns: int = bags.STEP_NS) -> None:
        stamp_ns = bags.START_NS + number * step_ns
        self.writer.put(self.place, stamp_ns, bags.string(number, size))

    def counts(self) -> list[int]:
        """Stop, and return how many messages each file has."""
        self.writer.stop()
        return [file['message_count'] for file in bags.metadata(self.folder)['files']]


def wait_for(condition: Callable[[], object]) -> None:
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
def test_everything_is_written_in_order(tmp_path, storage):
    session = Session(tmp_path / 'bag', storage)
    for number in range(500):
        session.put(number)
    assert session.counts() == [500]
    assert bags.read(tmp_path / 'bag') == list(range(500))


@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
def test_a_file_ends_with_the_message_that_makes_it_too_big(tmp_path, storage):
    session = Session(tmp_path / 'bag', storage, file_bytes=100_000)
    for number in range(50):
        session.put(number, size=10_000)
    counts = session.counts()
    assert sum(counts) == 50 and len(counts) > 3
    sizes = [path.stat().st_size for path in (tmp_path / 'bag').glob('bag_*')]
    assert all(90_000 < size < 150_000 for size in sorted(sizes)[1:])
    assert bags.read(tmp_path / 'bag') == list(range(50))


def test_a_file_ends_before_the_message_that_makes_it_too_long(tmp_path):
    session = Session(tmp_path / 'bag', file_ns=1_000_000_000)
    for number in range(23):
        session.put(number)
    assert session.counts() == [11, 11, 1]


def test_no_limit_makes_an_empty_file(tmp_path):
    for name, file_bytes in (('small', 10), ('bag', 1024)):
        session = Session(tmp_path / name, file_bytes=file_bytes, file_ns=1)
        session.put(0, size=5000)
        session.put(1, size=5000)
        assert session.counts() == [1, 1]


def test_what_does_not_fit_is_dropped_and_counted(tmp_path):
    session = Session(tmp_path / 'bag', cache_bytes=3000)
    wait_for(lambda: session.place)
    with session.writer._lock:
        # The lock is one of those that their thread can take again.
        for number in range(5):
            session.put(number, size=1000)
    assert session.counts() == [2] and session.writer.dropped == 3
    assert bags.read(tmp_path / 'bag') == [0, 1]


def test_a_cache_of_size_0_has_no_limit(tmp_path):
    session = Session(tmp_path / 'bag', cache_bytes=0)
    session.put(0)
    assert session.counts() == [1] and session.writer.dropped == 0


def fill_the_disk(files: BagFiles) -> None:
    file = files._file
    if hasattr(file, 'conn'):
        (pages,) = file.conn.execute('PRAGMA page_count').fetchone()
        file.conn.execute(f'PRAGMA max_page_count = {pages}')
    else:
        file.bio = io.BufferedWriter(io.FileIO('/dev/full', 'w'))


@pytest.mark.parametrize(
    'storage, reason',
    [('mcap', 'No space left on device'), ('sqlite3', 'database or disk is full')],
)
def test_a_full_disk_is_said_in_one_line_that_names_the_way_out(tmp_path, storage, reason):
    session = Session(tmp_path / 'bag', storage)
    session.put(0)
    session.writer.call(fill_the_disk)
    for number in range(100):
        session.put(number, size=10_000)
    wait_for(lambda: session.writer._error is not None)
    line = (
        f"'{tmp_path / 'bag'}' cannot be written: {reason}; what is there can be mended: "
        f'ros2 bag reindex {tmp_path / "bag"}'
    )
    for step in (session.writer.check, session.writer.stop):
        with pytest.raises(StandinError) as caught:
            step()
        assert str(caught.value) == line
    assert not (tmp_path / 'bag' / 'metadata.yaml').exists()


def test_a_file_that_cannot_be_made_is_heard_of(tmp_path):
    session = Session.__new__(Session)
    files = BagFiles(tmp_path / 'bag', StorageOptions(), {})
    session.writer = Writer(files, Limits())
    session.writer.start()
    with pytest.raises(StandinError, match='cannot be written: No such file or directory'):
        session.writer.stop()

"""Rules of the session folders: what counts as one, which stay, what a deletion leaves."""

from collections.abc import Iterator
import os
from pathlib import Path
import subprocess
import sys

from devrobot_interfaces_py.session_files import SUFFIX, write_session_file
from devrobot_robots.recording.claims import claim_name, marker_of
from devrobot_robots.recording.config import GIGABYTE, RecorderConfig
from devrobot_robots.recording.free_space import free_bytes, shortage
from devrobot_robots.recording.housekeeping import Housekeeping, reference_root
from devrobot_robots.recording.stored_sessions import delete_session, stored_sessions, sweep
import pytest

SIZE = 1000
OLD_NS = 1_000_000_000_000


class Log:
    """What the recorder told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def info(self, message: str, /) -> None:
        self.lines.append(f'info: {message}')

    def warning(self, message: str, /) -> None:
        self.lines.append(f'warning: {message}')


class Store:
    """A folder of sessions, and the housekeeping that looks after it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / 'saved' / 'sessions' / 'toroidal_dot'
        self.folder.mkdir(parents=True)
        self.log = Log()
        self._housekeeping = Housekeeping(self.log)
        self._count = 0

    def add(self, name: str, *, size: int = SIZE, closed: bool = True) -> Path:
        """Add a session, newer than those before."""
        bag = self.folder / name
        bag.mkdir()
        file = bag / f'{name}_0.mcap'
        file.write_bytes(bytes(size))
        if closed:
            (bag / 'metadata.yaml').touch()
        self._count += 1
        os.utime(file, ns=(OLD_NS + self._count,) * 2)
        return bag

    def keep(self, budget_bytes: int, *, newest: Path | None = None, **settings) -> list[str]:
        """Keep to a budget and return the names of what is left."""
        config = RecorderConfig(
            sessions_dir=self.folder.parent, disk_budget_gb=budget_bytes / GIGABYTE, **settings
        )
        self._housekeeping.keep_budget(self.folder, config, newest=newest)
        return sorted(path.name for path in self.folder.iterdir())

    def refer(self, bag: Path, path: Path) -> None:
        """Write a view of a session, as a split does."""
        path.parent.mkdir(parents=True, exist_ok=True)
        write_session_file(
            path,
            bag=bag,
            digest='0' * 32,
            action_space_digest='0' * 16,
            ranges=[(0, 1)],
            made_by={'command': 'test'},
        )


@pytest.fixture
def store(tmp_path) -> Iterator[Store]:
    yield Store(tmp_path)


def test_the_oldest_session_goes_and_it_is_told(store):
    for name in ('b', 'a', 'c'):
        store.add(name)
    assert store.keep(2 * SIZE) == ['a', 'c']
    assert len(store.log.lines) == 1
    assert store.log.lines[0].startswith('info: deleted the old session ')
    assert 'toroidal_dot/b (1e-06 GB)' in store.log.lines[0]


def test_nothing_goes_while_all_fits_or_without_a_limit(store):
    for name in 'ab':
        store.add(name)
    assert store.keep(2 * SIZE) == ['a', 'b']
    assert store.keep(0) == ['a', 'b']
    assert store.log.lines == []


def test_a_cache_beside_the_bag_counts_and_goes_with_it(store):
    for name in 'ab':
        cache = store.add(name) / '.devrobot_cache' / 'key'
        cache.mkdir(parents=True)
        (cache / 'frames.npy').write_bytes(bytes(SIZE))
    assert store.keep(3 * SIZE) == ['b']


def test_only_folders_with_a_bag_are_counted_or_deleted(store, tmp_path):
    store.add('old')
    (store.folder / 'notes').mkdir()
    (store.folder / 'notes' / 'text').write_bytes(bytes(9 * SIZE))
    (store.folder / 'bare.mcap').write_bytes(bytes(9 * SIZE))
    elsewhere = tmp_path / 'elsewhere'
    elsewhere.mkdir()
    (elsewhere / 'x.mcap').write_bytes(bytes(9 * SIZE))
    (store.folder / 'link').symlink_to(elsewhere)
    assert [session.path.name for session in stored_sessions(store.folder)] == ['old']
    assert store.keep(1) == ['bare.mcap', 'link', 'notes']
    assert (elsewhere / 'x.mcap').exists()


def test_a_session_that_was_just_recorded_stays_and_it_is_told_once(store):
    store.add('old')
    newest = store.add('new')
    for _ in range(2):
        assert store.keep(1, newest=newest) == ['new']
    (warning,) = [line for line in store.log.lines if line.startswith('warning')]
    assert 'more than disk_budget_gb 1e-09' in warning
    assert 'new is just recorded' in warning


def test_a_session_that_is_being_recorded_stays(store):
    claim = claim_name(store.folder, 'old')
    store.add('old')
    store.add('new')
    assert store.keep(1) == ['.old.recording', 'old']
    claim.release()
    assert store.keep(1) == []


def test_a_bag_that_somebody_writes_by_hand_stays(store):
    bag = store.add('old', closed=False)
    code = 'import sys; f = open(sys.argv[1], "ab"); print("open", flush=True); sys.stdin.read()'
    with subprocess.Popen(
        [sys.executable, '-c', code, str(next(bag.glob('*.mcap')))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as writer:
        writer.stdout.readline()
        assert store.keep(1) == ['old']
        writer.stdin.close()
        writer.wait()
    assert store.keep(1) == []


def test_a_bag_without_metadata_that_was_just_written_stays(store):
    bag = store.add('old', closed=False)
    os.utime(next(bag.glob('*.mcap')))
    assert store.keep(1) == ['old']


@pytest.mark.parametrize('target', ['', 'old_0.mcap'])
def test_a_session_that_a_split_refers_to_stays(store, target):
    bag = store.add('old')
    store.add('new')
    store.refer(bag / target, store.root / 'saved' / 'splits' / f'stage_01{SUFFIX}')
    assert store.keep(1) == ['old']
    assert 'old is referred to by a *.session.json' in store.log.lines[-1]


def test_references_are_looked_for_where_the_settings_say(store, tmp_path):
    bag = store.add('old')
    store.refer(bag, tmp_path / 'elsewhere' / f'x{SUFFIX}')
    assert store.keep(1, references_dir=str(tmp_path / 'elsewhere')) == ['old']
    assert store.keep(1) == []


def test_with_an_unreadable_reference_nothing_is_deleted(store):
    store.add('old')
    (store.root / 'saved' / f'x{SUFFIX}').write_text('{"format": "dev')
    assert store.keep(1) == ['old']
    assert 'warning: no session is deleted' in store.log.lines[0]
    assert f'x{SUFFIX}' in store.log.lines[0]


def test_references_lie_beside_the_sessions_but_never_all_over_the_computer():
    assert reference_root(RecorderConfig()) == Path('saved').absolute()
    assert reference_root(RecorderConfig(sessions_dir=Path('/data'))) == Path('/data')
    assert reference_root(RecorderConfig(sessions_dir=Path('/data/s'))) == Path('/data')


def test_a_deletion_that_was_cut_off_is_finished_later(store):
    doomed = store.folder / '.old.deleted'
    doomed.mkdir()
    (doomed / 'x.mcap').write_bytes(bytes(SIZE))
    bag = store.add('new')
    marker_of(bag).touch()
    sweep(store.folder)
    assert [path.name for path in store.folder.iterdir()] == ['new']


def test_a_deleted_session_leaves_nothing(store):
    delete_session(store.add('old'))
    assert list(store.folder.iterdir()) == []


def test_free_space_is_that_of_the_disk_that_a_folder_will_be_on(tmp_path):
    assert abs(free_bytes(tmp_path / 'not' / 'yet') - free_bytes(tmp_path)) < GIGABYTE


def test_too_little_free_space_is_told_with_numbers_and_a_way_out():
    assert shortage(2 * GIGABYTE, Path('s'), 2.0) == ''
    assert shortage(GIGABYTE, Path('s'), 2.5) == (
        'the disk of s has 1.00 GB free, less than min_free_gb 2.5: delete something, or choose '
        'another sessions_dir'
    )

"""A signal at a bad moment leaves no traceback, and a folder that was made is a bag."""

from collections.abc import Iterator
from pathlib import Path
import signal

import pytest

pytest.importorskip('rclpy')

from rosbags.rosbag2 import Reader
import standin_bags as bags
from standin_processes import at_call_of, at_import_of, HANG, Process, processes

INT, TERM, HUP = signal.SIGINT, signal.SIGTERM, signal.SIGHUP
RECORD = ('record', '--topics', '/none')
SQLITE = (*RECORD, '-s', 'sqlite3')
#: verb, moment, exit code, and whether a bag is there afterwards.
MOMENTS = {
    'record_import_int': (RECORD, at_import_of('rclpy.context', INT), -INT, False),
    'record_import_term': (RECORD, at_import_of('rclpy.context', TERM), -TERM, False),
    'play_import_int': (('play', 'given'), at_import_of('rclpy', INT), -INT, False),
    'record_loaded_int': (RECORD, at_call_of('ros2_standin.app', '_load', INT), INT, False),
    'play_loaded_int': (('play', 'given'), at_call_of('ros2_standin.app', '_load', INT), 2, False),
    'record_parsed_int': (
        RECORD,
        at_call_of('ros2_standin.verbs.bag_record', 'build_parser', INT),
        0,
        True,
    ),
    'play_parsed_term': (
        ('play', 'given', '--loop', '--delay', '1000'),
        at_call_of('ros2_standin.verbs.bag_play', 'build_parser', TERM),
        0,
        False,
    ),
    **{
        f'record_folder_{number.name}': (
            words,
            at_call_of('ros2_standin.bagging.files', 'BagFiles.make_folder', number),
            0,
            True,
        )
        for words, number in ((RECORD, INT), (SQLITE, TERM), (RECORD, HUP))
    },
    'record_hangs': (
        RECORD,
        HANG + at_call_of('ros2_standin.bagging.files', 'BagFiles.make_folder', INT),
        0,
        True,
    ),
    'play_hangs': (('play', 'given', '--rate', '100'), HANG, 0, False),
    'record_twice': (
        RECORD,
        at_call_of('ros2_standin.bagging.files', 'BagFiles.make_folder', INT)
        + at_call_of('ros2_standin.bagging.recording', 'Writer.stop', INT),
        0,
        True,
    ),
}


@pytest.fixture(scope='module')
def ended(tmp_path_factory) -> Iterator[tuple[Path, dict[str, Process]]]:
    """Give what came of a signal in each of the moments, all at once."""
    root = tmp_path_factory.mktemp('signals')
    bags.write(root / 'given')
    with processes(root) as start:
        running = {}
        for name, (words, moment, _, _) in MOMENTS.items():
            output = ('-o', name) if words[0] == 'record' else ()
            running[name] = start(name, 'bag', *words, *output, before=moment)
        for process in running.values():
            process.wait()
        yield root, running


@pytest.mark.parametrize('name', MOMENTS)
def test_a_signal_at_a_bad_moment_leaves_no_mess(ended, name):
    root, running = ended
    _, _, code, has_bag = MOMENTS[name]
    lines = [line for line in running[name].err.splitlines() if not line.startswith('[INFO]')]
    assert (running[name].code, running[name].out, lines) == (code, '', [])
    assert (root / name).exists() == has_bag
    if has_bag:
        with Reader(root / name) as reader:
            assert reader.message_count == 0
        assert bags.metadata(root / name)['topics_with_message_count'] == []

"""The launch file records sessions that can be opened."""

from pathlib import Path
import signal
import time

from devrobot_interfaces_py.actions import ActionEvent, Phase
from devrobot_interfaces_py.bags import BagFrame, open_bag
from launched_robot import DEADLINE_S
import pytest


def wait_for_file(run, pattern: str, folder: Path, *, size: int = 0) -> Path:
    """Wait until a file of this name is there and larger than ``size`` bytes."""
    end = time.monotonic() + DEADLINE_S
    while True:
        found = [p for p in folder.glob(pattern) if p.stat().st_size > size]
        if found:
            return found[0]
        assert run.process.poll() is None, run.log.read_text()
        assert time.monotonic() < end, run.log.read_text()
        time.sleep(0.05)


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_session_is_recorded_until_everything_is_stopped(launch, tmp_path, number):
    run = launch(
        'record:=true', f'sessions_dir:={tmp_path}', 'session_id:=7', 'foxglove:=false', 'seed:=2'
    )
    wait_for_file(run, '*.mcap', tmp_path / 'toroidal_dot' / '7', size=20_000)
    end = time.monotonic() + DEADLINE_S
    # A signal while a process imports its modules ends it with a traceback of Python's own.
    while 'model for toroidal_dot is ready' not in run.log.read_text():
        assert run.process.poll() is None and time.monotonic() < end
        time.sleep(0.05)
    run.process.send_signal(number)
    run.process.wait(DEADLINE_S)
    assert 'Traceback' not in run.log.read_text()
    with open_bag(tmp_path / 'toroidal_dot' / '7') as bag:
        assert bag.session_info.session_id == '7'
        assert bag.notes == ()
        items = list(bag.items())
    # A recorder may be matched with the events a little before it is with the images.
    begin = next(number for number, item in enumerate(items) if isinstance(item, BagFrame))
    seen = items[begin + 1 :]
    finished = [i for i in seen if isinstance(i, ActionEvent) and i.phase is Phase.FINISHED]
    assert len(finished) > 3
    assert sum(isinstance(item, BagFrame) for item in seen) >= len(finished)


def test_standby_records_nothing_by_itself(launch, tmp_path):
    run = launch('record:=standby', f'sessions_dir:={tmp_path}', 'foxglove:=false')
    run.wait_for_line('is ready: ')
    assert list(tmp_path.glob('toroidal_dot/*')) == []
    run.stop()
    assert 'recording ' not in run.log.read_text()

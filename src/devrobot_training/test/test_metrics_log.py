"""A log keeps whole rows through rotation, crashes and full disks, and forgets what it is told."""

import json
import math
from pathlib import Path
import resource
import signal
import subprocess
import sys
import tempfile

from devrobot_training.fit.problems import RunError
from devrobot_training.logs.metrics_log import log_files, MetricsLog, read_rows
from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
from team_runs import environment
import torch


def batch(step: int, **more) -> dict:
    return {'kind': 'batch', 'step': step, 'loss': 1.0 / step, **more}


def steps(path: Path) -> list[int]:
    return [row['step'] for row in read_rows(path)]


def written(path: Path, numbers, **settings) -> Path:
    with MetricsLog(path, **settings) as log:
        for number in numbers:
            log.write(batch(number))
    return path


def test_rows_come_back_as_they_were(tmp_path):
    row = {'kind': 'interval', 'step': 3, 'validation': {'plain': 0.1}, 'rows': [1, 2], 'a': None}
    with MetricsLog(tmp_path / 'metrics.jsonl') as log:
        log.write(row)
        log.write(batch(4))
    assert list(read_rows(tmp_path / 'metrics.jsonl')) == [row, batch(4)]
    assert list(read_rows(tmp_path / 'metrics.jsonl', 'batch')) == [batch(4)]


def test_nothing_is_opened_before_the_first_row(tmp_path):
    with MetricsLog(tmp_path / 'metrics.jsonl'):
        pass
    assert list(tmp_path.iterdir()) == []
    assert list(read_rows(tmp_path / 'metrics.jsonl')) == []


@pytest.mark.parametrize('value', [math.nan, math.inf, -math.inf, np.float32('nan')])
def test_numbers_that_are_not_finite_become_null(tmp_path, value):
    path = tmp_path / 'metrics.jsonl'
    with MetricsLog(path) as log:
        log.write({'step': 1, 'loss': value, 'norms': {'a': value, 'b': 2.0}, 'all': [1.5, value]})
    assert list(read_rows(path)) == [
        {'step': 1, 'loss': None, 'norms': {'a': None, 'b': 2.0}, 'all': [1.5, None]}
    ]
    assert 'NaN' not in path.read_text() and 'Infinity' not in path.read_text()


def test_numbers_of_numpy_and_torch_are_taken_others_refused(tmp_path):
    path = tmp_path / 'metrics.jsonl'
    with MetricsLog(path) as log:
        log.write({'step': np.int64(2), 'loss': torch.tensor(0.5), 'rows': np.arange(3)})
        with pytest.raises(TypeError, match='cannot hold Path|cannot hold PosixPath'):
            log.write({'step': 3, 'path': tmp_path})
    assert list(read_rows(path)) == [{'step': 2, 'loss': 0.5, 'rows': [0, 1, 2]}]


def test_rows_of_batches_wait_and_others_do_not(tmp_path):
    path = tmp_path / 'metrics.jsonl'
    log = MetricsLog(path)
    log.write(batch(1))
    assert not path.exists()
    log.write({'kind': 'event', 'step': 1})
    assert steps(path) == [1, 1]
    for number in range(2, 52):
        log.write(batch(number))
    assert steps(path)[-1] == 51
    log.write(batch(52))
    assert steps(path)[-1] == 51
    log.close()
    assert steps(path) == [1, 1, *range(2, 53)]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 120), min_size=1, max_size=60), st.integers(1, 300), st.integers(1, 8)
)
def test_rotation_cuts_between_rows_and_keeps_the_newest(lengths, max_bytes, keep):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'metrics.jsonl'
        with MetricsLog(path, max_bytes=max_bytes, keep=keep) as log:
            for number, length in enumerate(lengths, 1):
                log.write({'kind': 'event', 'step': number, 'text': 'x' * length})
        files = log_files(path)
        assert files[-1] == path and len(files) <= max(keep, 2)
        for file in files:
            lines = file.read_text().splitlines(keepends=True)
            assert all(line.endswith('\n') for line in lines)
            assert file.stat().st_size <= max_bytes or len(lines) == 1
        found = steps(path)
        assert found == list(range(len(lengths) - len(found) + 1, len(lengths) + 1))


def test_everything_stays_while_there_are_few_files(tmp_path):
    path = written(tmp_path / 'metrics.jsonl', range(1, 200), max_bytes=1000, keep=50)
    assert [file.name for file in log_files(path)[:2]] == ['metrics.1.jsonl', 'metrics.2.jsonl']
    assert len(log_files(path)) > 5
    assert steps(path) == list(range(1, 200))
    # Numbers go on where they were, and are compared as numbers.
    written(path, range(200, 500), max_bytes=1000, keep=50)
    assert steps(path) == list(range(1, 500))


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 8), st.integers(0, 200))
def test_a_torn_last_line_is_not_read_and_is_cut_off_at_re_opening(count, cut):
    with tempfile.TemporaryDirectory() as folder:
        path = written(Path(folder) / 'metrics.jsonl', range(1, count + 1))
        data = path.read_bytes()
        end = max(0, len(data) - cut)
        path.write_bytes(data[:end])
        whole = data[:end].count(b'\n')
        assert steps(path) == list(range(1, whole + 1))
        written(path, [100, 101])
        assert steps(path) == [*range(1, whole + 1), 100, 101]
        assert path.read_bytes().count(b'\n') == whole + 2


def test_a_damaged_line_that_no_crash_explains_is_told(tmp_path):
    path = written(tmp_path / 'metrics.jsonl', [1, 2, 3])
    lines = path.read_text().splitlines(keepends=True)
    path.write_text(lines[0] + '{"step":2\n' + lines[2])
    with pytest.raises(RunError, match='metrics.jsonl line 2 is no row of a log: delete that li'):
        steps(path)
    path.write_text('[1]\n')
    with pytest.raises(RunError, match='line 1'):
        steps(path)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 60), st.integers(0, 70), st.integers(100, 3000))
def test_truncating_drops_the_rows_of_later_steps_from_all_files(count, last, max_bytes):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'metrics.jsonl'
        log = MetricsLog(path, max_bytes=max_bytes, keep=1000)
        for number in range(1, count + 1):
            log.write(batch(number))
            if number % 5 == 0:
                log.write({'kind': 'interval', 'step': number})
        log.write({'kind': 'event', 'message': 'of no step'})
        log.truncate_after(last)
        kept = [row.get('step', 0) for row in read_rows(path)]
        assert [step for step in kept if step] == [
            step
            for number in range(1, min(count, last) + 1)
            for step in [number] * (2 if number % 5 == 0 else 1)
        ]
        assert kept[-1] == 0
        assert all(file.stat().st_size for file in log_files(path))
        log.write(batch(last + 1))
        log.close()
        assert steps_or_none(path)[-1] == last + 1


def steps_or_none(path: Path) -> list:
    return [row.get('step') for row in read_rows(path)]


def test_truncating_leaves_files_without_later_rows_alone(tmp_path):
    path = written(tmp_path / 'metrics.jsonl', range(1, 100), max_bytes=1000)
    early = {f: f.stat().st_ino for f in log_files(path) if b'"step":91,' not in f.read_bytes()}
    early = dict(list(early.items())[:4])
    MetricsLog(path).truncate_after(90)
    assert {file: file.stat().st_ino for file in early} == early
    assert steps(path) == list(range(1, 91))


def test_rows_that_were_not_written_yet_are_dropped_too(tmp_path):
    path = tmp_path / 'metrics.jsonl'
    log = MetricsLog(path)
    log.write(batch(5))
    log.truncate_after(4)
    log.close()
    assert log_files(path) == []


def test_a_full_disk_leaves_whole_rows_and_loses_none(tmp_path):
    path = written(tmp_path / 'metrics.jsonl', range(1, 11))
    log = MetricsLog(path)
    for number in range(11, 41):
        log.write(batch(number))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        # The last row but a few bytes fits, which is what a disk that runs full does.
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 100, limits[1]))
        with pytest.raises(OSError):
            log.flush()
        assert path.read_bytes().endswith(b'\n')
        assert steps(path) == list(range(1, 11))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    log.close()
    assert steps(path) == list(range(1, 41))


KILLS = """
import os, random, signal, sys, time
from pathlib import Path
from devrobot_training.logs.metrics_log import log_files, MetricsLog, read_rows

path, moments = Path(sys.argv[1]), random.Random(3)
for number in range(10):
    begin = max((row['step'] for row in read_rows(path)), default=0)
    pid = os.fork()
    if not pid:
        with MetricsLog(path, max_bytes=3000, keep=10**6) as log:
            for step in range(begin + 1, 10**9):
                log.write({'kind': 'event' if step % 7 == 0 else 'batch', 'step': step})
    before, end = len(log_files(path)), time.monotonic() + 30
    while len(log_files(path)) < before + 3 and time.monotonic() < end:
        time.sleep(0.001)
    time.sleep(moments.uniform(0.0, 0.005))
    os.kill(pid, signal.SIGKILL)
    assert os.WIFSIGNALED(os.waitpid(pid, 0)[1])
    steps = [row['step'] for row in read_rows(path)]
    assert steps == list(range(1, len(steps) + 1)) and len(steps) > begin, steps[:9]
    print('killed', len(steps), len(log_files(path)), flush=True)
"""


def test_no_row_is_torn_or_missing_however_often_the_writer_is_killed_while_it_rotates(tmp_path):
    done = subprocess.run(
        [sys.executable, '-c', KILLS, tmp_path / 'metrics.jsonl'],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count('killed') == 10


def test_every_line_is_json_for_other_readers(tmp_path):
    path = written(tmp_path / 'metrics.jsonl', range(1, 4))
    assert [json.loads(line)['step'] for line in path.read_text().splitlines()] == [1, 2, 3]

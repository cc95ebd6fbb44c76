"""Rules of writing files so that a crash cannot halve them."""

import json
import signal
import subprocess
import sys

from devrobot_interfaces_py import atomic
import pytest


def test_content_appears_under_the_name_and_nothing_else_is_left(tmp_path):
    path = tmp_path / 'new' / 'a.json'
    atomic.write_json(path, {'é': [1, 2]})
    assert json.loads(path.read_text(encoding='utf-8')) == {'é': [1, 2]}
    assert list(path.parent.iterdir()) == [path]


def test_an_error_leaves_the_old_file_and_no_temporary(tmp_path):
    path = tmp_path / 'a.txt'
    atomic.write_text(path, 'old')
    with pytest.raises(RuntimeError), atomic.atomic_path(path) as temporary:
        temporary.write_text('half of the new')
        raise RuntimeError
    assert path.read_text() == 'old'
    assert list(tmp_path.iterdir()) == [path]


def test_the_old_file_is_there_while_the_new_one_is_written(tmp_path):
    path = tmp_path / 'a.bin'
    atomic.write_bytes(path, b'old')
    with atomic.atomic_path(path) as temporary:
        temporary.write_bytes(b'new')
        assert path.read_bytes() == b'old'
        assert temporary.parent == path.parent
        assert temporary.suffix == '.bin'
    assert path.read_bytes() == b'new'


def test_what_cannot_be_json_does_not_touch_the_file(tmp_path):
    path = tmp_path / 'a.json'
    atomic.write_json(path, 1)
    with pytest.raises(TypeError):
        atomic.write_json(path, object())
    assert path.read_text() == '1\n'


def test_a_folder_replaces_a_filled_folder(tmp_path):
    path = tmp_path / 'model'
    for text in ('old', 'new'):
        with atomic.atomic_path(path) as temporary:
            temporary.mkdir()
            (temporary / text).write_text(text)
    assert [item.name for item in path.iterdir()] == ['new']
    assert list(tmp_path.iterdir()) == [path]


REFUSED = """
import resource, sys
from devrobot_interfaces_py.atomic import atomic_path

resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    with atomic_path(sys.argv[1]) as made:
        if sys.argv[2] == 'folder':
            made.mkdir()
            made = made / 'b'
        made.write_bytes(bytes(2000))
except OSError as error:
    print(error.strerror, error.filename)
"""


@pytest.mark.parametrize('kind', ['file', 'folder'])
def test_a_disk_that_refuses_leaves_the_old_and_names_it(tmp_path, kind):
    path = tmp_path / 'a'
    atomic.write_text(path, 'old')
    # Of its own: where the output of the tests is a file, that would be too large as well.
    words = [sys.executable, '-c', REFUSED, str(path), kind]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout == f'File too large {path}\n'
    assert path.read_text() == 'old'
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_written_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError), atomic.atomic_path(tmp_path / 'a'):
        pass


def test_what_a_killed_process_left_is_removed_and_nothing_else(tmp_path):
    script = """
import os, signal, sys
from devrobot_interfaces_py import atomic
with atomic.atomic_path(sys.argv[1]) as new:
    if sys.argv[2] == 'folder':
        new.mkdir()
        (new / 'part').write_text('half')
    else:
        new.write_text('half')
    os.kill(os.getpid(), signal.SIGKILL)
"""
    kept = ['in/page.html', '.hidden', '.lock', 'in/.name.tmp', 'in/a.12345678.tmp']
    for name in kept:
        atomic.write_text(tmp_path / name, 'whole')
    for name, kind in (('in/page.html', 'file'), ('plain', 'file'), ('in/deep/step_1', 'folder')):
        done = subprocess.run([sys.executable, '-c', script, tmp_path / name, kind], check=False)
        assert done.returncode == -signal.SIGKILL
    assert len([path for path in tmp_path.rglob('.*.tmp*') if path.name != '.name.tmp']) == 3
    atomic.remove_leftovers(tmp_path)
    left = sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob('*') if p.is_file())
    assert left == sorted(kept)
    assert list((tmp_path / 'in' / 'deep').iterdir()) == []


def test_a_folder_that_was_just_being_replaced_is_no_leftover(tmp_path):
    """Between the two renames there is no folder of that name: both others may be needed."""
    for name in ('.step_1.0123abcd.tmp', '.step_1.0123abcd.tmp.old'):
        (tmp_path / name).mkdir()
    atomic.remove_leftovers(tmp_path)
    assert len(list(tmp_path.iterdir())) == 2

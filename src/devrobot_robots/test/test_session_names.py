"""Rules of session names: one plain folder name, claimed by one recorder at a time."""

import os
import subprocess
import sys

from devrobot_robots.recording.claims import claim_name, is_claimed, marker_of
from devrobot_robots.recording.config import RecorderConfig
from devrobot_robots.recording.session_id import check_name, SessionNameError
from hypothesis import given, strategies
import pytest

HOLD = 'import sys; print("ready", flush=True); sys.stdin.read()'


@pytest.mark.parametrize('name', ['dot_20260102_030405', 'a', 'Küche-2', 'a.b+c@d', '0'])
def test_plain_names_are_taken(name):
    assert check_name(name, 'session id') == name


@pytest.mark.parametrize(
    'name',
    ['', '.', '..', '../x', 'a/b', '/tmp/x', 'a\\b', '.hidden', '-o', 'a b', 'a\n', 'a\0', '~'],
)
def test_names_that_are_no_plain_folder_name_are_refused(name):
    with pytest.raises(SessionNameError, match='session id .* must be a plain name'):
        check_name(name, 'session id')


def test_a_name_too_long_for_a_file_is_refused():
    with pytest.raises(SessionNameError, match='has 200 bytes, at most 120 are allowed'):
        check_name('ü' * 100, 'session id')


@given(strategies.text())
def test_whatever_is_accepted_stays_in_its_folder(tmp_path_factory, name):
    folder = tmp_path_factory.getbasetemp()
    try:
        check_name(name, 'session id')
    except SessionNameError:
        return
    assert (folder / name).resolve().parent == folder.resolve()
    assert not name.startswith(('.', '-'))


def test_a_wrong_session_id_in_the_settings_is_refused():
    with pytest.raises(ValueError, match="session_id 'a/b' must be a plain name"):
        RecorderConfig(session_id='a/b')


def test_a_taken_name_gets_a_number(tmp_path):
    (tmp_path / 'walk').mkdir()
    (tmp_path / 'walk_2').symlink_to('nowhere')
    claim = claim_name(tmp_path, 'walk')
    assert claim.bag == tmp_path / 'walk_3'
    claim.release()


def test_two_recorders_never_get_the_same_name(tmp_path):
    first, second = (claim_name(tmp_path, 'walk') for _ in range(2))
    assert (first.bag.name, second.bag.name) == ('walk', 'walk_2')
    first.release()
    third = claim_name(tmp_path, 'walk')
    assert third.bag.name == 'walk'
    second.release()
    third.release()
    assert list(tmp_path.iterdir()) == []


def test_a_claim_lasts_until_the_last_process_that_records_has_ended(tmp_path):
    claim = claim_name(tmp_path, 'walk')
    with subprocess.Popen(
        [sys.executable, '-c', HOLD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=claim.descriptor,
    ) as holder:
        assert holder.stdout.readline() == b'ready\n'
        # As when the claiming process is killed: closed, and nothing tidied up.
        os.close(claim.descriptor)
        assert is_claimed(claim.bag)
        holder.stdin.close()
        holder.wait()
    assert not is_claimed(claim.bag)
    assert marker_of(claim.bag).exists()
    again = claim_name(tmp_path, 'walk')
    assert again.bag == claim.bag
    again.release()


def test_nothing_is_claimed_where_nothing_is(tmp_path):
    assert not is_claimed(tmp_path / 'walk')


def test_a_claim_keeps_what_was_said(tmp_path):
    claim = claim_name(tmp_path, 'walk')
    assert claim.last_line() == 'nothing'
    code = 'print("Recording..."); print("disk on fire"); print()'
    subprocess.run([sys.executable, '-c', code], stdout=claim.descriptor, check=True)
    assert claim.last_line() == 'disk on fire'
    claim.release()

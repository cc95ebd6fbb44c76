"""A process that has saved and said everything ends, whatever the middleware does."""

import subprocess
import sys

import pytest

PROGRAM = """
import ctypes, time
from devrobot_interfaces_py import leaving

leaving.LEAVE_S = {seconds}
print('before')
with leaving.leaving_ros({code}):
    {block}
print('after')
end = time.monotonic() + 0.3
while time.monotonic() < end:
    pass
print('end')
"""
# As in the middleware: a call that never returns and keeps the lock of the interpreter.
HANG = 'ctypes.PyDLL(None).pause()'


def leave(seconds: float, code: int, block: str) -> tuple[int, str]:
    """Return how a process ended in which leaving does something."""
    program = PROGRAM.format(seconds=seconds, code=code, block=block)
    done = subprocess.run(
        [sys.executable, '-c', program],
        capture_output=True,
        text=True,
        timeout=60.0,
        env={'PYTHONPATH': ':'.join(filter(None, sys.path))},
        check=False,
    )
    assert done.stderr == ''
    return done.returncode, done.stdout


@pytest.mark.parametrize('code', [0, 1])
def test_a_process_that_hangs_in_leaving_ends_with_its_own_code(code):
    assert leave(0.2, code, HANG) == (code, 'before\n')


def test_a_process_that_has_left_lives_on():
    assert leave(0.1, 5, 'pass') == (0, 'before\nafter\nend\n')


def test_an_error_in_leaving_is_heard_of():
    assert leave(60.0, 5, 'raise SystemExit(7)') == (7, 'before\n')

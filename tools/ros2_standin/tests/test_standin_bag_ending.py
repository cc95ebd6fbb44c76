"""What has arrived is taken before the end, and then the end comes, whatever ROS does."""

import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

pytest.importorskip('rclpy')

from ros2_standin.verbs import bag_record

# As in the middleware: a call that never returns and keeps the lock of the interpreter.
HANG = 'ctypes.PyDLL(None).pause()'
LONG_S = 60.0


def leave(seconds: float, code: int, block: str, after: str = '') -> tuple[int, str, float]:
    """Return how a process ended in which leaving does something, and how long that took."""
    program = (
        'import ctypes, time\n'
        'from ros2_standin.leaving import ended_within\n'
        "print('before')\n"
        f'with ended_within({seconds}, {code}):\n    {block}\n'
        f"print('after')\n{after}"
    )
    begin = time.monotonic()
    done = subprocess.run(
        [sys.executable, '-c', program],
        capture_output=True,
        text=True,
        timeout=LONG_S / 2,
        env={'PYTHONPATH': ':'.join(filter(None, sys.path))},
        check=False,
    )
    assert done.stderr == ''
    return done.returncode, done.stdout, time.monotonic() - begin


@pytest.mark.parametrize('code', [0, 1])
def test_a_process_that_hangs_in_leaving_ends_with_its_own_code(code):
    assert leave(0.2, code, HANG)[:2] == (code, 'before\n')


def test_leaving_may_take_the_time_that_it_is_given():
    code, out, took = leave(0.6, 5, HANG)
    assert (code, out) == (5, 'before\n') and took >= 0.6


def test_a_process_that_has_left_lives_on():
    # Longer than the time for leaving, which must be over and done with.
    wait = 'end = time.monotonic() + 0.3\nwhile time.monotonic() < end: pass\nprint("end")'
    assert leave(0.1, 5, 'pass', wait)[:2] == (0, 'before\nafter\nend\n')


def test_an_error_in_leaving_is_heard_of():
    code, out, _ = leave(LONG_S, 5, 'raise SystemExit(7)')
    assert (code, out) == (7, 'before\n')


class Arriving:
    """An executor with messages that wait to be taken, and the recorder that counts them."""

    def __init__(self, waiting: int) -> None:
        self.waiting = waiting
        self.received = 0
        self.is_complete = True
        self.check = self.discover = lambda: None

    def get_nodes(self):
        return [SimpleNamespace(get_logger=lambda: SimpleNamespace(info=lambda _: None))]

    def spin_once(self, timeout_sec: float) -> None:
        if self.waiting:
            self.waiting -= 1
            self.received += 1


def test_what_has_arrived_when_the_signal_comes_is_taken():
    arriving = Arriving(waiting=100)
    bag_record._spin(arriving, arriving, [2], 0.1)
    assert (arriving.received, arriving.waiting) == (100, 0)


def test_what_was_sent_just_before_the_signal_is_taken(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(bag_record, 'time', SimpleNamespace(monotonic=lambda: now[0]))
    arriving = Arriving(waiting=0)

    def spin_once(timeout_sec: float) -> None:
        now[0] += timeout_sec
        arriving.received += now[0] >= 0.3 and arriving.received == 0

    arriving.spin_once = spin_once
    bag_record._spin(arriving, arriving, [2], 0.1)
    assert arriving.received == 1


def test_messages_that_never_cease_do_not_keep_a_recorder_from_its_end(monkeypatch):
    now = [0.0]

    def monotonic() -> float:
        now[0] += 0.001
        return now[0]

    monkeypatch.setattr(bag_record, 'time', SimpleNamespace(monotonic=monotonic))
    arriving = Arriving(waiting=10**9)
    bag_record._spin(arriving, arriving, [2], 0.1)
    assert arriving.received > 0 and now[0] < bag_record.LAST_S + 0.1

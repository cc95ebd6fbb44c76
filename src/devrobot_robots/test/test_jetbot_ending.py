"""Signals end the JetBot's server, however close together they come."""

import os
import signal
import subprocess
import sys
import time

import pytest

DEADLINE_S, FLOOD_S = 30.0, 2.0
#: Takes and leaves the lock of whatever it waits with as often as it can.
WAITING = """
import signal, time
from contextlib import closing
from devrobot_robots.jetbot.server.ending import Ending

with closing(Ending()) as ending:
    ending.take_signals((signal.SIGINT, signal.SIGTERM))
    print('waits', flush=True)
    while not ending.wait(0.00001):
        pass
    print('told', flush=True)
    end = time.monotonic() + 2.0
    while time.monotonic() < end:
        ending.wait(0.00001)
"""


@pytest.fixture
def waiting():
    process = subprocess.Popen(
        [sys.executable, '-c', WAITING],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, 'PYTHONPATH': os.pathsep.join(filter(None, sys.path))},
    )
    assert process.stdout.readline() == 'waits\n'
    yield process
    process.kill()
    process.communicate()


def test_a_flood_of_signals_does_not_lock_it_up(waiting):
    until = time.monotonic() + FLOOD_S  # while they come, it may get no time for anything else
    while time.monotonic() < until and waiting.poll() is None:
        waiting.send_signal(signal.SIGINT)
        waiting.send_signal(signal.SIGTERM)
    output, errors = waiting.communicate(timeout=DEADLINE_S)
    assert (waiting.returncode, output, errors) == (0, 'told\n', '')


def test_it_wakes_at_once(waiting):
    waiting.send_signal(signal.SIGTERM)
    output, _ = waiting.communicate(timeout=DEADLINE_S)
    assert (waiting.returncode, output) == (0, 'told\n')

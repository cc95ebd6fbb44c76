"""A signal while a program loads ends it without a word."""

import os
from pathlib import Path
import signal
import subprocess
import sys

import pytest

LOADING = """
print('loading', flush=True)
import time
time.sleep(60)
"""
READY = """
import signal
def main():
    return [signal.getsignal(n).__name__ for n in (signal.SIGINT, signal.SIGTERM)]
"""
START = "from devrobot_interfaces_py.startup import program; print(program('slow')())"


def start(folder: Path, source: str) -> subprocess.Popen:
    (folder / 'slow.py').write_text(source)
    return subprocess.Popen(
        [sys.executable, '-c', START],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, 'PYTHONPATH': os.pathsep.join([str(folder), *sys.path])},
    )


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_it_ends_while_it_loads(tmp_path, number):
    process = start(tmp_path, LOADING)
    assert process.stdout.readline() == 'loading\n'
    process.send_signal(number)
    output, _ = process.communicate(timeout=30)
    assert (process.returncode, output) == (0, '')


def test_what_it_loads_is_run_and_its_result_returned(tmp_path):
    output, _ = start(tmp_path, READY).communicate(timeout=30)
    assert output == "['_leave', '_leave']\n"

"""A signal while a program loads ends it without a traceback."""

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
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    return [getattr(handler, '__name__', None) or handler.name for handler in handlers]
"""
NODE, COMMAND = 'program', 'command'
START = "from devrobot_interfaces_py.startup import {0}; print({0}('slow')())"


def start(folder: Path, source: str, kind: str) -> subprocess.Popen:
    (folder / 'slow.py').write_text(source)
    return subprocess.Popen(
        [sys.executable, '-c', START.format(kind)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, 'PYTHONPATH': os.pathsep.join([str(folder), *sys.path])},
    )


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(('kind', 'end'), [(NODE, (0, '')), (COMMAND, (130, 'interrupted\n'))])
def test_it_ends_while_it_loads(tmp_path, number, kind, end):
    process = start(tmp_path, LOADING, kind)
    assert process.stdout.readline() == 'loading\n'
    process.send_signal(number)
    output, _ = process.communicate(timeout=30)
    assert (process.returncode, output) == end


@pytest.mark.parametrize(
    ('kind', 'handlers'),
    [(NODE, ['_leave', '_leave']), (COMMAND, ['default_int_handler', 'SIG_DFL'])],
)
def test_what_it_loads_is_run_and_its_result_returned(tmp_path, kind, handlers):
    output, _ = start(tmp_path, READY, kind).communicate(timeout=30)
    assert output == f'{handlers}\n'

"""
One command in several processes of this machine, which end as a whole.

``torchrun`` starts them and watches over them. It would also end them by force half a minute after
a signal, in the middle of the evaluation; so the wish to stop reaches them another way: their
standard input ends. It ends as well when the process that started them is gone, however it went.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
import os
from pathlib import Path
import select
import signal
import subprocess
import sys
from tempfile import TemporaryDirectory

from devrobot_training.cli.command import INTERRUPTED, stop_signals

#: Names the folder in which the first process leaves its exit code.
FOLDER = 'DEVROBOT_TEAM'
CODE = 'exit_code'
POLL_S = 0.1


def start_team(module: str, words: Sequence[str], processes: int, threads: int) -> int:
    """
    Run a module once per process; return the exit code of the first of them.

    The first SIGINT or SIGTERM lets them finish their step, the second ends them.
    """
    with TemporaryDirectory(prefix='devrobot_team_') as folder:
        process = subprocess.Popen(
            [
                *(sys.executable, '-m', 'torch.distributed.run', '--standalone'),
                *('--nproc-per-node', str(processes), '-m', module, *words),
            ],
            stdin=subprocess.PIPE,
            # Ctrl-C in a terminal is for this process alone.
            start_new_session=True,
            env={**os.environ, FOLDER: folder, 'OMP_NUM_THREADS': str(threads)},
        )
        told = 'stopping after this step; once more stops at once'
        try:
            with stop_signals(lambda: print(told, flush=True)) as should_stop:
                _wait(process, should_stop)
        except KeyboardInterrupt:
            _end(process)
            return INTERRUPTED
        return _code(Path(folder), process.returncode)


def is_member() -> bool:
    """Return whether this process was started by ``start_team``."""
    return FOLDER in os.environ


@contextmanager
def as_member() -> Iterator[None]:
    """
    Leave the exit code in the folder of the team; do nothing in a process that is alone.

    To torchrun a code that is not zero is a crash, which it tells in forty lines.
    """
    if not is_member():
        yield
        return
    try:
        yield
    except SystemExit as end:
        if os.environ.get('RANK') == '0':
            (Path(os.environ[FOLDER]) / CODE).write_text(str(end.code or 0), encoding='utf-8')
        sys.exit(0)


def end_by_force_at_once() -> None:
    """
    Let SIGTERM end this process, also while it waits for another one.

    It is what torchrun sends after a second signal, and when a process of the team has died.
    """
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def input_has_ended() -> bool:
    """Return whether who started this process asks it to stop, or is gone."""
    readable, _, _ = select.select([sys.stdin], [], [], 0)
    return bool(readable)


def _wait(process: 'subprocess.Popen[bytes]', should_stop: Callable[[], bool]) -> None:
    assert process.stdin is not None
    while process.poll() is None:
        if should_stop():
            process.stdin.close()
        try:
            process.wait(POLL_S)
        except subprocess.TimeoutExpired:
            continue


def _end(process: 'subprocess.Popen[bytes]') -> None:
    """End the processes now; torchrun uses force where that takes long."""
    with stop_signals(lambda: None):
        process.send_signal(signal.SIGTERM)
        process.wait()


def _code(folder: Path, returned: int) -> int:
    path = folder / CODE
    if path.is_file():
        return int(path.read_text(encoding='utf-8')) or int(returned != 0)
    return 1

"""
One command in several processes of this machine, which end as a whole.

Each gets the environment that ``torchrun`` gives on several machines. They find each other by a
file and talk over the loopback: torchrun would open ports to everybody, and end them by force half
a minute after a signal. Here the wish to stop reaches them because their standard input ends. It
ends as well when the process that started them is gone, however it went.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, ExitStack
import os
from pathlib import Path
import select
import signal
import subprocess
import sys
from tempfile import TemporaryDirectory
import time

from devrobot_training.cli.command import INTERRUPTED, stop_signals, STOPPING
from devrobot_training.fit.team import FOLDER, GONE

#: What the first process leaves in the folder of the team: its exit code, its run, and that it
#: needs the others no more.
CODE, RUN, ALONE = 'exit_code', 'run', 'alone'
POLL_S = 0.1
#: How long the others may take to find out that one of them has died, or to end when told to.
GRACE_S = 10.0


def start_team(module: str, words: Sequence[str], processes: int, threads: int) -> int:
    """
    Run a module once per process; return the exit code of the first of them.

    The first SIGINT or SIGTERM lets them finish their step, the second ends them.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix='devrobot_team_')))
        members: list[subprocess.Popen[bytes]] = []
        stack.callback(_end, members)
        try:
            with stop_signals(lambda: print(STOPPING, flush=True)) as should_stop:
                for rank in range(processes):
                    members.append(_start(module, words, (rank, processes), threads, folder))
                _wait(members, folder, should_stop)
        except KeyboardInterrupt:
            print('interrupted', file=sys.stderr)
            return INTERRUPTED
        return _code(members, folder)


def is_member() -> bool:
    """Return whether this process was started by ``start_team``."""
    return FOLDER in os.environ


@contextmanager
def as_member() -> Iterator[None]:
    """Leave the exit code in the folder of the team; do nothing in a process that is alone."""
    try:
        yield
    except SystemExit as end:
        if is_member() and os.environ.get('RANK') == '0':
            _leave(CODE, str(end.code or 0))
        raise


def tell_run(folder: Path) -> None:
    """Let the process that started this one know which run it is."""
    if is_member():
        _leave(RUN, str(folder))


def tell_alone() -> None:
    """Let the process that started this one know that whatever comes needs no other one."""
    if is_member():
        _leave(ALONE, '')


def end_by_force_at_once() -> None:
    """Let SIGTERM end this process, also while it waits for another one."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def input_has_ended() -> bool:
    """Return whether who started this process asks it to stop, or is gone."""
    readable, _, _ = select.select([sys.stdin], [], [], 0)
    return bool(readable)


def _leave(name: str, text: str) -> None:
    (Path(os.environ[FOLDER]) / name).write_text(text, encoding='utf-8')


def _start(
    module: str, words: Sequence[str], place: tuple[int, int], threads: int, folder: Path
) -> 'subprocess.Popen[bytes]':
    rank, size = map(str, place)
    # The first one speaks for all; what the others say is shown if it cannot.
    with _words_of(folder, place[0]).open('wb') as kept:
        return subprocess.Popen(
            [sys.executable, '-m', module, *words],
            stdin=subprocess.PIPE,
            stderr=kept if place[0] else None,
            # Ctrl-C in a terminal is for the process that started them alone.
            start_new_session=True,
            env={
                'GLOO_SOCKET_IFNAME': 'lo',
                'NCCL_SOCKET_IFNAME': 'lo',
                **os.environ,
                FOLDER: str(folder),
                'OMP_NUM_THREADS': str(threads),
                **{'RANK': rank, 'LOCAL_RANK': rank, 'WORLD_SIZE': size, 'LOCAL_WORLD_SIZE': size},
            },
        )


def _words_of(folder: Path, rank: int) -> Path:
    return folder / f'stderr_{rank}'


def _wait(
    members: 'list[subprocess.Popen[bytes]]', folder: Path, should_stop: Callable[[], bool]
) -> None:
    """Wait for the end of all; after that of one that failed not for ever, if it was needed."""
    failed_at = None
    while any(member.poll() is None for member in members):
        if should_stop():
            _ask_to_stop(members)
        # The first one evaluates when the others are done.
        failed = any(member.poll() not in (None, 0) for member in members)
        failed_at = failed_at or (time.monotonic() if failed else None)
        late = failed_at is not None and time.monotonic() > failed_at + GRACE_S
        if late and not (folder / ALONE).exists():
            return
        time.sleep(POLL_S)


def _ask_to_stop(members: 'list[subprocess.Popen[bytes]]') -> None:
    for member in members:
        if member.stdin is not None and not member.stdin.closed:
            member.stdin.close()


def _end(members: 'list[subprocess.Popen[bytes]]') -> None:
    """End what still runs, with whatever it may have started."""
    with stop_signals(lambda: None):
        for number in (signal.SIGTERM, signal.SIGKILL):
            for member in members:
                if member.poll() is None:
                    os.killpg(member.pid, number)
            end = time.monotonic() + GRACE_S
            while time.monotonic() < end and any(member.poll() is None for member in members):
                time.sleep(POLL_S / 10)
        _ask_to_stop(members)


def _code(members: 'list[subprocess.Popen[bytes]]', folder: Path) -> int:
    """Return the exit code for all; say which process failed, and why."""
    path = folder / CODE
    if path.is_file():
        code = int(path.read_text(encoding='utf-8'))
        if code and not (folder / ALONE).exists():
            _tell_failures(members[1:], folder)
        return code
    run = folder / RUN
    way_out = f'; go on with --resume {run.read_text(encoding="utf-8")}' if run.is_file() else ''
    which = GONE if members[0].poll() is None else 'the first process of this training is gone'
    print(f'error: {which}{way_out}', file=sys.stderr)
    _tell_failures(members[1:], folder)
    return 1


def _tell_failures(others: 'list[subprocess.Popen[bytes]]', folder: Path) -> None:
    """Say of each other process that failed what ended it, unless that was the loss of one."""
    for rank, member in enumerate(others, 1):
        words = _words_of(folder, rank).read_text(encoding='utf-8', errors='replace').split('\n')
        told = next(filter(None, reversed(words)), '')
        code = member.returncode or 0
        if code < 0:
            told = f'it was ended by {signal.Signals(-code).name}'
        if code and GONE not in told:
            print(f'process {rank} of this training: {told}', file=sys.stderr)

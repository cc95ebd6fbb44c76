"""Commands as processes of their own, with all that they start."""

import os
from pathlib import Path
import signal
import subprocess
import sys
import time
from uuid import uuid4

DEADLINE_S = 240.0
MARK = 'DEVROBOT_TEST_MARK'


def environment(**more: str) -> dict[str, str]:
    """Return what a process needs that finds the modules of this one."""
    return {**os.environ, 'PYTHONPATH': os.pathsep.join(filter(None, sys.path)), **more}


class Team:
    """A command with several processes, and all that it has started."""

    def __init__(self, *words: object) -> None:
        self.mark = uuid4().hex
        self.process = subprocess.Popen(
            [
                *(sys.executable, '-m', 'devrobot_training.cli.train'),
                *(*map(str, words), '--processes', '2'),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment(**{MARK: self.mark}),
        )

    def __enter__(self) -> 'Team':
        return self

    def __exit__(self, *_: object) -> None:
        for pid in self.left():
            os.kill(pid, signal.SIGKILL)
        self.process.communicate()

    def wait_for(self, text: str) -> None:
        assert any(text in line for line in self.process.stdout), f'{text!r} never came'

    def end(self) -> tuple[int, str]:
        output, _ = self.process.communicate(timeout=DEADLINE_S)
        return self.process.returncode, output

    def left(self) -> list[int]:
        """Return the processes that run: the command, torchrun and its workers."""
        found = []
        for path in Path('/proc').glob('[0-9]*/environ'):
            try:
                ours = f'{MARK}={self.mark}'.encode() in path.read_bytes()
                state = (path.parent / 'stat').read_text().rpartition(')')[2].split()[0]
            except OSError:
                continue
            if ours and state != 'Z':
                found.append(int(path.parent.name))
        return found

    def worker(self, rank: int) -> int:
        """Return the process of a rank."""
        sign = f'\0RANK={rank}\0'.encode()
        (pid,) = [n for n in self.left() if sign in Path(f'/proc/{n}/environ').read_bytes()]
        return pid

    def wait_until_gone(self, *pids: int) -> None:
        end = time.monotonic() + DEADLINE_S
        while (left := self.left()) and (not pids or {*pids} & {*left}):
            assert time.monotonic() < end, f'{left} run on'
            time.sleep(0.05)

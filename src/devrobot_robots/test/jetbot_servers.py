"""The server alone, as a process that signals can be sent to, and a plain connection to it."""

from collections.abc import Callable
from contextlib import suppress
from functools import wraps
import os
from pathlib import Path
import signal
import subprocess
import sys
from typing import Any

from devrobot_robots.jetbot.peer import Address, connect, Peer
from jetbot_worlds import DEAD_MAN_S, only_child, SimulatedJetBot, wait

TRIES, ENOUGH = 3, 2
ENDING = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT]


class LoneServer:
    """The server with any hardware, as the first process of a session of its own."""

    def __init__(self, folder: Path, *options: str) -> None:
        self._folder = folder
        self._options = options
        self.port = 0

    def start(self, stderr: int | None = None) -> None:
        """Return when it can be connected to."""
        ready = self._folder / 'port'
        ready.unlink(missing_ok=True)
        path = os.pathsep.join(p or os.curdir for p in sys.path)
        with (self._folder / 'log').open('ab') as log:
            self.process = subprocess.Popen(
                [
                    sys.executable, '-m', 'devrobot_robots.jetbot.server',
                    # A robot of its own: on one machine each robot has one server.
                    '--hardware', 'jetbot_chip_hardware', '--hardware-option', str(self._folder),
                    '--port', '0', '--port-file', str(ready), *self._options,
                ],
                stderr=log if stderr is None else stderr,
                env={**os.environ, 'PYTHONPATH': path},
                start_new_session=True,
            )  # fmt: skip
        wait(lambda: ready.exists() or self.process.poll() is not None, 'the server')
        assert ready.exists(), self.said()
        self.port = int(ready.read_text())

    def said(self) -> str:
        return (self._folder / 'log').read_text()

    def guard_id(self) -> int:
        return only_child(self.process.pid)

    def close(self) -> None:
        """End it and its guard."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGCONT)
        self.process.terminate()
        try:
            self.process.wait(10.0)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def connect_to(port: int) -> Peer:
    """Return one connection to a server."""
    return connect(Address(host='127.0.0.1', port=port, connect_timeout_s=2.0, call_timeout_s=3.0))


def has_ended(process_id: int) -> bool:
    try:
        state = Path(f'/proc/{process_id}/stat').read_text().rpartition(')')[2].split()[0]
    except OSError:
        return True
    return state == 'Z'


def in_time(experiment: Callable[..., float]) -> Callable[..., None]:
    """
    Make a test of an experiment that measures how long the motors turned on after a fault [s].

    Two of three tries must keep the dead-man time: a machine that is stalled may miss it now and
    then, but a server that is too slow misses it most times.
    """

    @wraps(experiment)
    def test(**fixtures: Any) -> None:
        times: list[float] = []
        while len(times) < TRIES and sum(t < DEAD_MAN_S for t in times) < ENOUGH:
            times.append(experiment(**fixtures))
        assert sum(t < DEAD_MAN_S for t in times) >= ENOUGH, times

    return test


def stop_after_s(server: SimulatedJetBot, since: float) -> float:
    """
    Return how long after a moment the motors came to rest, by the clock of the motors.

    Not by that of the test, which may look late.
    """
    wait(lambda: not server.turns(), 'the motors to stop')
    told = server.commands()
    last_motion_s = max(moment for moment, *speeds in told if any(speeds))
    return min(moment for moment, *_ in told if moment > last_motion_s) - since


def first_stop_after_s(server: SimulatedJetBot, since: float) -> float:
    """Return the same for the first stop, where commands on their way come later."""

    def stops() -> list[float]:
        return [m for m, *speeds in server.commands() if m > since and not any(speeds)]

    return min(wait(stops, 'the motors to stop')) - since

"""
The side of a worker process: take a call, do it, answer.

Messages are JSON texts. To the worker: ``call`` with what to do, ``stop``. From it: ``beat`` with
the samples so far, then ``result``, ``error``, or ``disk`` if the disk refused.
"""

from collections.abc import Callable, Mapping
import json
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
import os
import signal
import threading
import time
from typing import Any, Protocol

from devrobot_training.fit.once import InterruptedTrainingError
from devrobot_training.fit.problems import one_line
from devrobot_training.sweeps.executors.disk import disk_problem

BEAT_S = 0.5


class Work(Protocol):
    """What a worker does with a call."""

    def __call__(
        self,
        call: Mapping[str, Any],
        beat: Callable[[int], None],
        should_stop: Callable[[], bool],
    ) -> dict[str, Any]:
        """Do it; return plain data."""


def send(pipe: Connection, message: Mapping[str, Any]) -> None:
    """Send a message."""
    pipe.send_bytes(json.dumps(message).encode())


def read(pipe: Connection) -> dict[str, Any]:
    """Return the next message."""
    return dict(json.loads(pipe.recv_bytes()))


def answer_of(error: Exception) -> dict[str, str]:
    """Return what is told of an error: whatever a call meets is its result, but for the disk."""
    refused = disk_problem(error)
    if refused:
        return {'disk': refused}
    return {'error': one_line(f'{type(error).__name__}: {error}')}


def serve(pipe: Connection, make: Callable[[int], Work], slot: int) -> None:
    """Do what is asked for until ``stop``, or until the other side is gone."""
    _serve(pipe, make, slot)
    # All that matters is on the disk: taking torch apart would only take time.
    os._exit(0)


def _serve(pipe: Connection, make: Callable[[int], Work], slot: int) -> None:
    # Ctrl-C reaches the whole group; the process that started this one says when to end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    stopped: list[bool] = []

    def should_stop() -> bool:
        # While a call is being done, nothing but ``stop`` is sent.
        if not stopped and pipe.poll():
            stopped.append(True)
        return bool(stopped)

    work: Work | None = None
    while not stopped:
        try:
            message = read(pipe)
        except (EOFError, OSError):
            return
        if 'call' not in message:
            return
        try:
            work = work or make(slot)
            answer: dict[str, Any] = {'result': work(message['call'], _Beats(pipe), should_stop)}
        except InterruptedTrainingError:
            return
        except Exception as error:
            answer = answer_of(error)
        try:
            send(pipe, answer)
        except OSError:
            return


class _Beats:
    """Tells how far a call is, not too often."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._told = 0.0

    def __call__(self, samples: int) -> None:
        now = time.monotonic()
        if now - self._told >= BEAT_S:
            self._told = now
            send(self._pipe, {'beat': samples})


def _leave_with_parent() -> None:
    """End this process as soon as the one that started it is gone, by whatever it died."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)

"""Open a TCP connection within a time that holds for all of it, the look-up of the name, too."""

from __future__ import annotations

import queue
import socket
import threading
import time
from typing import Any


def dial(host: str, port: int, timeout_s: float) -> socket.socket:
    """
    Return a socket that is connected to the first address of the host that answers.

    :raises OSError: if there is none in time; a TimeoutError says what took so long.
    """
    end = time.monotonic() + timeout_s
    problem: OSError | None = None
    places = _look_up(host, port, timeout_s)
    for number, place in enumerate(places):
        # A silent address leaves their share of the time to those after it.
        remaining_s = (end - time.monotonic()) / (len(places) - number)
        try:
            sock = _connect(place, remaining_s)
        except OSError as error:
            problem = problem or error
        else:
            sock.settimeout(timeout_s)
            return sock
    raise problem or OSError(f'{host} has no address')


def _connect(place: Any, timeout_s: float) -> socket.socket:
    """
    Connect to one answer of the look-up.

    :raises OSError: if that fails, or this computer has no such kind of network.
    """
    family, kind, protocol, _, address = place
    sock = socket.socket(family, kind, protocol)
    try:
        sock.settimeout(max(0.001, timeout_s))  # not 0: that would mean not to wait at all
        sock.connect(address)
    except OSError:
        sock.close()
        raise
    return sock


def _look_up(host: str, port: int, timeout_s: float) -> list[Any]:
    """Ask the system for the addresses; it knows no time-out, so a thread waits for it."""
    answers: queue.Queue[list[Any] | OSError] = queue.Queue()

    def ask() -> None:
        try:
            answers.put(list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
        except OSError as error:
            answers.put(error)

    threading.Thread(target=ask, name='name_look_up', daemon=True).start()
    try:
        answer = answers.get(timeout=timeout_s)
    except queue.Empty:
        raise TimeoutError(
            f'no address for the name {host} within {timeout_s:g} s; '
            'try the number that the robot shows'
        ) from None
    if isinstance(answer, OSError):
        raise answer
    return answer

"""Few connections at a time, and none for those who only sit there."""

from contextlib import suppress
import socket
import threading
from typing import Any, Callable, Dict, Optional


class Seat:
    """One connection: its service once it has one, and when it last said something."""

    def __init__(self, since_s: float) -> None:
        self.service: Optional[Any] = None
        self.has_spoken = False
        self.since_s = since_s


class Seats:
    """
    The connections that there are. When all seats are taken, a newcomer gets one of them.

    It is that of a connection that never said anything, else that of the one silent longest; who
    moves the robot keeps its seat.
    """

    def __init__(
        self, most: int, keeps: Callable[[Any], bool], clock: Callable[[], float]
    ) -> None:
        """Offer ``most`` seats; ``keeps`` tells of a service whether it must not be sent away."""
        self._most = most
        self._keeps = keeps
        self._clock = clock
        self._lock = threading.Lock()
        self._seats: Dict[socket.socket, Seat] = {}

    def take(self, sock: socket.socket) -> bool:
        """Seat a newcomer; return whether another connection had to be ended for it."""
        with self._lock:
            victim = self._victim() if len(self._seats) >= self._most else None
            if victim is not None:
                del self._seats[victim]
            self._seats[sock] = Seat(self._clock())
        if victim is None:
            return False
        with suppress(OSError):  # it may just have ended by itself
            # The system's shutdown, also under TLS: it wakes up the thread that reads there.
            socket.socket.shutdown(victim, socket.SHUT_RDWR)
        return True

    def assign(self, sock: socket.socket, service: Any) -> None:
        """Note whom a connection is served by."""
        with self._lock:
            if sock in self._seats:
                self._seats[sock].service = service

    def heard(self, sock: socket.socket) -> None:
        """Note that something was said."""
        with self._lock:
            if sock in self._seats:
                self._seats[sock].has_spoken = True
                self._seats[sock].since_s = self._clock()

    def leave(self, sock: socket.socket) -> None:
        """Free a seat."""
        with self._lock:
            self._seats.pop(sock, None)

    def _victim(self) -> Optional[socket.socket]:
        free = [sock for sock, seat in self._seats.items() if not self._keeps(seat.service)]
        return min(
            free,
            key=lambda sock: (self._seats[sock].has_spoken, self._seats[sock].since_s),
            default=None,
        )

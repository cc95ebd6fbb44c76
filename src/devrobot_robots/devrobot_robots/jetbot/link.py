"""
Two connections to the robot, opened and closed together, and opened again when they break.

One carries the motors and one the camera, so that a stop never waits behind a picture. Each takes
one call at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, ExitStack
from dataclasses import dataclass, field
import threading
import time
from typing import Any

from devrobot_robots.jetbot.peer import CallRefusedError, LinkLostError, Peer
from devrobot_robots.robot import RobotError

SIGN_OF_LIFE_S = 1.0
JOIN_TIMEOUT_S = 5.0


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Both connections; ``version`` is '' for a server that is not ours."""

    motors: Peer
    camera: Peer
    version: str
    motors_lock: threading.Lock = field(default_factory=threading.Lock)
    camera_lock: threading.Lock = field(default_factory=threading.Lock)

    def close(self) -> None:
        """End both."""
        self.motors.close()
        self.camera.close()


@dataclass(frozen=True, kw_only=True)
class Pauses:
    """How long to wait for what [s]."""

    call_s: float
    retry_first_s: float
    retry_most_s: float


class Link:
    """Calls the robot; a thread of its own keeps the connections alive and mends them."""

    def __init__(
        self,
        connect: Callable[[], Peer],
        *,
        address: str,
        pauses: Pauses,
        tell: Callable[[str], None],
    ) -> None:
        """
        Prepare; nothing is connected before ``open()``.

        :param tell: takes one line each time the robot is lost and found again.
        """
        self._connect = connect
        self._address = address
        self._pauses = pauses
        self._tell = tell
        self._lock = threading.Lock()
        self._pair: Pair | None = None
        self._changed = threading.Event()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._renewed_s = 0.0
        self.problem = 'not connected'
        self.losses = 0

    def open(self) -> None:
        """
        Connect, and keep connected from now on.

        :raises RobotError: if the robot cannot be reached or somebody else controls it.
        """
        self._pair = self._make_pair()
        self.problem = ''
        self._closing.clear()
        self._thread = threading.Thread(target=self._keep, name='jetbot_link', daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End both connections; allowed at any time, more than once."""
        self._closing.set()
        self._changed.set()
        self.problem = 'closed'
        pair, self._pair = self._pair, None
        if pair is not None:
            pair.close()
        if self._thread is not None:
            self._thread.join(JOIN_TIMEOUT_S)

    @property
    def version(self) -> str:
        """What the server calls itself; '' = it has no name, or there is no connection."""
        pair = self._pair
        return pair.version if pair is not None else ''

    @property
    def is_up(self) -> bool:
        """Whether there is a connection."""
        return self._pair is not None

    def renew(self, problem: str) -> None:
        """End both connections because of a problem; the thread makes new ones."""
        pair = self._pair
        if pair is not None:
            self._break(pair, problem)

    def motors(self, left: float, right: float) -> None:
        """
        Set both motor speeds; motion is a sign of life, and keeps control of the robot.

        :raises RobotError: if that failed; then the connections are closed, which makes a server
            stop the motors, or the robot itself refused.
        """
        pair = self._present()
        with self._using(pair, pair.motors_lock):
            pair.motors.call('set_motors', left, right)
            if left or right:
                self._renewed_s = time.monotonic()

    def settle(self) -> None:
        """
        Wait until no call holds up the next command; none will, if motion begins now.

        :raises RobotError: if that takes too long, or there is no connection.
        """
        pair = self._present()
        with self._using(pair, pair.motors_lock):
            self._renewed_s = time.monotonic()

    def camera(self, name: str) -> Any:
        """
        Return the answer of a call about the camera.

        :raises RobotError: if there is none.
        """
        pair = self._present()
        with self._using(pair, pair.camera_lock):
            return pair.camera.call(name)

    def _present(self) -> Pair:
        pair = self._pair
        if pair is None:
            raise LinkLostError(f'no connection to {self._address}: {self.problem}')
        return pair

    @contextmanager
    def _using(self, pair: Pair, lock: threading.Lock) -> Iterator[None]:
        """Hold one connection; whatever breaks it ends both."""
        if not lock.acquire(timeout=self._pauses.call_s):
            self._break(pair, 'the robot does not answer the call before this one')
            raise LinkLostError(f'no connection to {self._address}: {self.problem}')
        try:
            yield
        except CallRefusedError:
            raise
        except RobotError as error:
            self._break(pair, str(error))
            # What the other connection died of says more than that this one is closed now.
            raise LinkLostError(self.problem or str(error)) from None
        finally:
            lock.release()

    def _break(self, pair: Pair, problem: str) -> None:
        with self._lock:
            is_news = self._pair is pair
            if is_news:
                self._pair = None
                self.problem = problem
                self.losses += 1
        pair.close()
        if is_news and not self._closing.is_set():
            self._tell(f'the robot at {self._address} is lost: {problem}; it is tried again')
        self._changed.set()

    def _make_pair(self) -> Pair:
        with ExitStack() as opened:
            motors = self._connect()
            opened.callback(motors.close)
            # Before the other one: who is refused has asked only once.
            version = _greet(motors)
            camera = self._connect()
            opened.callback(camera.close)
            # Until it was heard, a server that is full may take it for a silent stranger.
            camera.ping(self._pauses.call_s)
            opened.pop_all()
        return Pair(motors=motors, camera=camera, version=version)

    # --- the thread --------------------------------------------------------------------------

    def _keep(self) -> None:
        while not self._closing.is_set():
            self._changed.wait(self._quiet_for_s())
            self._changed.clear()
            if self._closing.is_set():
                return
            if self._pair is None:
                self._reconnect()
            else:
                self._give_sign_of_life(self._pair)

    def _quiet_for_s(self) -> float:
        """Return how long until a sign of life is due."""
        return max(0.0, self._renewed_s + SIGN_OF_LIFE_S - time.monotonic())

    def _give_sign_of_life(self, pair: Pair) -> None:
        """While idle: it keeps control of the robot, and notices a robot that is gone."""
        try:
            with self._using(pair, pair.motors_lock):
                # Not in the midst of commands: one that waits for it comes late.
                if self._quiet_for_s():
                    return
                self._renewed_s = time.monotonic()
                if pair.version:
                    pair.motors.call('take_control')
                else:
                    pair.motors.ping(self._pauses.call_s)
        except RobotError as error:
            self._break(pair, str(error))

    def _reconnect(self) -> None:
        pause = self._pauses.retry_first_s
        while not self._closing.wait(pause):
            try:
                pair = self._make_pair()
            except RobotError as error:
                self.problem = str(error)
                pause = min(2.0 * pause, self._pauses.retry_most_s)
                continue
            with self._lock:
                self._pair, self.problem = pair, ''
            if self._closing.is_set():
                self._pair, self.problem = None, 'closed'
                pair.close()
                return
            self._tell(f'the robot at {self._address} is back')
            return


def _greet(motors: Peer) -> str:
    """
    Ask the server for its name and for control of the robot; '' = it has neither.

    :raises RobotError: if somebody else controls the robot.
    """
    try:
        version = motors.call('get_version')
    except CallRefusedError:
        # A server of the older kind: it only has the two calls, and no control to give.
        motors.call('set_motors', 0.0, 0.0)
        return ''
    motors.call('take_control')
    motors.prepare('set_motors')  # or the first motion would begin late
    return version if type(version) is str else 'unnamed'

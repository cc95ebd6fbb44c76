"""Keep the newest picture of the camera, and know how old it is."""

import logging
import threading
import time
from typing import Any, Callable, NamedTuple, Optional

REOPEN_FIRST_S = 0.5
REOPEN_MOST_S = 10.0
# A picture that was being taken when somebody asked may show the moment before: the next counts.
PICTURES_TO_WAIT = 2


class Picture(NamedTuple):
    """A JPEG, its number and when it came."""

    number: int
    jpeg: bytes
    taken_s: float


class CameraLoop:
    """
    Reads the camera in a thread; opens it again when it fails or when asked to.

    A camera whose ``read`` hangs cannot be interrupted: its thread is left alone then.
    """

    def __init__(self, open_camera: Callable[[], Any], log: logging.Logger) -> None:
        self._open_camera = open_camera
        self._log = log
        self._changed = threading.Condition()
        self._round = 0
        self._newest: Optional[Picture] = None
        self._count = 0
        self.restarts = -1
        self.problem = 'not started'

    def restart(self) -> None:
        """Open the camera anew; the first time, start it."""
        with self._changed:
            self._round += 1
            self.restarts += 1
            threading.Thread(
                target=self._work, args=(self._round,), name='camera', daemon=True
            ).start()

    def close(self) -> None:
        """Let the thread end after its present picture."""
        with self._changed:
            self._round += 1

    def newest(self, max_age_s: float) -> Optional[Picture]:
        """Return the newest picture unless it is older than ``max_age_s``."""
        picture = self._newest
        if picture is None or time.monotonic() - picture.taken_s > max_age_s:
            return None
        return picture

    def fresh(self, timeout_s: float) -> Optional[Picture]:
        """Wait for a picture whose exposure began after this call; None = none came."""
        with self._changed:
            wanted = self._count + PICTURES_TO_WAIT
            self._changed.wait_for(lambda: self._count >= wanted, timeout_s)
            return self._newest if self._count >= wanted else None

    def age_s(self) -> Optional[float]:
        """Return how long ago the newest picture came."""
        picture = self._newest
        return None if picture is None else time.monotonic() - picture.taken_s

    @property
    def count(self) -> int:
        """Pictures since the start."""
        return self._count

    def _work(self, own_round: int) -> None:
        pause = REOPEN_FIRST_S
        while own_round == self._round:
            try:
                camera = self._open_camera()
                try:
                    while own_round == self._round:
                        self._keep(camera.read(), own_round)
                        pause = REOPEN_FIRST_S
                finally:
                    camera.close()
            except Exception as error:  # a camera may raise anything; the motors go on
                if own_round == self._round:
                    self.problem = f'{type(error).__name__}: {error}'
                    self._log.error('camera: %s', self.problem)
                    time.sleep(pause)
                    pause = min(2.0 * pause, REOPEN_MOST_S)

    def _keep(self, jpeg: bytes, own_round: int) -> None:
        with self._changed:
            if own_round != self._round:
                return
            self._count += 1
            self._newest = Picture(self._count, jpeg, time.monotonic())
            self.problem = ''
            self._changed.notify_all()

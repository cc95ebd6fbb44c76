"""Keep the newest picture of the camera, and know how old it is."""

import logging
import threading
import time
from typing import Any, Callable, NamedTuple, Optional

REOPEN_FIRST_S = 0.5
REOPEN_MOST_S = 10.0
STUCK_AFTER_S = 20.0
CLOSE_TIMEOUT_S = 2.0
# A picture that was being taken when somebody asked may show the moment before: the next counts.
PICTURES_TO_WAIT = 2


class Picture(NamedTuple):
    """A JPEG, its number and when it came."""

    number: int
    jpeg: bytes
    taken_s: float


class CameraLoop:
    """
    Reads the camera in one thread; there it is closed and opened again when it fails or is asked.

    A camera that hangs cannot be interrupted; ``is_stuck`` tells, and only a new process helps.
    """

    def __init__(self, open_camera: Callable[[], Any], log: logging.Logger) -> None:
        self._open_camera = open_camera
        self._log = log
        self._changed = threading.Condition()
        self._closing = False
        self._restart_asked_s: Optional[float] = None
        self._newest: Optional[Picture] = None
        self._count = 0
        self._thread = threading.Thread(target=self._work, name='camera', daemon=True)
        self.restarts = 0
        self.problem = 'not started'

    def start(self) -> None:
        """Open the camera."""
        self._thread.start()

    def restart(self) -> None:
        """Open the camera anew, as soon as its present call returns."""
        with self._changed:
            if self._restart_asked_s is None:
                self._restart_asked_s = time.monotonic()
                self.restarts += 1
            self._changed.notify_all()

    def is_stuck(self) -> bool:
        """Tell whether the camera hangs, so that a restart that was asked for is not done."""
        asked_s = self._restart_asked_s
        return asked_s is not None and time.monotonic() - asked_s > STUCK_AFTER_S

    def close(self) -> None:
        """Close the camera, unless it hangs."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(CLOSE_TIMEOUT_S)

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

    # --- the thread --------------------------------------------------------------------------

    def _work(self) -> None:
        pause = REOPEN_FIRST_S
        while not self._closing:
            before = self._count
            try:
                self._read_until_asked()
                continue
            except Exception as error:  # a camera may raise anything; the motors go on
                self.problem = f'{type(error).__name__}: {error}'
                self._log.error('camera: %s', self.problem)
            if self._count > before:
                pause = REOPEN_FIRST_S
            with self._changed:
                self._changed.wait_for(self._is_asked, pause)
            pause = min(2.0 * pause, REOPEN_MOST_S)

    def _read_until_asked(self) -> None:
        try:
            camera = self._open_camera()
        finally:
            self._restart_asked_s = None
        try:
            while not self._is_asked():
                self._keep(camera.read())
        finally:
            camera.close()

    def _is_asked(self) -> bool:
        return self._closing or self._restart_asked_s is not None

    def _keep(self, jpeg: bytes) -> None:
        with self._changed:
            self._count += 1
            self._newest = Picture(self._count, jpeg, time.monotonic())
            self.problem = ''
            self._changed.notify_all()

"""The one thread that trains, so that frames and services never wait for a training step."""

from collections.abc import Callable
import threading


class LearnerThread:
    """
    Runs ``work`` once for every accepted wake-up; while it is busy, one wake-up can wait.

    The waiting one begins as soon as the work in hand ends, so that the thread is never idle
    while there is something to learn; further ones are refused, nothing queues up.
    Started by ``start``, ended by ``stop``; it cannot be started again.
    """

    def __init__(self, work: Callable[[], None], on_error: Callable[[Exception], None]) -> None:
        """
        Prepare the thread.

        :param on_error: told about any exception of ``work``; the thread goes on.
        """
        self._work = work
        self._on_error = on_error
        self._condition = threading.Condition()
        self._busy = False
        self._again = False
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name='learner', daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether the thread is running."""
        return self._thread.is_alive()

    def wake(self) -> bool:
        """Ask for one piece of work; return False if one is going on and one is waiting."""
        with self._condition:
            if self._stopping or self._again:
                return False
            self._again = self._busy
            self._busy = True
            self._condition.notify_all()
            return True

    def wait_idle(self, timeout_s: float) -> bool:
        """Return whether the thread was idle within the time."""
        with self._condition:
            return self._condition.wait_for(lambda: not self._busy, timeout_s)

    def stop(self) -> None:
        """Let the work in hand end, then join the thread; a second call does nothing."""
        with self._condition:
            self._stopping = True
            self._condition.notify_all()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._busy or self._stopping)
                if self._stopping:
                    self._busy = False
                    self._condition.notify_all()
                    return
            try:
                self._work()
            except Exception as error:  # a thread must not die unheard
                self._on_error(error)
            with self._condition:
                self._busy, self._again = self._again, False
                self._condition.notify_all()

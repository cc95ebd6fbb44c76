"""Work handed over from the threads of the web socket server to the executor's thread."""

from collections import deque
from collections.abc import Callable
import threading

from rclpy.node import Node

Job = Callable[[], None]


class JobQueue:
    """
    Runs jobs in order on the thread that spins the node.

    Jobs may be posted from any thread; one that fails is logged and does not stop the rest.
    """

    def __init__(self, node: Node) -> None:
        self._logger = node.get_logger()
        self._jobs: deque[Job] = deque()
        self._lock = threading.Lock()
        self._closed = False
        self._guard = node.create_guard_condition(self._run)

    def post(self, job: Job) -> None:
        """Run ``job`` soon, on the executor's thread; forgotten after ``close``."""
        with self._lock:
            if not self._closed:
                self._jobs.append(job)
                self._guard.trigger()

    def post_later(self, delay_s: float, job: Job) -> None:
        """Post ``job`` after a delay, without holding up the executor."""
        timer = threading.Timer(delay_s, self.post, args=(job,))
        timer.daemon = True
        timer.start()

    def close(self) -> None:
        """Take no more jobs and forget those that wait."""
        with self._lock:
            self._closed = True
            self._jobs.clear()

    def _run(self) -> None:
        while self._jobs:
            job = self._jobs.popleft()
            try:
                job()
            except Exception as error:
                self._logger.error(f'the Foxglove server failed in a job: {error!r}')

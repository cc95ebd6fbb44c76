"""Calls of ROS services that are made on the executor's thread and may be awaited on another."""

from collections import deque
from collections.abc import Callable
import threading
import time
from typing import Any

from devrobot_bringup.foxglove.jobs import JobQueue
from rclpy.node import Node

SEARCH_TIME_S = 2.0
SEARCH_STEP_S = 0.01
MOST_UNDER_WAY = 4
GONE = 'the service is gone'


class ServiceCallError(RuntimeError):
    """A call has no response; the message says why."""


class PendingCall:
    """The outcome of one call; ends exactly once, with a response or with a problem."""

    def __init__(self) -> None:
        self._ended = threading.Event()
        self._response: Any = None
        self._problem: str | None = None

    @property
    def has_ended(self) -> bool:
        """Whether there is a response or a problem, or nobody waits any more."""
        return self._ended.is_set()

    def answer(self, response: Any) -> None:
        """Hand over the response."""
        if not self._ended.is_set():
            self._response = response
            self._ended.set()

    def fail(self, problem: str) -> None:
        """Hand over the reason why there will be no response."""
        if not self._ended.is_set():
            self._problem = problem
            self._ended.set()

    def wait(self, timeout_s: float) -> Any:
        """
        Return the response; not for the executor's thread, which brings it.

        :raises ServiceCallError: if there is none, or not in time.
        """
        if not self._ended.wait(timeout_s):
            self._ended.set()
            raise ServiceCallError(f'no answer within {timeout_s:g} s')
        if self._problem is not None:
            raise ServiceCallError(self._problem)
        return self._response


class ServiceCaller:
    """
    A ROS client that is made at the first call and kept until ``close``.

    A server that is not there (yet) is searched for a moment, because a new client needs some
    milliseconds to find a server that has long been running. Only a few requests are under way at
    a time, since a server's queue is ten deep and silently loses what does not fit.
    """

    def __init__(self, node: Node, jobs: JobQueue, service_class: Any, name: str) -> None:
        self._node = node
        self._jobs = jobs
        self._service_class = service_class
        self._name = name
        self._client: Any = None
        self._waiting: deque[tuple[PendingCall, Any]] = deque()
        self._under_way: set[PendingCall] = set()
        self._closed = False

    def call(self, request: Any, timeout_s: float) -> Any:
        """
        Call from any thread but the executor's, and return the response.

        :raises ServiceCallError: if there is none.
        """
        pending = PendingCall()
        self._jobs.post(lambda: self._enqueue(pending, request))
        try:
            return pending.wait(timeout_s)
        finally:
            self._jobs.post(lambda: self._forget(pending))

    def send(self, request: Any, on_response: Callable[[Any], None]) -> bool:
        """Call on the executor's thread; return whether the server is there to be asked."""
        client = self._ensure_client()
        if not client.service_is_ready():
            return False
        client.call_async(request).add_done_callback(
            lambda future: None if _problem_of(future) else on_response(future.result())
        )
        return True

    def close(self) -> None:
        """Answer what is pending and remove the client; on the executor's thread."""
        self._closed = True
        for pending in [*self._under_way, *(waiting for waiting, _ in self._waiting)]:
            pending.fail(GONE)
        self._waiting.clear()
        if self._client is not None:
            self._node.destroy_client(self._client)
            self._client = None

    def _ensure_client(self) -> Any:
        if self._client is None:
            self._client = self._node.create_client(self._service_class, self._name)
        return self._client

    def _enqueue(self, pending: PendingCall, request: Any) -> None:
        self._waiting.append((pending, request))
        self._start_next()

    def _forget(self, pending: PendingCall) -> None:
        self._under_way.discard(pending)
        self._start_next()

    def _start_next(self) -> None:
        while self._waiting and len(self._under_way) < MOST_UNDER_WAY:
            pending, request = self._waiting.popleft()
            if not pending.has_ended:
                self._under_way.add(pending)
                self._begin(pending, request, time.monotonic() + SEARCH_TIME_S)

    def _begin(self, pending: PendingCall, request: Any, search_until: float) -> None:
        if self._closed:
            pending.fail(GONE)
            return
        client = self._ensure_client()
        if client.service_is_ready():
            client.call_async(request).add_done_callback(lambda future: _end(pending, future))
        elif time.monotonic() < search_until:
            self._jobs.post_later(
                SEARCH_STEP_S, lambda: self._begin(pending, request, search_until)
            )
        else:
            pending.fail(f'no server was found within {SEARCH_TIME_S:g} s')


def _problem_of(future: Any) -> str | None:
    if future.cancelled():
        return 'the call was cancelled'
    error = future.exception()
    return None if error is None else f'the call failed: {error}'


def _end(pending: PendingCall, future: Any) -> None:
    problem = _problem_of(future)
    if problem is None:
        pending.answer(future.result())
    else:
        pending.fail(problem)

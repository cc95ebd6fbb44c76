"""Calls of ROS services that are made on the executor's thread and may be awaited on another."""
from collections.abc import Callable
import threading
import time
from typing import Any

from devrobot_bringup.foxglove.jobs import JobQueue
from rclpy.node import Node

SEARCH_TIME_S = 2.0
SEARCH_STEP_S = 0.01


class ServiceCallError(RuntimeError):
    """A call has no response; the message says why."""


class PendingCall:
    """The outcome of one call; ends exactly once, with a response or with a problem."""

    def __init__(self) -> None:
        self._ended = threading.Event()
        self._response: Any = None
        self._problem: str | None = None

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
            raise ServiceCallError(f'no answer within {timeout_s:g} s')
        if self._problem is not None:
            raise ServiceCallError(self._problem)
        return self._response


class ServiceCaller:
    """
    A ROS client that is made at the first call and kept until ``close``.

    A server that is not there (yet) is searched for a moment, because a new client needs some
    milliseconds to find a server that has long been running.
    """

    def __init__(self, node: Node, jobs: JobQueue, service_class: Any, name: str) -> None:
        self._node = node
        self._jobs = jobs
        self._service_class = service_class
        self._name = name
        self._client: Any = None
        self._pending: set[PendingCall] = set()
        self._closed = False

    def call(self, request: Any, timeout_s: float) -> Any:
        """
        Call from any thread but the executor's, and return the response.

        :raises ServiceCallError: if there is none.
        """
        pending = PendingCall()
        self._jobs.post(lambda: self._begin(pending, request, time.monotonic() + SEARCH_TIME_S))
        try:
            return pending.wait(timeout_s)
        finally:
            self._pending.discard(pending)

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
        for pending in tuple(self._pending):
            pending.fail('the service is gone')
        if self._client is not None:
            self._node.destroy_client(self._client)
            self._client = None

    def _ensure_client(self) -> Any:
        if self._client is None:
            self._client = self._node.create_client(self._service_class, self._name)
        return self._client

    def _begin(self, pending: PendingCall, request: Any, search_until: float) -> None:
        if self._closed:
            pending.fail('the service is gone')
            return
        self._pending.add(pending)
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

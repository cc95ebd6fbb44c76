"""A short-lived node for looking at the ROS graph, and waiting for what it discovers."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
import os
import time
from typing import Any

from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node

from ros2_standin.errors import did_you_mean, StandinError
from ros2_standin.own_node import own_node

#: Participants announce themselves every 3 s; what they say before that is sometimes missed.
SPIN_TIME_S = 3.5
QUIET_S = 0.5
DISCOVERY_S = 6.0
ANSWER_S = 10.0
POLL_S = 0.02
HIDDEN = '_'


class Session:
    """The node, with the calls that the verbs share."""

    def __init__(self, node: Node, executor: SingleThreadedExecutor) -> None:
        self.node = node
        self._executor = executor
        self._began = time.monotonic()

    def spin(self, timeout_s: float = 0.1) -> None:
        """Deal with at most one callback; short, so that Ctrl-C is noticed."""
        self._executor.spin_once(timeout_sec=timeout_s)

    def wait_for(self, condition: Callable[[], Any], deadline_s: float = DISCOVERY_S) -> Any:
        """Return what ``condition`` returns as soon as it is true, else its last value."""
        end = time.monotonic() + deadline_s
        while True:
            value = condition()
            if value or time.monotonic() >= end:
                return value
            time.sleep(POLL_S)

    def settle(self, spin_time_s: float = SPIN_TIME_S) -> None:
        """Wait until the session is ``spin_time_s`` old and nothing new is being discovered."""
        end = self._began + spin_time_s + DISCOVERY_S
        quiet_from = self._began + spin_time_s - QUIET_S
        seen: object = None
        while time.monotonic() < min(end, quiet_from + QUIET_S):
            now = (
                self.node.get_node_names_and_namespaces(),
                self.node.get_topic_names_and_types(),
                self.node.get_service_names_and_types(),
            )
            if now != seen:
                seen = now
                quiet_from = max(quiet_from, time.monotonic())
            time.sleep(POLL_S)

    def node_names(self, *, hidden: bool = False) -> list[str]:
        """Return the full names of the nodes, sorted, without this one."""
        own = self.node.get_fully_qualified_name()
        names = [
            f'{namespace.rstrip("/")}/{name}'
            for name, namespace in self.node.get_node_names_and_namespaces()
        ]
        return sorted(name for name in names if name != own and (hidden or not is_hidden(name)))

    def call(
        self, service_type: type, name: str, request: object, timeout_s: float = ANSWER_S
    ) -> Any:
        """
        Return the response of a service.

        :raises StandinError: if there is no such service or it does not answer.
        """
        client = self.node.create_client(service_type, name)
        try:
            if not self.wait_for(client.service_is_ready):
                raise StandinError(f"service '{name}' is not available")
            future = client.call_async(request)
            end = time.monotonic() + timeout_s
            while not future.done() and time.monotonic() < end:
                self.spin(0.05)
            if not future.done():
                raise StandinError(f"service '{name}' did not answer in {timeout_s:g} s")
            return future.result()
        finally:
            self.node.destroy_client(client)

    def find_node(self, name: str) -> str:
        """
        Return the full name of a node.

        :raises StandinError: if it is not there.
        """
        full = name if name.startswith('/') else f'/{name}'
        if self.wait_for(lambda: full in self.node_names(hidden=True)):
            return full
        names = self.node_names()
        known = ', '.join(names) or 'none'
        raise StandinError(
            f"Node not found: '{full}'{did_you_mean(full, names)} (nodes there: {known})"
        )


def is_hidden(name: str) -> bool:
    """Tell whether a part of the name begins with an underscore."""
    return any(part.startswith(HIDDEN) for part in name.split('/'))


def full_name(name: str) -> str:
    """Return a topic, service or node name with its leading slash."""
    return name if name.startswith('/') else f'/{name}'


def add_graph_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that the real tool has for looking at the graph."""
    parser.add_argument(
        '--spin-time',
        type=float,
        default=SPIN_TIME_S,
        metavar='SECONDS',
        help='how long to wait for other participants to announce themselves',
    )
    parser.add_argument('-s', '--use-sim-time', action='store_true', help='accepted, no effect')
    parser.add_argument('--no-daemon', action='store_true', help='accepted: there is no daemon')


@contextmanager
def session() -> Iterator[Session]:
    """Give a :class:`Session`."""
    name = f'_ros2cli_{os.getpid()}'
    with own_node(name, start_parameter_services=False) as (node, executor):
        yield Session(node, executor)

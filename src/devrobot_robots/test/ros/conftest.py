"""Nodes of this package in an own ROS context."""

from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip('rclpy')


@pytest.fixture
def graph(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    from robots_graph import Graph

    graph = Graph()
    yield graph
    graph.close()


@pytest.fixture
def more_graphs(graph: Any) -> Iterator[Any]:
    """Make further graphs: other participants of DDS, as other processes are."""
    from robots_graph import Graph

    made: list[Any] = []
    yield lambda: made.append(Graph()) or made[-1]
    for other in made:
        other.close()

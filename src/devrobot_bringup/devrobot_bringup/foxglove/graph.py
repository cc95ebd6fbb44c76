"""What the ROS graph holds at one moment, and its picture for the viewer's graph panel."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from devrobot_bringup.foxglove.config import FoxgloveConfig
from devrobot_bringup.foxglove.names import full_node_name, select_interfaces, Whitelist
import foxglove
from rclpy.node import Node, NodeNameNonExistentError

LIST_PARAMETERS_TYPE = 'rcl_interfaces/srv/ListParameters'
NamesByNode = Callable[[str, str], list[tuple[str, list[str]]]]


@dataclass(frozen=True, kw_only=True)
class GraphSnapshot:
    """Everything on show, and the nodes that have parameters."""

    topics: dict[str, str]
    services: dict[str, str]
    parameter_nodes: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Connections:
    """Which node does what: name of a topic or service → full node names, sorted."""

    publishers: dict[str, tuple[str, ...]]
    subscribers: dict[str, tuple[str, ...]]
    providers: dict[str, tuple[str, ...]]

    def to_message(self) -> foxglove.ConnectionGraph:
        """Return the picture in the form that the server publishes."""
        graph = foxglove.ConnectionGraph()
        for topic, nodes in self.publishers.items():
            graph.set_published_topic(topic, list(nodes))
        for topic, nodes in self.subscribers.items():
            graph.set_subscribed_topic(topic, list(nodes))
        for service, nodes in self.providers.items():
            graph.set_advertised_service(service, list(nodes))
        return graph


class GraphReader:
    """Looks at the graph through one node, which is itself left out."""

    def __init__(self, node: Node, config: FoxgloveConfig) -> None:
        self._node = node
        self._own_name = node.get_fully_qualified_name()
        self._topics = Whitelist(config.topic_whitelist)
        self._services = Whitelist(config.service_whitelist)

    def snapshot(self) -> GraphSnapshot:
        """
        Return what is there now.

        A service counts only while it has a server: the graph also lists names that somebody
        merely calls, which is what this server itself does.
        """
        services = [
            (name, types)
            for name, types in self._node.get_service_names_and_types()
            if self._node.count_services(name) > 0
        ]
        suffix = '/list_parameters'
        nodes = {
            name.removesuffix(suffix)
            for name, types in services
            if LIST_PARAMETERS_TYPE in types and name.endswith(suffix)
        }
        return GraphSnapshot(
            topics=select_interfaces(self._node.get_topic_names_and_types(), self._topics),
            services=select_interfaces(services, self._services),
            parameter_nodes=frozenset(nodes - {self._own_name}),
        )

    def connections(self, snapshot: GraphSnapshot) -> Connections:
        """Return who publishes, subscribes to and provides what ``snapshot`` shows."""
        node = self._node
        return Connections(
            publishers=self._by_name(node.get_publisher_names_and_types_by_node, snapshot.topics),
            subscribers=self._by_name(
                node.get_subscriber_names_and_types_by_node, snapshot.topics
            ),
            providers=self._by_name(node.get_service_names_and_types_by_node, snapshot.services),
        )

    def _by_name(
        self, names_of_node: NamesByNode, shown: Mapping[str, str]
    ) -> dict[str, tuple[str, ...]]:
        found: dict[str, set[str]] = defaultdict(set)
        for node_name, namespace in self._node.get_node_names_and_namespaces():
            full_name = full_node_name(node_name, namespace)
            if full_name == self._own_name:
                continue
            try:
                names = names_of_node(node_name, namespace)
            except NodeNameNonExistentError:
                continue
            for name, _ in names:
                if name in shown:
                    found[name].add(full_name)
        return {name: tuple(sorted(nodes)) for name, nodes in sorted(found.items())}

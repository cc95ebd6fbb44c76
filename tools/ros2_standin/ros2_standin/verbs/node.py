"""``ros2 node list | info``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from rclpy.action import (
    get_action_client_names_and_types_by_node,
    get_action_server_names_and_types_by_node,
)

from ros2_standin.graph import add_graph_options, is_hidden, session


def list_nodes(argv: Sequence[str]) -> int:
    """Print the names of the nodes."""
    parser = argparse.ArgumentParser(prog='ros2 node list')
    add_graph_options(parser)
    parser.add_argument('-a', '--all', action='store_true', help='show hidden nodes too')
    parser.add_argument('-c', '--count-nodes', action='store_true')
    arguments = parser.parse_args(argv)
    with session() as graph:
        graph.settle(arguments.spin_time)
        names = graph.node_names(hidden=arguments.all)
    print(len(names) if arguments.count_nodes else '\n'.join(names), end='\n' if names else '')
    return 0


def info(argv: Sequence[str]) -> int:
    """Print the topics, services and actions of a node."""
    parser = argparse.ArgumentParser(prog='ros2 node info')
    add_graph_options(parser)
    parser.add_argument('--include-hidden', action='store_true')
    parser.add_argument('node_name')
    arguments = parser.parse_args(argv)
    with session() as graph:
        full = graph.find_node(arguments.node_name)
        graph.settle(arguments.spin_time)
        namespace, _, name = full.rpartition('/')
        where = (name, namespace or '/')
        node = graph.node
        sections = (
            ('Subscribers', node.get_subscriber_names_and_types_by_node(*where)),
            ('Publishers', node.get_publisher_names_and_types_by_node(*where)),
            ('Service Servers', node.get_service_names_and_types_by_node(*where)),
            ('Service Clients', node.get_client_names_and_types_by_node(*where)),
            ('Action Servers', get_action_server_names_and_types_by_node(node, *where)),
            ('Action Clients', get_action_client_names_and_types_by_node(node, *where)),
        )
    print(full)
    for title, entries in sections:
        print(f'  {title}:')
        shown = [
            f'    {entry}: {", ".join(types)}'
            for entry, types in sorted(entries)
            if arguments.include_hidden or not is_hidden(entry)
        ]
        print('\n'.join(shown))
    return 0

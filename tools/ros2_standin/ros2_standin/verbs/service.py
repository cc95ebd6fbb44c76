"""``ros2 service list | type | call``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
import time

from ros2_standin.errors import did_you_mean, StandinError
from ros2_standin.graph import add_graph_options, full_name, is_hidden, Session, session
from ros2_standin.messages import fill, load_interface, parse_yaml_values


def services(graph: Session, *, hidden: bool = False) -> list[tuple[str, list[str]]]:
    """Return the services and their types, sorted."""
    return sorted(
        (name, types)
        for name, types in graph.node.get_service_names_and_types()
        if hidden or not is_hidden(name)
    )


def list_services(argv: Sequence[str]) -> int:
    """Print the names of the services."""
    parser = argparse.ArgumentParser(prog='ros2 service list')
    add_graph_options(parser)
    parser.add_argument('-t', '--show-types', action='store_true')
    parser.add_argument('-c', '--count-services', action='store_true')
    parser.add_argument('--include-hidden-services', action='store_true')
    arguments = parser.parse_args(argv)
    with session() as graph:
        graph.settle(arguments.spin_time)
        found = services(graph, hidden=arguments.include_hidden_services)
    if arguments.count_services:
        print(len(found))
        return 0
    for name, types in found:
        print(f'{name} [{", ".join(types)}]' if arguments.show_types else name)
    return 0


def show_type(argv: Sequence[str]) -> int:
    """Print the type of a service."""
    parser = argparse.ArgumentParser(prog='ros2 service type')
    add_graph_options(parser)
    parser.add_argument('service_name')
    arguments = parser.parse_args(argv)
    name = full_name(arguments.service_name)
    with session() as graph:
        types = graph.wait_for(lambda: dict(services(graph, hidden=True)).get(name))
        if not types:
            names = [known for known, _ in services(graph)]
            raise StandinError(f"Unknown service '{name}'{did_you_mean(name, names)}")
    for type_name in types:
        print(type_name)
    return 0


def call(argv: Sequence[str]) -> int:
    """Call a service and print what it answers."""
    parser = argparse.ArgumentParser(prog='ros2 service call')
    parser.add_argument('-r', '--rate', type=float, metavar='HZ', help='call again and again')
    parser.add_argument('service_name')
    parser.add_argument('service_type', help='package/srv/Name')
    parser.add_argument('values', nargs='?', default='{}', help='the request, in YAML')
    arguments = parser.parse_args(argv)
    if arguments.rate is not None and not arguments.rate > 0.0:
        raise StandinError(f'rate must be greater than zero, got {arguments.rate:g}')
    service_type = load_interface(arguments.service_type, 'srv')
    request = service_type.Request()
    fill(request, parse_yaml_values(arguments.values))
    with session() as graph:
        client = graph.node.create_client(service_type, arguments.service_name)
        if not graph.wait_for(client.service_is_ready, 1.0):
            print('waiting for service to become available...', flush=True)
            graph.wait_for(client.service_is_ready, float('inf'))
        while True:
            print(f'requester: making request: {request!r}\n', flush=True)
            started = time.monotonic()
            future = client.call_async(request)
            while not future.done():
                graph.spin()
            print(f'response:\n{future.result()!r}\n', flush=True)
            if arguments.rate is None:
                return 0
            time.sleep(max(0.0, started + 1.0 / arguments.rate - time.monotonic()))

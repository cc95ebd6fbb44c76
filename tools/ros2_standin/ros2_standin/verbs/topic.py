"""``ros2 topic list | info | type``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from ros2_standin.errors import did_you_mean, StandinError
from ros2_standin.graph import add_graph_options, full_name, is_hidden, Session, session


def topics(graph: Session, *, hidden: bool = False) -> list[tuple[str, list[str]]]:
    """Return the topics and their types, sorted."""
    return sorted(
        (name, types)
        for name, types in graph.node.get_topic_names_and_types()
        if hidden or not is_hidden(name)
    )


def types_of(graph: Session, topic: str) -> list[str]:
    """
    Return the types of a topic as soon as it is known.

    :raises StandinError: if it is not discovered in time.
    """
    name = full_name(topic)
    types = graph.wait_for(lambda: dict(topics(graph, hidden=True)).get(name))
    if types:
        return types
    names = [known for known, _ in topics(graph)]
    raise StandinError(f"Unknown topic '{name}'{did_you_mean(name, names)}")


def type_of(graph: Session, topic: str) -> str:
    """
    Return the only type of a topic.

    :raises StandinError: if there are several.
    """
    types = types_of(graph, topic)
    if len(types) > 1:
        raise StandinError(
            f"Cannot use topic '{full_name(topic)}', as it contains more than one type: "
            f'[{", ".join(types)}]'
        )
    return types[0]


def _counted(count: int, what: str) -> str:
    return f'{count} {what}{"s" if count != 1 else ""}'


def list_topics(argv: Sequence[str]) -> int:
    """Print the names of the topics."""
    parser = argparse.ArgumentParser(prog='ros2 topic list')
    add_graph_options(parser)
    parser.add_argument('-t', '--show-types', action='store_true')
    parser.add_argument('-c', '--count-topics', action='store_true')
    parser.add_argument('-v', '--verbose', action='store_true')
    parser.add_argument('--include-hidden-topics', action='store_true')
    arguments = parser.parse_args(argv)
    with session() as graph:
        graph.settle(arguments.spin_time)
        found = topics(graph, hidden=arguments.include_hidden_topics)
        if arguments.count_topics:
            print(len(found))
        elif arguments.verbose:
            _print_verbose(graph, found)
        else:
            for name, types in found:
                print(f'{name} [{", ".join(types)}]' if arguments.show_types else name)
    return 0


def _print_verbose(graph: Session, found: Sequence[tuple[str, list[str]]]) -> None:
    for title, what, count_of in (
        ('Published topics:', 'publisher', graph.node.count_publishers),
        ('Subscribed topics:', 'subscriber', graph.node.count_subscribers),
    ):
        print(title)
        for name, types in found:
            count = count_of(name)
            if count:
                print(f' * {name} [{", ".join(types)}] {_counted(count, what)}')
        print()


def info(argv: Sequence[str]) -> int:
    """Print the type and the number of publishers and subscriptions of a topic."""
    parser = argparse.ArgumentParser(prog='ros2 topic info')
    add_graph_options(parser)
    parser.add_argument('-v', '--verbose', action='store_true', help='show every endpoint')
    parser.add_argument('topic_name')
    arguments = parser.parse_args(argv)
    name = full_name(arguments.topic_name)
    with session() as graph:
        types = types_of(graph, name)
        graph.settle(arguments.spin_time)
        print(f'Type: {types[0] if len(types) == 1 else types}')
        end = '\n\n' if arguments.verbose else '\n'
        if arguments.verbose:
            print()
        print(f'Publisher count: {graph.node.count_publishers(name)}', end=end)
        if arguments.verbose:
            for endpoint in graph.node.get_publishers_info_by_topic(name):
                print(endpoint, end=end)
        print(f'Subscription count: {graph.node.count_subscribers(name)}', end=end)
        if arguments.verbose:
            for endpoint in graph.node.get_subscriptions_info_by_topic(name):
                print(endpoint, end=end)
    return 0


def show_type(argv: Sequence[str]) -> int:
    """Print the types of a topic."""
    parser = argparse.ArgumentParser(prog='ros2 topic type')
    add_graph_options(parser)
    parser.add_argument('topic_name')
    arguments = parser.parse_args(argv)
    with session() as graph:
        for name in types_of(graph, arguments.topic_name):
            print(name)
    return 0

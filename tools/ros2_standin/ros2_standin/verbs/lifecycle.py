"""``ros2 lifecycle nodes | get | set | list``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from lifecycle_msgs.msg import TransitionDescription
from lifecycle_msgs.srv import ChangeState, GetAvailableTransitions, GetState

from ros2_standin.errors import did_you_mean, StandinError
from ros2_standin.graph import add_graph_options, Session, session

CHANGE_TIMEOUT_S = 60.0  # a transition may load a model or connect to a robot


def _parser(verb: str, *positional: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f'ros2 lifecycle {verb}')
    add_graph_options(parser)
    for name in positional:
        parser.add_argument(name)
    return parser


def lifecycle_nodes(graph: Session) -> list[str]:
    """Return the names of the nodes that have a life cycle."""
    served = dict(graph.node.get_service_names_and_types())
    return [name for name in graph.node_names() if f'{name}/get_state' in served]


def state_of(graph: Session, node: str) -> str:
    """Return the state of a node, like ``active [3]``."""
    state = graph.call(GetState, f'{node}/get_state', GetState.Request()).current_state
    return f'{state.label} [{state.id}]'


def _transitions(graph: Session, node: str) -> list[TransitionDescription]:
    return list(
        graph.call(
            GetAvailableTransitions,
            f'{node}/get_available_transitions',
            GetAvailableTransitions.Request(),
        ).available_transitions
    )


def nodes(argv: Sequence[str]) -> int:
    """Print the names of the nodes that have a life cycle."""
    parser = _parser('nodes')
    parser.add_argument('-c', '--count-nodes', action='store_true')
    arguments = parser.parse_args(argv)
    with session() as graph:
        graph.settle(arguments.spin_time)
        names = lifecycle_nodes(graph)
    for line in [len(names)] if arguments.count_nodes else names:
        print(line)
    return 0


def get(argv: Sequence[str]) -> int:
    """Print the state of one node or of all."""
    parser = _parser('get')
    parser.add_argument('node_name', nargs='?')
    arguments = parser.parse_args(argv)
    with session() as graph:
        if arguments.node_name:
            print(state_of(graph, graph.find_node(arguments.node_name)))
            return 0
        graph.settle(arguments.spin_time)
        for name in lifecycle_nodes(graph):
            print(f'{name}: {state_of(graph, name)}')
    return 0


def list_transitions(argv: Sequence[str]) -> int:
    """Print the transitions that are possible now."""
    arguments = _parser('list', 'node_name').parse_args(argv)
    with session() as graph:
        for item in _transitions(graph, graph.find_node(arguments.node_name)):
            print(
                f'- {item.transition.label} [{item.transition.id}]\n'
                f'\tStart: {item.start_state.label}\n\tGoal: {item.goal_state.label}'
            )
    return 0


def set_state(argv: Sequence[str]) -> int:
    """Make a node take a transition."""
    arguments = _parser('set', 'node_name', 'transition').parse_args(argv)
    with session() as graph:
        node = graph.find_node(arguments.node_name)
        possible = {item.transition.label: item.transition for item in _transitions(graph, node)}
        wanted = possible.get(arguments.transition) or next(
            (item for item in possible.values() if str(item.id) == arguments.transition), None
        )
        if wanted is None:
            raise StandinError(
                f"Unknown transition requested: '{arguments.transition}'"
                f'{did_you_mean(arguments.transition, possible)} '
                f'(possible now: {", ".join(possible)})'
            )
        response = graph.call(
            ChangeState,
            f'{node}/change_state',
            ChangeState.Request(transition=wanted),
            timeout_s=CHANGE_TIMEOUT_S,
        )
    print('Transitioning successful' if response.success else 'Transitioning failed')
    return 0 if response.success else 1

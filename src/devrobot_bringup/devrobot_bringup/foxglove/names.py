"""Which names of the ROS graph are shown, and how parameters are called in a viewer."""

from collections.abc import Iterable, Sequence
import re

HIDDEN_TYPE_PREFIXES = (
    'rcl_interfaces/srv/',
    'rcl_interfaces/msg/ParameterEvent',
    'type_description_interfaces/',
)


class Whitelist:
    """Names that match at least one regular expression as a whole."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._patterns = tuple(re.compile(pattern) for pattern in patterns)

    def allows(self, name: str) -> bool:
        """Return whether ``name`` may be shown."""
        return any(pattern.fullmatch(name) for pattern in self._patterns)


def is_hidden_name(name: str) -> bool:
    """Return whether a part of ``name`` starts with an underscore, which hides it in ROS 2."""
    return any(part.startswith('_') for part in name.split('/'))


def is_hidden_type(type_name: str) -> bool:
    """Return whether ``type_name`` belongs to the parameter plumbing of every node."""
    return type_name.startswith(HIDDEN_TYPE_PREFIXES)


def select_interfaces(
    names_and_types: Sequence[tuple[str, Sequence[str]]], whitelist: Whitelist
) -> dict[str, str]:
    """Return the type of every name to be shown; of several types the first one counts."""
    return {
        name: types[0]
        for name, types in names_and_types
        if types
        and not is_hidden_name(name)
        and not is_hidden_type(types[0])
        and whitelist.allows(name)
    }


def full_node_name(name: str, namespace: str) -> str:
    """Return ``/namespace/name``, also for the root namespace."""
    return f'{namespace.rstrip("/")}/{name}'


def parameter_name(node: str, parameter: str) -> str:
    """Return the name of a parameter in a viewer, ``/node.parameter``."""
    return f'{node}.{parameter}'


def split_parameter_name(name: str) -> tuple[str, str]:
    """
    Return the node and the parameter of a name like ``/robot/driver.robot.width``.

    :raises ValueError: if there is no node or no parameter in it.
    """
    node, _, parameter = name.partition('.')
    if not node.startswith('/') or not parameter:
        raise ValueError(f'{name!r} is not a parameter name like /node.parameter')
    return node, parameter

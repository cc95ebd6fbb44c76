"""Python classes of ROS types, looked up by name."""

from importlib import import_module
from typing import Any


class UnknownTypeError(LookupError):
    """A type has no Python class on this machine."""


def interface_class(type_name: str) -> Any:
    """
    Return the class of a type such as ``std_msgs/msg/Header`` or ``std_srvs/srv/Trigger``.

    :raises UnknownTypeError: if its package is not installed or has no such type.
    """
    try:
        package, kind, name = type_name.split('/')
        return getattr(import_module(f'{package}.{kind}'), name)
    except (ValueError, ImportError, AttributeError) as error:
        raise UnknownTypeError(f'no Python class for {type_name}: {error}') from error

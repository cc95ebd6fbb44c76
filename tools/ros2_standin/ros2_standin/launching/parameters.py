"""``<param>`` elements: values with their types, written as ROS parameter files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from ros2_standin.launching import substitutions
from ros2_standin.launching.context import Context
from ros2_standin.launching.elements import Element

#: Writes the text of a parameter file and returns its path.
WriteParameters = Callable[[str], Path]


def guess(element: Element, text: str) -> Any:
    """
    Return ``text`` as the type it looks like: bool, int, float, a list of one of them, or str.

    YAML decides, as in the real tool.
    """
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        return text
    if isinstance(value, list):
        kinds = {type(item) for item in value}
        if len(kinds) > 1 or not kinds <= {bool, int, float, str}:
            raise element.error(f"the items of the list '{text}' are not all of one simple type")
        return value
    return value if isinstance(value, (bool, int, float)) else text


def typed(element: Element, text: str, kind: str) -> Any:
    """Return ``text`` as the type that the attribute ``type`` asks for."""
    if kind == 'str':
        return text
    try:
        if kind == 'bool':
            return substitutions.to_bool(text)
        return int(text) if kind == 'int' else float(text)
    except Exception as error:
        raise element.error(f"parameter value '{text}' is not of type {kind}") from error


def values_of(context: Context, element: Element) -> dict[str, Any]:
    """Return the nested dictionary that ``<param name=…>`` stands for."""
    name = context.need(element, 'name')
    if element.children:
        nested: dict[str, Any] = {}
        for child in element.children:
            nested.update(values_of(context, child))
        return {name: nested}
    text = context.need(element, 'value')
    kind = element.attributes.get('type')
    return {name: guess(element, text) if kind is None else typed(element, text, kind)}


def parameter_arguments(
    context: Context, node: Element, full_name: str | None, write: WriteParameters
) -> list[str]:
    """
    Return ``--params-file`` arguments for the ``<param>`` children of a node, in their order.

    :param full_name: name with namespace if both are known, else every node is meant.
    """
    arguments = []
    for child in node.children:
        if child.tag != 'param':
            continue
        if 'from' in child.attributes:
            path = Path(context.need(child, 'from'))
            if not path.is_file():
                raise child.error(f"parameter file '{path}' does not exist")
        else:
            content = {full_name or '/**': {'ros__parameters': values_of(context, child)}}
            path = write(yaml.safe_dump(content, default_flow_style=False))
        arguments += ['--params-file', str(path)]
    return arguments

"""Command lines of ``<node>`` and ``<executable>``."""

from __future__ import annotations

import re
import shlex

from ros2_standin import ament
from ros2_standin.errors import LaunchFileError, StandinError
from ros2_standin.launching import substitutions
from ros2_standin.launching.context import Context
from ros2_standin.launching.elements import Element
from ros2_standin.launching.parameters import parameter_arguments, WriteParameters

_NODE_NAME = re.compile(r'[A-Za-z_][A-Za-z0-9_]*')
_NAMESPACE = re.compile(r'/|(/[A-Za-z_][A-Za-z0-9_]*)+')


def split(context: Context, element: Element, text: str) -> list[str]:
    """
    Split a command line at the spaces of its literal text.

    What a substitution yields is never split, so paths with spaces stay whole.
    """
    words: list[str] = []
    joined = False  # whether the next part continues the last word
    for part in substitutions.parse(text):
        if isinstance(part, substitutions.Call):
            pieces, opens, closes = [context.perform(element, (part,))], True, True
        else:
            pieces = _shell_words(element, part.text)
            opens = not part.text[0].isspace()
            closes = not part.text[-1].isspace()
        if joined and opens and pieces and words:
            words[-1] += pieces.pop(0)
        words += pieces
        joined = closes
    return words


def _shell_words(element: Element, text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise element.error(f"cannot split '{text}' into arguments: {error}") from error


def prefix_namespace(base: str | None, namespace: str | None) -> str | None:
    """Return ``namespace`` below ``base``; an absolute one stands alone."""
    if namespace is None or base is None:
        joined = base if namespace is None else namespace
    elif namespace.startswith('/'):
        joined = namespace
    else:
        joined = f'{base.rstrip("/")}/{namespace}'
    if joined is None:
        return None
    return joined.rstrip('/') or '/' if joined else None


def absolute_namespace(element: Element, namespace: str | None) -> str | None:
    """Return the namespace with a leading slash, checked."""
    if namespace is None:
        return None
    absolute = namespace if namespace.startswith('/') else f'/{namespace}'
    if not _NAMESPACE.fullmatch(absolute):
        raise element.error(
            f"namespace '{namespace}' is not valid: letters, digits and underscores between '/'"
        )
    return absolute


def node_command(context: Context, element: Element, write: WriteParameters) -> list[str]:
    """Return the command line of a ``<node>``, with its ROS arguments."""
    try:
        executable = ament.executable_of(
            context.need(element, 'pkg'), context.need(element, 'exec')
        )
    except LaunchFileError:
        raise
    except StandinError as error:
        raise element.error(str(error)) from error
    command = [str(executable), *split(context, element, element.attributes.get('args', ''))]
    ros_arguments = split(context, element, element.attributes.get('ros_args', ''))
    if ros_arguments:
        command += ['--ros-args', *ros_arguments]
    command.append('--ros-args')
    name = context.get(element, 'name')
    if name is not None:
        if not _NODE_NAME.fullmatch(name):
            raise element.error(
                f"node name '{name}' is not valid: letters, digits and underscores"
            )
        command += ['-r', f'__node:={name}']
    namespace = absolute_namespace(
        element, prefix_namespace(context.scoped.namespace, context.get(element, 'namespace'))
    )
    if namespace is not None:
        command += ['-r', f'__ns:={namespace}']
    for key, value in context.scoped.parameters:
        command += ['-p', f'{key}:={value}']
    full_name = None
    if name is not None and namespace is not None:
        full_name = f'{namespace.rstrip("/")}/{name}'
    command += parameter_arguments(context, element, full_name, write)
    remappings = context.scoped.remappings + [
        (context.need(child, 'from'), context.need(child, 'to'))
        for child in element.children
        if child.tag == 'remap'
    ]
    for source, target in remappings:
        command += ['-r', f'{source}:={target}']
    return command

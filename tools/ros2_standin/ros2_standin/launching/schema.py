"""
Which tags and attributes are read, and how each attribute is understood.

The table is a subset of the XML front end of ROS 2 Jazzy. What the real one does not know is not
here either, so a launch file that passes here is also read by ``ros2 launch`` of an installation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from ros2_standin.errors import did_you_mean, StandinError
from ros2_standin.launching import substitutions
from ros2_standin.launching.elements import Element


class Kind(Enum):
    """How the value of an attribute is understood."""

    TEXT = 'substitutions are carried out'
    LITERAL = 'taken as it stands'
    BOOL = 'true or false, as it stands'
    SECONDS = 'a number of seconds, as it stands'
    ON_EXIT = 'shutdown, as it stands'
    TYPE = 'a parameter type, as it stands'


@dataclass(frozen=True, kw_only=True)
class Tag:
    """The attributes and children of a tag."""

    required: Mapping[str, Kind] = field(default_factory=dict)
    optional: Mapping[str, Kind] = field(default_factory=dict)
    children: Mapping[str, Tag] = field(default_factory=dict)
    is_action: bool = True

    def kinds(self) -> dict[str, Kind]:
        """Return the kind of every attribute."""
        conditions = {'if': Kind.TEXT, 'unless': Kind.TEXT} if self.is_action else {}
        return {**self.required, **self.optional, **conditions}


PARAMETER_TYPES = ('bool', 'int', 'float', 'str')
#: Tags of the real front end that are left to it.
REAL_ONLY = frozenset(
    (
        'append_env',
        'composable_node',
        'for',
        'keep',
        'lifecycle_node',
        'load_composable_node',
        'node_container',
        'reset',
        'reset_env',
        'ros_timer',
        'set_parameters_from_file',
        'set_use_sim_time',
        'shutdown',
        'timer',
        'unset_env',
    )
)
_NAME_AND_VALUE = {'name': Kind.TEXT, 'value': Kind.TEXT}


def _part(required: Mapping[str, Kind], **more: Mapping) -> Tag:
    """Return a tag that is no action, so without ``if`` and ``unless``."""
    return Tag(required=required, is_action=False, **more)


_NESTED_PARAM_CHILDREN: dict[str, Tag] = {}
_NESTED_PARAM = _part(
    {'name': Kind.TEXT},
    optional={'value': Kind.TEXT, 'type': Kind.TYPE},
    children=_NESTED_PARAM_CHILDREN,
)
_NESTED_PARAM_CHILDREN['param'] = _NESTED_PARAM
_PARAM = _part(
    {},
    children=_NESTED_PARAM_CHILDREN,
    optional={'name': Kind.TEXT, 'value': Kind.TEXT, 'type': Kind.TYPE, 'from': Kind.TEXT},
)
_PROCESS_ATTRIBUTES = {
    'cwd': Kind.TEXT,
    'launch-prefix': Kind.TEXT,
    'name': Kind.TEXT,
    'on_exit': Kind.ON_EXIT,
    'output': Kind.TEXT,
    'respawn': Kind.TEXT,
    'respawn_delay': Kind.SECONDS,
    'sigkill_timeout': Kind.TEXT,
    'sigterm_timeout': Kind.TEXT,
}
_ENV = _part(_NAME_AND_VALUE)

ACTIONS: dict[str, Tag] = {}
ACTIONS |= {
    'arg': Tag(
        required={'name': Kind.LITERAL},
        optional={'default': Kind.TEXT, 'description': Kind.LITERAL},
        children={'choice': _part({'value': Kind.LITERAL})},
    ),
    'executable': Tag(
        required={'cmd': Kind.TEXT},
        children={'env': _ENV},
        optional={**_PROCESS_ATTRIBUTES, 'shell': Kind.BOOL},
    ),
    'group': Tag(optional={'forwarding': Kind.BOOL, 'scoped': Kind.BOOL}, children=ACTIONS),
    'include': Tag(required={'file': Kind.TEXT}, children={'arg': _part(_NAME_AND_VALUE)}),
    'let': Tag(required=_NAME_AND_VALUE),
    'log': Tag(required={'message': Kind.TEXT}),
    'node': Tag(
        required={'exec': Kind.TEXT, 'pkg': Kind.TEXT},
        optional={
            **_PROCESS_ATTRIBUTES,
            'args': Kind.TEXT,
            'exec_name': Kind.TEXT,
            'namespace': Kind.TEXT,
            'ros_args': Kind.TEXT,
        },
        children={
            'env': _ENV,
            'param': _PARAM,
            'remap': _part({'from': Kind.TEXT, 'to': Kind.TEXT}),
        },
    ),
    'push_ros_namespace': Tag(required={'namespace': Kind.TEXT}),
    'push-ros-namespace': Tag(required={'namespace': Kind.TEXT}),
    'set_env': Tag(required=_NAME_AND_VALUE),
    'set_parameter': Tag(required=_NAME_AND_VALUE),
    'set_remap': Tag(required={'from': Kind.TEXT, 'to': Kind.TEXT}),
}
ROOT = _part({}, children=ACTIONS)


def check(root: Element) -> None:
    """
    Refuse everything in the file that is not in the table.

    :raises LaunchFileError: with file, line and what is read instead.
    """
    if root.tag != 'launch':
        raise root.error(f"expected 'launch' as root tag, got '{root.tag}'")
    _check(root, ROOT)


def _check(element: Element, tag: Tag) -> None:
    _check_attributes(element, tag)
    for child in element.children:
        if child.tag not in tag.children:
            raise child.error(_unknown_tag(child, element, tag))
        _check(child, tag.children[child.tag])
    if element.tag == 'param':
        _check_param(element)


def _unknown_tag(child: Element, parent: Element, tag: Tag) -> str:
    inside = f'inside <{parent.tag}>'
    if child.tag in REAL_ONLY:
        return f'<{child.tag}> {inside} is not read by this stand-in, it needs the real ros2'
    known = ', '.join(f'<{name}>' for name in sorted(tag.children)) or 'none'
    return (
        f'unexpected tag <{child.tag}> {inside}{did_you_mean(child.tag, tag.children)} '
        f'(supported: {known})'
    )


def _check_attributes(element: Element, tag: Tag) -> None:
    kinds = tag.kinds()
    for name, value in element.attributes.items():
        if name not in kinds:
            known = ', '.join(sorted(kinds)) or 'none'
            raise element.error(
                f"unexpected attribute '{name}' of <{element.tag}>{did_you_mean(name, kinds)} "
                f'(supported: {known})'
            )
        try:
            _check_value(kinds[name], value)
        except StandinError as error:
            raise element.error(f"attribute '{name}' of <{element.tag}>: {error}") from error
    for name in tag.required:
        if name not in element.attributes:
            raise element.error(f"<{element.tag}> needs the attribute '{name}'")
    if {'if', 'unless'} <= element.attributes.keys():
        raise element.error(f"<{element.tag}> cannot have both 'if' and 'unless'")


def _check_value(kind: Kind, value: str) -> None:
    if kind is Kind.TEXT:
        substitutions.parse(value)
    elif '$(' in value:
        raise StandinError(f"no substitutions are possible here, got '{value}'")
    elif kind is Kind.BOOL:
        substitutions.to_bool(value)
    elif kind is Kind.SECONDS:
        seconds(value)
    elif kind is Kind.ON_EXIT and value != 'shutdown':
        raise StandinError(f"the only possible value is 'shutdown', got '{value}'")
    elif kind is Kind.TYPE and value not in PARAMETER_TYPES:
        raise StandinError(f"type '{value}' is not one of {', '.join(PARAMETER_TYPES)}")


def seconds(value: str) -> float:
    """Return ``value`` as a duration in seconds."""
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if not 0.0 <= number < float('inf'):
        raise StandinError(f"'{value}' is not a number of seconds of at least 0")
    return number


def _check_param(element: Element) -> None:
    names = element.attributes.keys()
    if 'from' in names and (len(names) > 1 or element.children):
        raise element.error("<param from=…> stands alone, without 'name', 'value' or children")
    if 'from' not in names and 'name' not in names:
        raise element.error("<param> needs 'name' or 'from'")
    if 'name' in names and ('value' in names) == bool(element.children):
        raise element.error("<param name=…> needs either 'value' or nested <param>s")
    if 'type' in names and element.children:
        raise element.error("<param> with nested <param>s cannot have a 'type'")

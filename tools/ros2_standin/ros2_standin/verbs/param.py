"""``ros2 param list | get | set | describe | dump``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from rcl_interfaces.msg import Parameter, ParameterDescriptor, ParameterType, ParameterValue
from rcl_interfaces.srv import DescribeParameters, GetParameters, ListParameters, SetParameters
from rclpy.parameter import get_parameter_value, parameter_value_to_python
import yaml

from ros2_standin.errors import did_you_mean, StandinError
from ros2_standin.graph import add_graph_options, Session, session

LABELS = {
    ParameterType.PARAMETER_BOOL: 'Boolean value is:',
    ParameterType.PARAMETER_INTEGER: 'Integer value is:',
    ParameterType.PARAMETER_DOUBLE: 'Double value is:',
    ParameterType.PARAMETER_STRING: 'String value is:',
    ParameterType.PARAMETER_BYTE_ARRAY: 'Byte values are:',
    ParameterType.PARAMETER_BOOL_ARRAY: 'Boolean values are:',
    ParameterType.PARAMETER_INTEGER_ARRAY: 'Integer values are:',
    ParameterType.PARAMETER_DOUBLE_ARRAY: 'Double values are:',
    ParameterType.PARAMETER_STRING_ARRAY: 'String values are:',
}
TYPE_NAMES = {
    ParameterType.PARAMETER_NOT_SET: 'not set',
    ParameterType.PARAMETER_BOOL: 'boolean',
    ParameterType.PARAMETER_INTEGER: 'integer',
    ParameterType.PARAMETER_DOUBLE: 'double',
    ParameterType.PARAMETER_STRING: 'string',
    ParameterType.PARAMETER_BYTE_ARRAY: 'byte array',
    ParameterType.PARAMETER_BOOL_ARRAY: 'boolean array',
    ParameterType.PARAMETER_INTEGER_ARRAY: 'integer array',
    ParameterType.PARAMETER_DOUBLE_ARRAY: 'double array',
    ParameterType.PARAMETER_STRING_ARRAY: 'string array',
}


def _parser(verb: str, *positional: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f'ros2 param {verb}')
    add_graph_options(parser)
    parser.add_argument('--include-hidden-nodes', action='store_true')
    for name in positional:
        parser.add_argument(name)
    return parser


def names_of(graph: Session, node: str) -> list[str]:
    """Return the names of the parameters of a node, sorted."""
    response = graph.call(ListParameters, f'{node}/list_parameters', ListParameters.Request())
    return sorted(response.result.names)


def values_of(graph: Session, node: str, names: Sequence[str]) -> list[ParameterValue]:
    """Return the values of parameters; empty if one of them is not declared."""
    request = GetParameters.Request(names=list(names))
    return list(graph.call(GetParameters, f'{node}/get_parameters', request).values)


def descriptors_of(graph: Session, node: str, names: Sequence[str]) -> list[ParameterDescriptor]:
    """Return the descriptors of parameters; empty if one of them is not declared."""
    request = DescribeParameters.Request(names=list(names))
    return list(graph.call(DescribeParameters, f'{node}/describe_parameters', request).descriptors)


def _not_set(graph: Session, node: str, name: str) -> StandinError:
    known = names_of(graph, node)
    return StandinError(f"Parameter not set: '{name}' of {node}{did_you_mean(name, known)}")


def list_parameters(argv: Sequence[str]) -> int:
    """Print the names of the parameters of one node or of all."""
    parser = _parser('list')
    parser.add_argument('node_name', nargs='?')
    parser.add_argument('--param-type', action='store_true', help='show the types')
    arguments = parser.parse_args(argv)
    with session() as graph:
        if arguments.node_name:
            nodes = [graph.find_node(arguments.node_name)]
        else:
            graph.settle(arguments.spin_time)
            served = dict(graph.node.get_service_names_and_types())
            nodes = [
                name
                for name in graph.node_names(hidden=arguments.include_hidden_nodes)
                if f'{name}/list_parameters' in served
            ]
        for node in nodes:
            names = names_of(graph, node)
            if not arguments.node_name:
                print(f'{node}:')
            types = [''] * len(names)
            if arguments.param_type:
                types = [
                    f' (type: {TYPE_NAMES[descriptor.type]})'
                    for descriptor in descriptors_of(graph, node, names)
                ]
            for name, kind in zip(names, types, strict=True):
                print(f'  {name}{kind}')
    return 0


def get(argv: Sequence[str]) -> int:
    """Print the value of a parameter."""
    parser = _parser('get', 'node_name', 'parameter_name')
    parser.add_argument('--hide-type', action='store_true', help='show the value alone')
    arguments = parser.parse_args(argv)
    with session() as graph:
        node = graph.find_node(arguments.node_name)
        values = values_of(graph, node, [arguments.parameter_name])
        if not values:
            raise _not_set(graph, node, arguments.parameter_name)
    if values[0].type == ParameterType.PARAMETER_NOT_SET:
        print('Parameter not set.')
        return 1
    value = parameter_value_to_python(values[0])
    print(value if arguments.hide_type else f'{LABELS[values[0].type]} {value}')
    return 0


def set_value(argv: Sequence[str]) -> int:
    """Set a parameter and say whether the node took it."""
    arguments = _parser('set', 'node_name', 'parameter_name', 'value').parse_args(argv)
    with session() as graph:
        node = graph.find_node(arguments.node_name)
        parameter = Parameter(
            name=arguments.parameter_name, value=get_parameter_value(arguments.value)
        )
        response = graph.call(
            SetParameters, f'{node}/set_parameters', SetParameters.Request(parameters=[parameter])
        )
    result = response.results[0]
    reason = f': {result.reason}' if result.reason else ''
    print(
        f'{"Set parameter successful" if result.successful else "Setting parameter failed"}'
        f'{reason}'
    )
    return 0 if result.successful else 1


def _constraints(descriptor: ParameterDescriptor) -> list[str]:
    """Return the lines about what a parameter may be."""
    lines = []
    if descriptor.read_only:
        lines.append('    Read only: true')
    for limits in (*descriptor.integer_range, *descriptor.floating_point_range):
        lines += [f'    Min value: {limits.from_value}', f'    Max value: {limits.to_value}']
        if limits.step:
            lines.append(f'    Step: {limits.step}')
    if descriptor.additional_constraints:
        lines.append(f'    Additional constraints: {descriptor.additional_constraints}')
    return lines


def describe(argv: Sequence[str]) -> int:
    """Print type, description and limits of parameters."""
    parser = _parser('describe', 'node_name')
    parser.add_argument('parameter_names', nargs='+')
    arguments = parser.parse_args(argv)
    with session() as graph:
        node = graph.find_node(arguments.node_name)
        for name in arguments.parameter_names:
            descriptors = descriptors_of(graph, node, [name])
            if not descriptors:
                raise _not_set(graph, node, name)
            descriptor = descriptors[0]
            print(f'Parameter name: {name}\n  Type: {TYPE_NAMES[descriptor.type]}')
            if descriptor.description:
                print(f'  Description: {descriptor.description}')
            print('\n'.join(['  Constraints:', *_constraints(descriptor)]))
    return 0


def nested(values: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Return dotted names as nested dictionaries."""
    result: dict[str, Any] = {}
    for name, value in values:
        *folders, leaf = name.split('.')
        target = result
        for folder in folders:
            inner = target.setdefault(folder, {})
            if not isinstance(inner, dict):  # 'a' and 'a.b' are both parameters
                target, leaf = result, name
                break
            target = inner
        target[leaf] = value
    return result


def dump(argv: Sequence[str]) -> int:
    """Print all parameters of a node as a parameter file."""
    arguments = _parser('dump', 'node_name').parse_args(argv)
    with session() as graph:
        node = graph.find_node(arguments.node_name)
        names = names_of(graph, node)
        values = values_of(graph, node, names)
    plain = []
    for name, value in zip(names, values, strict=True):
        item = parameter_value_to_python(value)
        plain.append(
            (name, list(item) if value.type >= ParameterType.PARAMETER_BYTE_ARRAY else item)
        )
    print(
        yaml.safe_dump({node: {'ros__parameters': nested(plain)}}, default_flow_style=False),
        end='',
    )
    return 0

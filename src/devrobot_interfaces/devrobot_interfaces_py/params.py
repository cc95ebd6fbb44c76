"""Config dataclasses as ROS parameters: declared once, checked with clear words, live or not."""

from collections.abc import Callable, Sequence
import math
from pathlib import Path
from typing import Any, Generic, TypeVar

from devrobot_interfaces_py.config_values import convert, to_plain
from devrobot_interfaces_py.configs import ConfigError, FieldInfo, flatten, replace_dotted
from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
from rclpy.node import Node
from rclpy.parameter import Parameter

ConfigT = TypeVar('ConfigT')

_TYPES = {
    bool: (Parameter.Type.BOOL, Parameter.Type.BOOL_ARRAY),
    int: (Parameter.Type.INTEGER, Parameter.Type.INTEGER_ARRAY),
    float: (Parameter.Type.DOUBLE, Parameter.Type.DOUBLE_ARRAY),
    str: (Parameter.Type.STRING, Parameter.Type.STRING_ARRAY),
    Path: (Parameter.Type.STRING, Parameter.Type.STRING_ARRAY),
}
_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1


def declare_config(node: Node, default_instance: ConfigT, prefix: str = '') -> ConfigT:
    """
    Declare every setting of a config on a node and return the config with the node's values.

    Parameters carry description, range and ``read_only`` (all but live ones). A whole number is
    accepted for a floating-point setting. Parameters that are declared already, as in a second
    *configure*, are only read.

    :param prefix: put before every name, with a dot.
    :raises ConfigError: one line with the parameter, its value and what is allowed.
    """
    values = {}
    for info in flatten(default_instance):
        name = f'{prefix}.{info.name}' if prefix else info.name
        declared = node.has_parameter(name)
        raw = _declared_value(node, name, info) if declared else _override(node, name, info)
        values[info.name] = convert(info, raw, name=f'parameter {name}')
        if not declared:
            _declare(node, name, info, values[info.name])
    return replace_dotted(default_instance, values)


class LiveConfig(Generic[ConfigT]):
    """The config of a node while its live parameters change; see live_config_callback."""

    def __init__(
        self, instance: ConfigT, on_change: Callable[[ConfigT], None], prefix: str = ''
    ) -> None:
        self.config = instance
        self._on_change = on_change
        self._infos = {f'{prefix}.{i.name}' if prefix else i.name: i for i in flatten(instance)}

    def validate(self, parameters: Sequence[Parameter]) -> SetParametersResult:
        """Refuse, with a reason, values that the config refuses; nothing is changed yet."""
        try:
            self._changed(parameters)
        except ConfigError as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def apply(self, parameters: Sequence[Parameter]) -> None:
        """Take over accepted values and tell the owner, if anything is different."""
        config = self._changed(parameters)
        if config != self.config:
            self.config = config
            self._on_change(config)

    def _changed(self, parameters: Sequence[Parameter]) -> ConfigT:
        """Return the config with the new values; parameters of others are passed over."""
        values = {}
        for parameter in parameters:
            info = self._infos.get(parameter.name)
            if info is None:
                continue
            value = convert(info, parameter.value, name=f'parameter {parameter.name}')
            if not info.live and value != _current(self.config, info.name):
                raise ConfigError(f'parameter {parameter.name} cannot change while the node runs')
            values[info.name] = value
        return replace_dotted(self.config, values)


def live_config_callback(
    node: Node, instance: ConfigT, on_change: Callable[[ConfigT], None], prefix: str = ''
) -> LiveConfig[ConfigT]:
    """
    Let live parameters change while the node runs.

    Values out of range are refused with a reason; after an accepted change ``on_change`` gets the
    new config. To be called once, after :func:`declare_config`.

    :returns: the holder of the current config (``.config``).
    """
    live = LiveConfig(instance, on_change, prefix)
    node.add_on_set_parameters_callback(live.validate)
    node.add_post_set_parameters_callback(live.apply)
    return live


def _override(node: Node, name: str, info: FieldInfo) -> Any:
    """
    Return the value given to the node from outside, the default if there is none.

    The parameter is declared without a type and undeclared again: so a value of any type can be
    looked at, and refused in our words.
    """
    value = node.declare_parameter(name, None, ParameterDescriptor(dynamic_typing=True)).value
    node.undeclare_parameter(name)
    return info.default if value is None else value


def _declared_value(node: Node, name: str, info: FieldInfo) -> Any:
    """Return the value of a declared parameter; empty ones are declared without."""
    value = node.get_parameter_or(name).value
    return () if value is None and info.is_tuple and not info.optional else value


def _declare(node: Node, name: str, info: FieldInfo, value: Any) -> None:
    """Declare one parameter with its descriptor and its checked value."""
    plain = to_plain(value)
    descriptor = _descriptor(info)
    if plain is None or plain == []:
        # rclpy cannot tell the type of an empty value.
        if info.optional:
            descriptor.dynamic_typing = True
            node.declare_parameter(name, None, descriptor, ignore_override=True)
        else:
            empty_type = _TYPES[info.item_type][info.is_tuple]
            node.declare_parameter(name, empty_type, descriptor, ignore_override=True)
        return
    node.declare_parameter(name, plain, descriptor, ignore_override=True)


def _descriptor(info: FieldInfo) -> ParameterDescriptor:
    """Return description, range and read_only of a setting."""
    descriptor = ParameterDescriptor(description=info.doc, read_only=not info.live)
    descriptor.additional_constraints = info.allowed()
    bounded = info.minimum is not None or info.maximum is not None
    if not bounded or info.is_tuple:
        return descriptor
    if info.item_type is int:
        low = _INT64_MIN if info.minimum is None else int(info.minimum)
        high = _INT64_MAX if info.maximum is None else int(info.maximum)
        descriptor.integer_range = [IntegerRange(from_value=low, to_value=high)]
    elif info.item_type is float:
        low_f = -math.inf if info.minimum is None else float(info.minimum)
        high_f = math.inf if info.maximum is None else float(info.maximum)
        descriptor.floating_point_range = [FloatingPointRange(from_value=low_f, to_value=high_f)]
    return descriptor


def _current(config: Any, name: str) -> Any:
    """Return the value of a dotted name."""
    return next(info.default for info in flatten(config) if info.name == name)

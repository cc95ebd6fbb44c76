"""Parameter values, from ROS to a viewer and back; pure conversions."""

from collections.abc import Callable
from typing import Any

from rcl_interfaces.msg import ParameterType as Kind
from rcl_interfaces.msg import ParameterValue

FIELDS = {
    Kind.PARAMETER_BOOL: 'bool_value',
    Kind.PARAMETER_INTEGER: 'integer_value',
    Kind.PARAMETER_DOUBLE: 'double_value',
    Kind.PARAMETER_STRING: 'string_value',
    Kind.PARAMETER_BYTE_ARRAY: 'byte_array_value',
    Kind.PARAMETER_BOOL_ARRAY: 'bool_array_value',
    Kind.PARAMETER_INTEGER_ARRAY: 'integer_array_value',
    Kind.PARAMETER_DOUBLE_ARRAY: 'double_array_value',
    Kind.PARAMETER_STRING_ARRAY: 'string_array_value',
}
ELEMENTS = {
    Kind.PARAMETER_BOOL_ARRAY: Kind.PARAMETER_BOOL,
    Kind.PARAMETER_INTEGER_ARRAY: Kind.PARAMETER_INTEGER,
    Kind.PARAMETER_DOUBLE_ARRAY: Kind.PARAMETER_DOUBLE,
    Kind.PARAMETER_STRING_ARRAY: Kind.PARAMETER_STRING,
}
KIND_NAMES = {
    Kind.PARAMETER_BOOL: 'true or false',
    Kind.PARAMETER_INTEGER: 'a whole number',
    Kind.PARAMETER_DOUBLE: 'a number',
    Kind.PARAMETER_STRING: 'text',
    Kind.PARAMETER_BYTE_ARRAY: 'bytes',
}
INTEGER_LIMIT = 2**63


class ParameterValueError(ValueError):
    """A viewer sent a value that the declared parameter cannot take."""


def to_python(value: ParameterValue) -> Any:
    """Return the plain Python value; ``None`` if the parameter is not set."""
    field = FIELDS.get(value.type)
    if field is None:
        return None
    if value.type == Kind.PARAMETER_BYTE_ARRAY:
        return b''.join(value.byte_array_value)
    content = getattr(value, field)
    return list(content) if value.type in ELEMENTS else content


def from_python(content: Any, kind: int) -> ParameterValue:
    """
    Return ``content`` as a value of the declared ``kind``.

    A whole number is taken for a declared double, and a double without a fraction for a declared
    integer, because viewers write both the same way.

    :raises ParameterValueError: if it does not fit.
    """
    if kind in ELEMENTS:
        if not isinstance(content, list):
            raise ParameterValueError(f'{content!r} is not a list')
        converted: Any = [_element(item, ELEMENTS[kind]) for item in content]
    elif kind == Kind.PARAMETER_BYTE_ARRAY:
        if not isinstance(content, bytes):
            raise ParameterValueError(f'{content!r} is not bytes')
        converted = [bytes([byte]) for byte in content]
    else:
        converted = _element(content, kind)
    value = ParameterValue(type=kind)
    setattr(value, FIELDS[kind], converted)
    return value


def _element(content: Any, kind: int) -> Any:
    convert = _CONVERTERS.get(kind)
    converted = None if convert is None else convert(content)
    if converted is None:
        raise ParameterValueError(f'{content!r} is not {KIND_NAMES.get(kind, "settable")}')
    return converted


def _to_bool(content: Any) -> bool | None:
    return content if isinstance(content, bool) else None


def _to_integer(content: Any) -> int | None:
    if isinstance(content, float) and content.is_integer():
        content = int(content)
    if isinstance(content, bool) or not isinstance(content, int):
        return None
    return content if -INTEGER_LIMIT <= content < INTEGER_LIMIT else None


def _to_double(content: Any) -> float | None:
    is_number = isinstance(content, int | float) and not isinstance(content, bool)
    return float(content) if is_number else None


def _to_text(content: Any) -> str | None:
    return content if isinstance(content, str) else None


_CONVERTERS: dict[int, Callable[[Any], Any]] = {
    Kind.PARAMETER_BOOL: _to_bool,
    Kind.PARAMETER_INTEGER: _to_integer,
    Kind.PARAMETER_DOUBLE: _to_double,
    Kind.PARAMETER_STRING: _to_text,
}

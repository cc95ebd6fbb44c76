"""Messages as text: finding their types, printing them as YAML, filling them from YAML."""

from __future__ import annotations

import array
from collections.abc import Mapping
from dataclasses import dataclass
import importlib
import re
import sys
from typing import Any

import yaml

from ros2_standin.errors import did_you_mean, StandinError

_SEQUENCE = re.compile(r'sequence<(.+?)(?:, *\d+)?>')
_ARRAY = re.compile(r'(.+)\[\d+\]')
_INTEGERS = re.compile(r'u?int(8|16|32|64)')


@dataclass(frozen=True, kw_only=True)
class Style:
    """How much of a message is printed."""

    truncate_length: int | None = 128
    no_arr: bool = False
    no_str: bool = False
    flow_style: bool = False


def load_interface(name: str, kind: str) -> type:
    """
    Return the class of ``package/kind/Name`` (``kind``: msg or srv; it may be left out).

    :raises StandinError: if there is none.
    """
    parts = name.split('/')
    if len(parts) == 2:
        parts.insert(1, kind)
    if len(parts) != 3 or parts[1] != kind or not all(part.isidentifier() for part in parts):
        raise StandinError(f"'{name}' is not a type, expected package/{kind}/Name")
    try:
        module = importlib.import_module(f'{parts[0]}.{kind}')
    except ModuleNotFoundError:
        raise StandinError(
            f"the package of type '{name}' was not found: is the workspace sourced?"
        ) from None
    found = getattr(module, parts[2], None)
    if not isinstance(found, type):
        names = [item for item in dir(module) if item[:1].isupper()]
        raise StandinError(
            f"the type '{name}' does not exist in {parts[0]}{did_you_mean(parts[2], names)}"
        )
    return found


def to_dict(message: Any, style: Style) -> dict[str, Any]:
    """Return the fields of a message as plain values, shortened as ``style`` says."""
    return {
        name: _plain(getattr(message, name), field_type, style)
        for name, field_type in message.get_fields_and_field_types().items()
    }


def _plain(value: Any, field_type: str, style: Style) -> Any:
    limit = style.truncate_length
    if hasattr(value, 'get_fields_and_field_types'):
        return to_dict(value, style)
    if isinstance(value, bytes):
        return ''.join(chr(byte) for byte in value)
    if isinstance(value, str):
        if style.no_str:
            return f'<string length: <{len(value)}>>'
        return value[:limit] + '...' if limit is not None and len(value) > limit else value
    if isinstance(value, (list, tuple, array.array)) or hasattr(value, 'tolist'):
        if style.no_arr:
            return _abbreviated(value, field_type)
        items = value if limit is None else value[:limit]
        item_type = element_type(field_type) or field_type
        plain = [_plain(item, item_type, style) for item in items]
        return [*plain, '...'] if len(items) < len(value) else plain
    return value.item() if hasattr(value, 'item') else value


def _abbreviated(value: Any, field_type: str) -> str:
    match = _SEQUENCE.fullmatch(field_type)
    if match:
        return f'<sequence type: {match[1]}, length: {len(value)}>'
    return f'<array type: {field_type}>'


def element_type(field_type: str) -> str | None:
    """Return the type of the items of an array type, ``None`` for any other type."""
    match = _SEQUENCE.fullmatch(field_type) or _ARRAY.fullmatch(field_type)
    return match[1] if match else None


def to_yaml(message: Any, style: Style) -> str:
    """Return a message as the YAML that ``ros2 topic echo`` prints."""
    return yaml.safe_dump(
        to_dict(message, style),
        allow_unicode=True,
        width=sys.maxsize,
        sort_keys=False,
        default_flow_style=style.flow_style,
    )


def parse_yaml_values(text: str) -> dict[str, Any]:
    """
    Return the dictionary that ``text`` is in YAML.

    :raises StandinError: if it is anything else.
    """
    try:
        values = yaml.safe_load(text or '{}')
    except yaml.YAMLError as error:
        reason = ' '.join(str(error).split())
        raise StandinError(f"'{text}' is not valid YAML: {reason}") from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise StandinError(
            f"The passed value needs to be a dictionary in YAML format, got '{text}'"
        )
    return values


def fill(message: Any, values: Mapping[str, Any], where: str = '') -> None:
    """
    Set the fields of ``message`` to ``values``.

    :raises StandinError: if a field does not exist or a value does not fit.
    """
    types = message.get_fields_and_field_types()
    message._check_fields = True  # without it Jazzy's setters take anything
    for name, value in values.items():
        path = f'{where}{name}'
        if name not in types:
            raise StandinError(
                f"Failed to populate field: there is no '{path}'"
                f'{did_you_mean(str(name), types)} (fields: {", ".join(types) or "none"})'
            )
        try:
            setattr(message, name, _value(types[name], getattr(message, name), value, path))
        except (AssertionError, TypeError, ValueError, OverflowError):
            raise StandinError(
                f"Failed to populate field: {value!r} does not fit '{path}', "
                f'which is {types[name]}'
            ) from None


def _value(field_type: str, current: Any, value: Any, where: str) -> Any:
    """Return ``value`` as what the field wants."""
    if hasattr(current, 'get_fields_and_field_types'):
        if not isinstance(value, dict):
            raise TypeError
        fill(current, value, f'{where}.')
        return current
    item_type = element_type(field_type)
    if item_type is not None:
        if not isinstance(value, list):
            raise TypeError
        return [_item(item_type, item, f'{where}[{i}]') for i, item in enumerate(value)]
    return _scalar(field_type, value)


def _item(item_type: str, value: Any, where: str) -> Any:
    if '/' not in item_type:
        return _scalar(item_type, value)
    if not isinstance(value, dict):
        raise TypeError
    item = load_interface(item_type, 'msg')()
    fill(item, value, f'{where}.')
    return item


def _scalar(field_type: str, value: Any) -> Any:
    if field_type in ('float', 'double', 'float32', 'float64', 'long double'):
        if isinstance(value, bool):
            raise TypeError
        return float(value)
    if field_type in ('octet', 'byte'):
        return bytes([value])
    if _INTEGERS.fullmatch(field_type) and isinstance(value, bool):
        raise TypeError
    return value

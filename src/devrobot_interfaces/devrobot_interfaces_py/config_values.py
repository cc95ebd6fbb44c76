"""Check and convert single settings by their type, range and choices (used by configs.py)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, is_dataclass, MISSING
import difflib
import math
from pathlib import Path
import re
import types
from typing import Any, get_args, get_origin, Union

import yaml

# YAML 1.1 reads 1e-3, without a dot, as text.
_SCIENTIFIC = re.compile(r'[+-]?\d+(\.\d*)?[eE][+-]?\d+')
_WORDS = {bool: 'true or false', int: 'a whole number', float: 'a number', str: 'text'}
_SCALARS = (bool, int, float, str, Path)


class ConfigError(ValueError):
    """A wrong setting; the message names the setting, its value and what is allowed."""


@dataclass(frozen=True, kw_only=True)
class FieldInfo:
    """
    One setting.

    :param name: dotted name, for example ``optimizer.learning_rate``.
    :param type: the annotation of the field.
    :param default: the value; ``dataclasses.MISSING`` for a required field of a class.
    :param live: whether it may change while the node runs.
    """

    name: str
    type: Any
    default: Any
    doc: str = ''
    minimum: Any = None
    maximum: Any = None
    choices: tuple[Any, ...] | None = None
    live: bool = False

    @property
    def required(self) -> bool:
        """Whether there is no default."""
        return self.default is MISSING

    @property
    def optional(self) -> bool:
        """Whether None is allowed."""
        return type(None) in get_args(self.type)

    @property
    def item_type(self) -> Any:
        """The scalar type: of the value, or of the items of a tuple."""
        inner = _without_none(self.type)
        return get_args(inner)[0] if get_origin(inner) is tuple else inner

    @property
    def is_tuple(self) -> bool:
        """Whether the value is a tuple."""
        return get_origin(_without_none(self.type)) is tuple

    @property
    def type_name(self) -> str:
        """Short name of the type, for tables."""
        name = self.item_type.__name__
        if self.is_tuple:
            name = f'list of {name}'
        return f'{name} or none' if self.optional else name

    def allowed(self) -> str:
        """Return what is allowed as words, empty when every value of the type is."""
        low, high = _number(self.minimum, self.item_type), _number(self.maximum, self.item_type)
        if self.choices is not None:
            return 'one of ' + ', '.join(str(choice) for choice in self.choices)
        if low is not None and high is not None:
            return f'between {low} and {high}'
        if low is not None:
            return f'at least {low}'
        return '' if high is None else f'at most {high}'


def check_type(info: FieldInfo) -> None:
    """Refuse, at the developer's desk, a field whose type cannot be a setting."""
    inner = _without_none(info.type)
    args = get_args(inner)
    if get_origin(inner) is tuple:
        same = len(args) > 0 and all(arg in (args[0], Ellipsis) for arg in args)
        supported = same and args[0] in _SCALARS
    else:
        supported = inner in _SCALARS
    if not supported:
        raise TypeError(f'setting {info.name} has type {info.type}, which is not supported')


def convert(info: FieldInfo, value: Any, *, name: str | None = None) -> Any:
    """
    Return ``value`` as the type of the setting, checked.

    :param name: what to call the setting in messages, by default its dotted name.
    :raises ConfigError: on a wrong type, range or choice.
    """
    shown = info.name if name is None else name
    if value is None:
        if info.optional:
            return None
        raise ConfigError(f'{shown} is empty, must be {_type_words(info)}')
    if not info.is_tuple:
        return _convert_item(info, value, shown)
    if isinstance(value, str | bytes | Mapping) or not hasattr(value, '__iter__'):
        raise ConfigError(f'{shown} is {value!r}, must be {_type_words(info)}')
    items = tuple(_convert_item(info, item, f'{shown}[{i}]') for i, item in enumerate(value))
    length = _tuple_length(info)
    if length is not None and len(items) != length:
        raise ConfigError(f'{shown} is {list(items)}, must be {_type_words(info)}')
    return items


def parse(info: FieldInfo, text: str, *, name: str | None = None) -> Any:
    """
    Return the value that ``text`` from a command line means for the setting, checked.

    Text stays text; lists may be written ``1,2,3`` or ``[1, 2, 3]``; ``none`` empties an optional
    setting.
    """
    if info.optional and text.strip().lower() in ('none', 'null'):
        return None
    if info.is_tuple:
        inner = text.strip().removeprefix('[').removesuffix(']')
        parts = [part.strip() for part in inner.split(',')] if inner.strip() else []
        return convert(info, [_parse_item(info, part) for part in parts], name=name)
    return convert(info, _parse_item(info, text), name=name)


def to_plain(value: Any) -> Any:
    """Return a value as JSON and YAML know it: lists for tuples, text for paths."""
    if isinstance(value, tuple):
        return [to_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def is_config(annotation: Any) -> bool:
    """Return whether an annotation is a nested config class."""
    return isinstance(annotation, type) and is_dataclass(annotation)


def _convert_item(info: FieldInfo, value: Any, shown: str) -> Any:
    """Return one scalar as the item type, checked."""
    item_type = info.item_type
    if item_type is float and isinstance(value, str) and _SCIENTIFIC.fullmatch(value.strip()):
        value = float(value)
    right = {
        bool: isinstance(value, bool),
        int: isinstance(value, int) and not isinstance(value, bool),
        float: isinstance(value, int | float) and not isinstance(value, bool),
        str: isinstance(value, str),
        Path: isinstance(value, str | Path),
    }[item_type]
    if not right:
        hint = ' (put it in quotes)' if item_type is str and not isinstance(value, dict) else ''
        words = _WORDS.get(item_type, 'a path')
        raise ConfigError(f'{shown} is {value!r}, must be {words}{hint}')
    value = item_type(value)
    low = info.minimum is not None and value < info.minimum
    high = info.maximum is not None and value > info.maximum
    wrong = info.choices is not None and value not in info.choices
    finite = not isinstance(value, float) or math.isfinite(value)
    if low or high or wrong or not finite:
        allowed = ['' if finite else 'a finite number', info.allowed()]
        raise ConfigError(f'{shown} is {value!r}, must be {", ".join(filter(None, allowed))}')
    return value


def _parse_item(info: FieldInfo, text: str) -> Any:
    """Return the scalar that ``text`` means."""
    if info.item_type in (str, Path):
        return text
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        return text
    return text if value is None else value  # an error shows what was written


def _type_words(info: FieldInfo) -> str:
    """Return the type as words."""
    words = _WORDS.get(info.item_type, 'a path')
    if not info.is_tuple:
        return words
    length = _tuple_length(info)
    return f'a list, each {words}' if length is None else f'a list of {length}, each {words}'


def _tuple_length(info: FieldInfo) -> int | None:
    """Return how many items a tuple has, None for any number."""
    args = get_args(_without_none(info.type))
    return None if Ellipsis in args else len(args)


def _without_none(annotation: Any) -> Any:
    """Return T for ``Optional[T]``, everything else as it is."""
    if get_origin(annotation) not in (Union, types.UnionType):
        return annotation
    rest = [arg for arg in get_args(annotation) if arg is not type(None)]
    return rest[0] if len(rest) == 1 else annotation


def _number(value: Any, item_type: Any) -> Any:
    """Return a bound of a float setting as a float, so that messages say 1.0 and not 1."""
    return float(value) if item_type is float and value is not None else value


def nearest(name: str, known: Iterable[str], cutoff: float = 0.5) -> str:
    """
    Return the known name that was probably meant, '' if none comes near.

    :param name: of a setting, perhaps without its group, or of an option with its dashes.
    :param cutoff: how alike the two must be, up to 1.
    """
    names = list(known)
    near = [other for other in names if other.endswith(f'.{name.lstrip("-")}')]
    return next(iter(near or difflib.get_close_matches(name, names, n=1, cutoff=cutoff)), '')


def shown(value: Any) -> str:
    """Return a default as it would be written on a command line."""
    plain = to_plain(value)
    if isinstance(plain, bool):
        return str(plain).lower()
    if isinstance(plain, list):
        return '[' + ', '.join(shown(item) for item in plain) + ']'
    return "''" if plain == '' else 'none' if plain is None else str(plain)

"""
Frozen dataclasses as plain data and back, strictly: what is not expected is refused.

A record may miss pieces: an optional field is None then, and ``missing`` (a field that every
:class:`Record` has) can say why, by the name of the field.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass, MISSING
import difflib
import json
import math
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints, TypeVar, Union

from devrobot_training.fit.problems import RunError

RecordT = TypeVar('RecordT')


class RecordError(ValueError):
    """Data that is not what a record holds; the message names the place."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """A record that can say why one of its fields is empty."""

    missing: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known = [item.name for item in fields(self)]
        for name in self.missing:
            if name not in known:
                raise RecordError(
                    f'{type(self).__name__}.missing tells of {name!r}, which is no field of it'
                    f'{_nearest(name, known)}'
                )

    def why(self, name: str, otherwise: str = 'not recorded') -> str:
        """Return why a field is empty."""
        return self.missing.get(name, otherwise)


def to_plain(value: Any) -> Any:
    """Return a record as data that JSON can hold; numbers that are not finite become None."""
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: to_plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def read_record(cls: type[RecordT], path: Path, way_out: str = '') -> RecordT | None:
    """
    Return the record that a JSON file holds; None if there is no such file.

    :param way_out: what to do about a damaged file, for the message.
    :raises RunError: if it is damaged.
    """
    try:
        return from_plain(cls, json.loads(path.read_text(encoding='utf-8')))
    except FileNotFoundError:
        return None
    except ValueError as error:
        hint = f'; {way_out}' if way_out else ''
        raise RunError(f'{path} is damaged: {error}{hint}') from error


def from_plain(cls: type[RecordT], value: Any, where: str = '') -> RecordT:
    """
    Return the record that :func:`to_plain` was given.

    :raises RecordError: on an unknown or missing name and on a value of another type.
    """
    place = where or cls.__name__
    if not isinstance(value, Mapping):
        raise RecordError(f'{place} is {_short(value)}, must be names with values')
    hints = get_type_hints(cls)
    known = {item.name: item for item in fields(cls)}  # type: ignore[arg-type]
    for name in value:
        if name not in known:
            raise RecordError(f'{place} has {name!r}, which is unknown{_nearest(name, known)}')
    for name, item in known.items():
        required = item.default is MISSING and item.default_factory is MISSING
        if required and name not in value:
            raise RecordError(f'{place}.{name} is missing')
    return cls(
        **{name: _value(hints[name], item, f'{place}.{name}') for name, item in value.items()}
    )


def _value(kind: Any, value: Any, where: str) -> Any:
    """Return a value of an annotated type."""
    origin, inner = get_origin(kind), get_args(kind)
    if kind is Any:
        return value
    if origin in (Union, UnionType):
        if value is None and NoneType in inner:
            return None
        (kept,) = (part for part in inner if part is not NoneType)
        return _value(kept, value, where)
    if origin is tuple:
        return _sequence(inner, value, where)
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(value, Mapping):
            raise RecordError(f'{where} is {_short(value)}, must be names with values')
        return {str(key): _value(inner[1], item, f'{where}.{key}') for key, item in value.items()}
    if isinstance(kind, type) and is_dataclass(kind):
        return from_plain(kind, value, where)
    return _scalar(kind, value, where)


def _sequence(inner: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, (list, tuple)):
        raise RecordError(f'{where} is {_short(value)}, must be a list')
    return tuple(_value(inner[0], item, f'{where}[{place}]') for place, item in enumerate(value))


def _scalar(kind: type, value: Any, where: str) -> Any:
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise RecordError(f'{where} is {_short(value)}, must be {kind.__name__}')
    return value


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f'{text[:37]}…'


def _nearest(name: str, known: Any) -> str:
    near = difflib.get_close_matches(str(name), list(known), n=1)
    return f', did you mean {near[0]!r}?' if near else ''

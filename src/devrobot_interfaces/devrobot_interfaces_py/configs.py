"""
Settings as dataclasses: one field is the default, the range, the YAML key, the help and the table.

A config is a frozen dataclass; its fields are made with :func:`param` or are configs themselves.
Dotted names such as ``optimizer.learning_rate`` reach into nested configs.
"""

import argparse
from collections.abc import Collection, Mapping, Sequence
from dataclasses import Field, field, fields, MISSING, replace
from pathlib import Path
import reprlib
from typing import Any, get_type_hints, TypeVar

from devrobot_interfaces_py.config_values import (
    check_type,
    ConfigError,
    convert,
    FieldInfo,
    is_config,
    nearest,
    parse,
    shown,
    to_plain,
)
import yaml

__all__ = [
    'ConfigError',
    'FieldInfo',
    'add_arguments',
    'check_ranges',
    'config_from_args',
    'config_from_dict',
    'config_to_dict',
    'flatten',
    'is_among',
    'load_config',
    'param',
    'replace_dotted',
]

ConfigT = TypeVar('ConfigT')


def param(
    default: Any,
    doc: str,
    *,
    minimum: Any = None,
    maximum: Any = None,
    choices: Sequence[Any] | None = None,
    live: bool = False,
) -> Any:
    """
    Make a dataclass field that carries its documentation and its range.

    :param live: whether the setting may change while a node runs.
    """
    metadata = {
        'doc': doc,
        'min': minimum,
        'max': maximum,
        'choices': None if choices is None else tuple(choices),
        'live': live,
    }
    return field(default=default, metadata=metadata)


def check_ranges(instance: Any) -> None:
    """
    Check type, range and choices of every field made with :func:`param`.

    To be called from ``__post_init__``. A bool is no whole number, NaN and infinity are no number.

    :raises ConfigError: with the name, the value and what is allowed.
    """
    for info in flatten(instance):
        if '.' not in info.name:
            convert(info, info.default)


def flatten(config: Any) -> list[FieldInfo]:
    """
    Return every setting with its dotted name, in the order of the fields.

    :param config: an instance, whose values become the defaults, or a config class.
    """
    config_class = config if isinstance(config, type) else type(config)
    hints = get_type_hints(config_class)
    infos: list[FieldInfo] = []
    for item in fields(config_class):
        default = _default(item) if isinstance(config, type) else getattr(config, item.name)
        annotation = hints[item.name]
        if is_config(annotation):
            nested = annotation if default is MISSING else default
            infos += [replace(info, name=f'{item.name}.{info.name}') for info in flatten(nested)]
        else:
            infos.append(_field_info(item, annotation, default))
            check_type(infos[-1])
    return infos


def config_from_dict(
    cls: type[ConfigT], mapping: Mapping[str, Any], *, base: ConfigT | None = None
) -> ConfigT:
    """
    Return a config with the values of a nested mapping; dotted keys work too.

    :param base: where values that are not in ``mapping`` come from, by default the class.
    :raises ConfigError: on an unknown name (tells the nearest one), wrong type or range.
    """
    infos = {info.name: info for info in flatten(cls)}
    values = {
        name: convert(_known(infos, name), value)
        for name, value in _leaves(cls, mapping, '').items()
    }
    return _build(cls, values, base, '')


def load_config(
    cls: type[ConfigT],
    path: str | Path | None,
    overrides: Sequence[str] = (),
    *,
    base: ConfigT | None = None,
) -> ConfigT:
    """
    Read a YAML file, then apply overrides such as ``optimizer.learning_rate=0.001``.

    A ROS parameter file works too. Without a path, ``base`` is taken, by default the defaults.

    :raises ConfigError: if the file is missing or not YAML, or a setting is wrong.
    """
    config = config_from_dict(cls, {}, base=base) if path is None else _read(cls, Path(path))
    infos = {info.name: info for info in flatten(cls)}
    values = {}
    for override in overrides:
        name, equals, text = override.partition('=')
        if not equals:
            raise ConfigError(f'override {override!r} must look like name=value')
        values[name.strip()] = parse(_known(infos, name.strip()), text)
    return replace_dotted(config, values)


def config_to_dict(instance: Any) -> dict[str, Any]:
    """Return a config as nested plain values, ready for JSON or YAML."""
    result: dict[str, Any] = {}
    for info in flatten(instance):
        *parents, last = info.name.split('.')
        inner = result
        for parent in parents:
            inner = inner.setdefault(parent, {})
        inner[last] = to_plain(convert(info, info.default))
    return result


def replace_dotted(instance: ConfigT, values: Mapping[str, Any]) -> ConfigT:
    """Return a copy with other values, given by dotted names; checks like config_from_dict."""
    return config_from_dict(type(instance), values, base=instance) if values else instance


def is_among(name: str, names: Collection[str]) -> bool:
    """Return whether ``names`` has a setting, or the group that it is in."""
    return name in names or name.partition('.')[0] in names


def add_arguments(
    parser: argparse.ArgumentParser, cls: type, *, only: Collection[str] = ()
) -> None:
    """
    Add an option such as ``--optimizer.learning-rate`` for every setting.

    :param only: settings, or groups of them, that get one; by default all.
    """
    group = parser.add_argument_group('settings')
    for info in flatten(cls):
        if only and not is_among(info.name, only):
            continue
        details = [] if info.required else [f'default {shown(info.default)}']
        if info.allowed():
            details.append(info.allowed())
        text = f'{info.doc} ({"; ".join(details)})' if details else info.doc
        group.add_argument(
            _option(info),
            dest=info.name,
            default=argparse.SUPPRESS,
            metavar=info.item_type.__name__.upper(),
            help=text.strip().replace('%', '%%'),
        )


def config_from_args(
    cls: type[ConfigT], namespace: argparse.Namespace, *, base: ConfigT | None = None
) -> ConfigT:
    """
    Return a config with what was given on the command line.

    :param base: where everything else comes from, by default the class.
    """
    given = vars(namespace)
    values = {
        info.name: parse(info, given[info.name], name=_option(info))
        for info in flatten(cls)
        if info.name in given
    }
    return config_from_dict(cls, values, base=base)


def _option(info: FieldInfo) -> str:
    """Return the option of a setting on a command line."""
    return '--' + info.name.replace('_', '-')


def _field_info(item: Field[Any], annotation: Any, default: Any) -> FieldInfo:
    """Return what a dataclass field says about its setting."""
    metadata = item.metadata
    return FieldInfo(
        name=item.name,
        type=annotation,
        default=default,
        doc=metadata.get('doc', ''),
        minimum=metadata.get('min'),
        maximum=metadata.get('max'),
        choices=metadata.get('choices'),
        live=metadata.get('live', False),
    )


def _default(item: Field[Any]) -> Any:
    """Return the default of a field, or MISSING."""
    return item.default if item.default_factory is MISSING else item.default_factory()


def _leaves(cls: type, mapping: Any, prefix: str) -> dict[str, Any]:
    """Return dotted name → value of a nested mapping; a config class says where to go deeper."""
    if not isinstance(mapping, Mapping):
        where = f'{prefix[:-1]} is' if prefix else 'the settings are'
        shown = reprlib.repr(mapping)  # of a file that is something else it may be all of it
        raise ConfigError(f'{where} {shown}, must be a mapping of names to values')
    hints = get_type_hints(cls)
    values: dict[str, Any] = {}
    for key, value in mapping.items():
        annotation = hints.get(key)
        if annotation is not None and is_config(annotation):
            nested = config_to_dict(value) if is_config(type(value)) else value
            values.update(_leaves(annotation, nested, f'{prefix}{key}.'))
        else:
            values[f'{prefix}{key}'] = value
    return values


def _build(cls: type[ConfigT], values: Mapping[str, Any], base: Any, prefix: str) -> ConfigT:
    """Return an instance of ``cls`` from checked values by dotted name."""
    hints = get_type_hints(cls)
    arguments: dict[str, Any] = {}
    for item in fields(cls):  # type: ignore[arg-type]
        name = prefix + item.name
        start = _default(item) if base is None else getattr(base, item.name)
        if is_config(hints[item.name]):
            nested = None if start is MISSING else start
            arguments[item.name] = _build(hints[item.name], values, nested, f'{name}.')
        elif name in values:
            arguments[item.name] = values[name]
        elif start is MISSING:
            raise ConfigError(f'{name} is missing, it has no default')
        else:
            arguments[item.name] = start
    try:
        return cls(**arguments)
    except ValueError as error:
        where = f'{prefix[:-1]}: ' if prefix else ''
        raise ConfigError(f'{where}{error}') from error


def _known(infos: Mapping[str, FieldInfo], name: str) -> FieldInfo:
    """Return the setting called ``name`` or tell the nearest one."""
    if name in infos:
        return infos[name]
    near = nearest(name, infos)
    hint = f'did you mean {near}?' if near else 'known are: ' + ', '.join(infos)
    raise ConfigError(f'unknown setting {name}, {hint}')


def _read(cls: type[ConfigT], path: Path) -> ConfigT:
    """Return the config in a YAML file; every message starts with the file's name."""
    try:
        content = yaml.safe_load(path.read_text(encoding='utf-8'))
        for value in content.values() if isinstance(content, dict) else ():
            if isinstance(value, dict) and set(value) == {'ros__parameters'}:
                content = value['ros__parameters']
        return config_from_dict(cls, {} if content is None else content)
    except OSError as error:
        raise ConfigError(f'cannot read {path}: {error.strerror}') from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = ' '.join(str(error).split())
        raise ConfigError(f'{path} is not valid YAML: {reason}') from error
    except ConfigError as error:
        raise ConfigError(f'{path}: {error}') from error

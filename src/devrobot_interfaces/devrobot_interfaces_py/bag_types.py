"""
Message types of bags: our definitions, those that travel in a bag, and how they differ.

The texts of our messages are the files of ``devrobot_interfaces/msg``, the same ones that ROS
builds; they are found in an installed wheel, in a source tree and in an ament prefix.
"""

from collections.abc import Iterable, Iterator, Mapping
import contextlib
from importlib import resources
import os
from pathlib import Path
from typing import Any

from devrobot_interfaces_py.bag_errors import BagError, one_line
from rosbags.interfaces import Connection, MessageDefinitionFormat, Nodetype
from rosbags.typesys import get_types_from_idl, get_types_from_msg, get_typestore, Stores
from rosbags.typesys.store import Typestore

PACKAGE = 'devrobot_interfaces'
IMAGE = 'sensor_msgs/msg/Image'
COMPRESSED_IMAGE = 'sensor_msgs/msg/CompressedImage'
ACTION_EVENT = f'{PACKAGE}/msg/ActionEvent'
ACTION_SPACE = f'{PACKAGE}/msg/ActionSpace'
SESSION_INFO = f'{PACKAGE}/msg/SessionInfo'

_IDL_SEPARATOR = '=' * 80 + '\n'
Fields = dict[str, str]
_DEFAULTS: Mapping[str, Any] = {'string': '', 'bool': False, 'float32': 0.0, 'float64': 0.0}


def make_typestore() -> Typestore:
    """
    Return ROS 2 Jazzy's types and ours.

    :raises BagError: if the definitions of our messages are not installed.
    """
    store = get_typestore(Stores.ROS2_JAZZY)
    store.register(_own_types())
    return store


def bag_typestore(connections: Iterable[Connection], own: Typestore) -> Typestore:
    """
    Return the types of these connections as the bag defines them, ours where it does not.

    :raises BagError: if a definition in the bag cannot be understood.
    """
    store = get_typestore(Stores.EMPTY)
    types: dict[str, Any] = {}
    for connection in connections:
        try:
            types.update(_types_of(connection, own))
        except Exception as error:  # the parsers of the library raise what they like
            raise BagError(
                f'the definition of {connection.msgtype} in the bag cannot be read: '
                f'{one_line(error)}'
            ) from error
    store.register(types)
    return store


def _types_of(connection: Connection, own: Typestore) -> dict[str, Any]:
    definition = connection.msgdef
    if definition.format == MessageDefinitionFormat.IDL:
        return _idl_types(definition.data)
    if definition.format == MessageDefinitionFormat.MSG:
        return get_types_from_msg(definition.data, connection.msgtype)
    text, _ = own.generate_msgdef(connection.msgtype, ros_version=2)
    return get_types_from_msg(text, connection.msgtype)


def _idl_types(text: str) -> dict[str, Any]:
    """Return the types of one IDL text, or of several behind lines ``IDL: name``."""
    if not text.startswith(f'{_IDL_SEPARATOR}IDL: '):
        return get_types_from_idl(text)
    types: dict[str, Any] = {}
    for part in text.split(_IDL_SEPARATOR)[1:]:
        types.update(get_types_from_idl(part.partition('\n')[2]))
    return types


def fields_of(store: Typestore, msgtype: str) -> Fields:
    """Return the fields of a message with their types as text, constants left out."""
    _, fields = store.fielddefs[msgtype]
    return {name: _type_name(description) for name, description in fields}


def differences(own: Typestore, bag: Typestore, msgtype: str) -> Iterator[str]:
    """
    Yield one line per field of ours that the bag's definition does not have.

    :raises BagError: if a field has another type there.
    """
    theirs, ours = fields_of(bag, msgtype), fields_of(own, msgtype)
    for name, kind in ours.items():
        if name not in theirs:
            yield f'{msgtype} of this bag has no field {name}: it counts as empty'
        elif theirs[name] != kind:
            raise BagError(
                f'{msgtype}.{name} is {theirs[name]} in this bag, {kind} here: '
                'read it with the version of devrobot that recorded it'
            )
    for name in theirs:
        if name not in ours:
            yield f'{msgtype} of this bag has a field {name} that is not known here: left out'


def default_of(kind: str) -> Any:
    """Return what a field of this type holds when an older message does not have it."""
    if kind.startswith('sequence'):
        return ()
    return _DEFAULTS.get(kind, 0)


def _type_name(description: Any) -> str:
    kind, detail = description
    if kind == Nodetype.BASE:
        return str(detail[0])
    if kind == Nodetype.NAME:
        return str(detail)
    inner, size = detail
    word = 'sequence' if kind == Nodetype.SEQUENCE else f'array[{size}]'
    return f'{word}<{_type_name(inner)}>'


def _own_types() -> dict[str, Any]:
    types: dict[str, Any] = {}
    for name, text in _own_texts().items():
        types.update(get_types_from_msg(text, f'{PACKAGE}/msg/{name}'))
    return types


def _own_texts() -> dict[str, str]:
    """Return the .msg text of each of our messages."""
    for folder in _folders():
        texts = {
            entry.name.removesuffix('.msg'): entry.read_text(encoding='utf-8')
            for entry in folder.iterdir()
            if entry.name.endswith('.msg')
        }
        if 'ActionEvent' in texts:
            return texts
    raise BagError(
        f'the message definitions of {PACKAGE} are not installed: '
        'pip install ./src/devrobot_interfaces, or source the workspace'
    )


def _folders() -> Iterator[Any]:
    with contextlib.suppress(ModuleNotFoundError):
        yield resources.files('devrobot_interfaces_py.definitions')
    # resolve(): a symlink install leads back to the source tree.
    places = [Path(__file__).resolve().parents[1] / 'msg']
    prefixes = os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep)
    places += [Path(prefix) / 'share' / PACKAGE / 'msg' for prefix in prefixes if prefix]
    yield from (place for place in places if place.is_dir())

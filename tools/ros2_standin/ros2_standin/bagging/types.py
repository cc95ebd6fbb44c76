"""Message definitions with their dependencies and hashes, from the files of the ament prefixes."""

from __future__ import annotations

from dataclasses import dataclass
import json
from pathlib import Path
import re

from rosbags.typesys import get_types_from_msg, get_typestore, Stores, TypesysError
from rosbags.typesys.store import Typestore

from ros2_standin.ament import PackageNotFoundError, share_of
from ros2_standin.errors import StandinError

_FIELD = re.compile(r'^\s*([A-Za-z][\w/]*)(?:<=\d+)?(?:\[[^\]]*\])?\s+[A-Za-z]\w*')
_PLAIN = re.compile(r'(u?int(8|16|32|64)|float(32|64)|bool|byte|char|w?string)')


@dataclass(frozen=True, kw_only=True)
class Definition:
    """How a type is written down in a bag."""

    name: str
    text: str
    digest: str


class Definitions:
    """Looks definitions up; what it has found it keeps."""

    def __init__(self) -> None:
        self._store: Typestore = get_typestore(Stores.ROS2_JAZZY)

    def of(self, name: str) -> Definition:
        """
        Return the definition of ``package/msg/Name``.

        :raises StandinError: if it, or a type that it uses, has no .msg file that can be read.
        """
        try:
            self._learn(name)
            text, _ = self._store.generate_msgdef(name, ros_version=2)
            digest = _installed_digest(name) or self._store.hash_rihs01(name)
            return Definition(name=name, text=text, digest=digest)
        except TypesysError as error:
            raise StandinError(f"no definition of '{name}': {error}") from error

    def _learn(self, name: str) -> None:
        types: dict = {}
        waiting = [name]
        while waiting:
            current = waiting.pop()
            if current in self._store.fielddefs or current in types:
                continue
            text = _message_file(current).read_text(encoding='utf-8')
            types.update(get_types_from_msg(text, current))
            waiting += _used(text, current.partition('/')[0])
        if types:
            self._store.register(types)


def digest_of(name: str, text: str) -> str:
    """Return the hash of a type from the definition in a bag; nothing if it cannot be read."""
    store = get_typestore(Stores.EMPTY)
    try:
        store.register(get_types_from_msg(text, name))
        return store.hash_rihs01(name)
    except (TypesysError, KeyError):
        return ''


def _installed_digest(name: str) -> str:
    """Return the hash that was made with the package; rosbags has another one for ``char``."""
    parts = name.split('/')
    try:
        facts = json.loads((share_of(parts[0]) / 'msg' / f'{parts[-1]}.json').read_text())
        found = {item['type_name']: item['hash_string'] for item in facts['type_hashes']}
        return str(found[name])
    except (StandinError, OSError, ValueError, KeyError, TypeError):
        return ''


def _message_file(name: str) -> Path:
    parts = name.split('/')
    try:
        path = share_of(parts[0]) / 'msg' / f'{parts[-1]}.msg'
    except PackageNotFoundError as error:
        raise StandinError(f"no definition of '{name}': {error}") from error
    if not path.is_file():
        raise StandinError(f"no definition of '{name}': {path} does not exist")
    return path


def _used(text: str, package: str) -> list[str]:
    """Return the types of the fields that are not plain."""
    found = []
    for line in text.splitlines():
        match = _FIELD.match(line.partition('#')[0])
        if match is None or _PLAIN.fullmatch(match[1]):
            continue
        parts = match[1].split('/')
        owner = package if len(parts) == 1 else parts[0]
        if match[1] == 'Header':
            owner = 'std_msgs'
        found.append(f'{owner}/msg/{parts[-1]}')
    return found

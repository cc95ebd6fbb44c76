"""
Definitions of ROS types as text, put together for viewers that decode the raw messages.

A schema is the ``.msg`` text followed by the text of every type it uses, each after a line of 80
``=`` and a line ``MSG: package/Name``. The texts are those installed in the share folders.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
import re

SEPARATOR = '=' * 80
PRIMITIVES = frozenset(
    {
        *('bool', 'byte', 'char', 'float32', 'float64', 'string', 'wstring'),
        *('int8', 'uint8', 'int16', 'uint16', 'int32', 'uint32', 'int64', 'uint64'),
    }
)
FIELD_TYPE = re.compile(r'^([A-Za-z][\w/]*)(<=\d+)?(\[[^\]]*\])?\s+[A-Za-z]')


class SchemaError(ValueError):
    """A type has no readable definition on this machine."""


@dataclass(frozen=True, kw_only=True)
class TypeSchema:
    """Name and complete text of one type."""

    name: str
    text: str


class SchemaLibrary:
    """
    Reads definitions from share folders.

    :param share_folder: returns the share folder of a package, or raises ``LookupError``.
    """

    def __init__(self, share_folder: Callable[[str], str | Path]) -> None:
        self._share_folder = share_folder

    def message(self, type_name: str) -> TypeSchema:
        """Return the schema of a message type such as ``std_msgs/msg/Header``."""
        text = self._read(type_name, 'msg')
        return TypeSchema(name=type_name, text=self._with_dependencies(type_name, text))

    def service(self, type_name: str) -> tuple[TypeSchema, TypeSchema]:
        """Return the schemas of the request and of the response of a service type."""
        parts = re.split(r'^---\s*$', self._read(type_name, 'srv'), flags=re.MULTILINE)
        if len(parts) != 2:
            raise SchemaError(f'the definition of {type_name} does not have two parts')
        request, response = (
            TypeSchema(
                name=f'{type_name}_{role}', text=self._with_dependencies(type_name, part.strip())
            )
            for role, part in zip(('Request', 'Response'), parts, strict=True)
        )
        return request, response

    def _with_dependencies(self, type_name: str, text: str) -> str:
        package = type_name.split('/')[0]
        sections = [text]
        known = {type_name}
        pending = used_types(text, package)
        while pending:
            dependency = pending.pop(0)
            if dependency in known:
                continue
            known.add(dependency)
            own_package, _, name = dependency.split('/')
            definition = self._read(dependency, 'msg')
            sections.append(f'{SEPARATOR}\nMSG: {own_package}/{name}\n{definition}')
            pending += used_types(definition, own_package)
        return '\n'.join(sections)

    def _read(self, type_name: str, kind: str) -> str:
        try:
            package, type_kind, name = type_name.split('/')
        except ValueError:
            raise SchemaError(f'{type_name!r} is not a type like package/{kind}/Name') from None
        if type_kind != kind:
            raise SchemaError(f'{type_name} is not a {kind} type')
        try:
            path = Path(self._share_folder(package)) / kind / f'{name}.{kind}'
            return path.read_text(encoding='utf-8')
        except LookupError:
            raise SchemaError(f'package {package} is not installed here') from None
        except OSError as error:
            raise SchemaError(f'no definition of {type_name}: {error}') from None


def used_types(text: str, package: str) -> list[str]:
    """Return the message types that a definition of ``package`` uses, in order."""
    found = []
    for line in text.splitlines():
        match = FIELD_TYPE.match(line.strip())
        if match is None or match.group(1) in PRIMITIVES:
            continue
        parts = match.group(1).split('/')
        found.append(f'{parts[0] if len(parts) > 1 else package}/msg/{parts[-1]}')
    return found

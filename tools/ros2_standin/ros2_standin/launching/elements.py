"""Read a launch file into elements that know the line they stand on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from ros2_standin.errors import LaunchFileError, StandinError


@dataclass(frozen=True, kw_only=True)
class Element:
    """One XML element of a launch file."""

    tag: str
    path: Path
    line: int
    attributes: Mapping[str, str] = field(default_factory=dict)
    children: tuple[Element, ...] = ()

    def error(self, message: str) -> LaunchFileError:
        """Return an error that points at this element."""
        return LaunchFileError(self.path, self.line, message)


class _Builder:
    """Collects the events of the XML parser; refuses text and document types."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.root: Element | None = None
        self._open: list[tuple[str, int, dict[str, str], list[Element]]] = []
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.StartDoctypeDeclHandler = self._doctype

    def parse(self, data: bytes) -> Element:
        """Return the root element of ``data``."""
        try:
            self._parser.Parse(data, True)
        except expat.ExpatError as error:
            reason = expat.errors.messages[error.code]
            raise LaunchFileError(
                self.path, error.lineno, f'not well-formed XML: {reason}'
            ) from error
        assert self.root is not None  # expat refuses a document without a root
        return self.root

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._open.append((tag, self._parser.CurrentLineNumber, attributes, []))

    def _end(self, _tag: str) -> None:
        tag, line, attributes, children = self._open.pop()
        element = Element(
            tag=tag, path=self.path, line=line, attributes=attributes, children=tuple(children)
        )
        if self._open:
            self._open[-1][3].append(element)
        else:
            self.root = element

    def _text(self, text: str) -> None:
        if text.strip():
            raise LaunchFileError(
                self.path,
                self._parser.CurrentLineNumber,
                f"unexpected text '{text.strip()}'; values go into attributes",
            )

    def _doctype(self, *_: object) -> None:
        raise LaunchFileError(
            self.path, self._parser.CurrentLineNumber, 'document types are not read'
        )


def read_xml(path: Path) -> Element:
    """
    Return the root element of the XML launch file ``path``.

    :raises LaunchFileError: if it is not well-formed or has text between the elements.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StandinError(f'cannot read launch file {path}: {error.strerror}') from error
    return _Builder(path).parse(data)

"""The parts of a page as data; the templates draw them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup


@dataclass(frozen=True, kw_only=True)
class Cell:
    """
    A cell of a table.

    ``href`` makes it a link, ``mark`` a small label behind it, ``picture`` an SVG in its place.
    """

    text: str
    href: str = ''
    mark: str = ''
    picture: Markup | None = None


@dataclass(frozen=True, kw_only=True)
class Table:
    """
    A table with the words that explain its columns.

    The first cell of each row is its head. ``strong`` is the number of a row that stands out;
    without ``rows`` the page says ``empty``, and without that nothing.
    """

    rows: Sequence[Sequence[str | Cell]]
    heads: Sequence[str] = ()
    words: Mapping[str, str] = field(default_factory=dict)
    note: str = ''
    empty: str = ''
    strong: int | None = None
    kind: str = 'figures'


@dataclass(frozen=True, kw_only=True)
class Section:
    """A heading with its anchor, and a table under it."""

    anchor: str
    title: str
    table: Table


@dataclass(frozen=True, kw_only=True)
class Tile:
    """A number to be seen at once; ``tone`` is good, bad or nothing."""

    value: str
    label: str
    detail: str = ''
    tone: str = ''


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture inside the page; without ``source`` the page says ``why`` instead."""

    source: str
    alt: str
    caption: str = ''
    why: str = ''

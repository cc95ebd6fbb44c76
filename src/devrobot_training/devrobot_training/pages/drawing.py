"""Pages from templates: everything is escaped unless it says that it is markup."""

import base64
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

HERE = Path(__file__).parent
STYLE = HERE / 'page.css'


@lru_cache
def environment(*folders: Path) -> Environment:
    """Return the templates in ``folders`` and here; a name that is not given is an error."""
    return Environment(
        loader=FileSystemLoader([*folders, HERE / 'templates']),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def draw(
    template: str,
    values: Mapping[str, Any],
    *,
    folders: Sequence[Path] = (),
    styles: Sequence[Path] = (),
    scripts: Sequence[Path] = (),
) -> str:
    """
    Return a page.

    :param styles: style sheets after the common one; they and the ``scripts`` go into the page.
    """
    return (
        environment(*folders)
        .get_template(template)
        .render(style=_joined((STYLE, *styles)), script=_joined(scripts), **values)
    )


def data_uri(content: bytes, kind: str) -> str:
    """Return a picture as an address that holds it; ``kind`` is png or jpeg."""
    return f'data:image/{kind};base64,{base64.b64encode(content).decode()}'


def _joined(paths: Sequence[Path]) -> Markup:
    return Markup('\n'.join(path.read_text(encoding='utf-8') for path in paths))

"""
Keep the tables of settings of a page as the config classes have them.

A table stands between two comments: ``<!-- parameters: NAME -->`` and ``<!-- end -->``.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
import re
from typing import Any

from devrobot_interfaces_py.atomic import write_text
from devrobot_interfaces_py.config_values import shown
from devrobot_interfaces_py.configs import flatten

BLOCK = re.compile(r'<!-- parameters: (?P<name>[\w ]+) -->\n.*?<!-- end -->', re.DOTALL)


def with_fresh_tables(text: str, tables: Mapping[str, type]) -> str:
    """
    Return the page with its tables made anew.

    :param tables: config classes by the name of their table.
    :raises KeyError: if the page asks for a table that is not known.
    """

    def render(match: re.Match[str]) -> str:
        name = match['name']
        return f'<!-- parameters: {name} -->\n\n{markdown_table(tables[name])}\n<!-- end -->'

    return BLOCK.sub(render, text)


def write_fresh_tables(pages: Sequence[str], tables: Mapping[str, type]) -> None:
    """Write the tables of these files anew; see ``with_fresh_tables``."""
    for page in map(Path, pages):
        write_text(page, with_fresh_tables(page.read_text(encoding='utf-8'), tables))


def markdown_table(config: Any) -> str:
    """Return the table of all settings of a config or config class for a README."""
    lines = ['| name | type | default | allowed | live | meaning |', '|---|---|---|---|---|---|']
    for info in flatten(config):
        default = 'required' if info.required else f'`{shown(info.default)}`'
        cells = [f'`{info.name}`', info.type_name, default, info.allowed()]
        cells += ['yes' if info.live else 'no', info.doc]
        lines.append('| ' + ' | '.join(cell.replace('|', r'\|') for cell in cells) + ' |')
    return '\n'.join(lines) + '\n'

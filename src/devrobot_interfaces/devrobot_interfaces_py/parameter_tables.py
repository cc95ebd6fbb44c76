"""
Keep the tables of settings of a page as the config classes have them.

A table stands between two comments: ``<!-- parameters: NAME -->`` and ``<!-- end -->``.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
import re

from devrobot_interfaces_py.atomic import write_text
from devrobot_interfaces_py.configs import markdown_table

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

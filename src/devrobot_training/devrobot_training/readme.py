"""
Write the tables of settings in README.md from the config classes.

Run as ``python -m devrobot_training.readme README.md``. A table stands in the section of its
command, between two comments: ``<!-- parameters: COMMAND -->`` and ``<!-- end -->``. For another
command add its config to ``TABLES``, put the two comments into its section, and run this.
"""

from collections.abc import Mapping
from pathlib import Path
import re
import sys
from types import MappingProxyType

from devrobot_interfaces_py.atomic import write_text
from devrobot_interfaces_py.configs import markdown_table
from devrobot_training.cli.evaluate import CommandConfig
from devrobot_training.fit.config import TrainConfig
from devrobot_training.fit.overfit import OverfitConfig
from devrobot_training.sessions.contact_sheet import SheetConfig
from devrobot_training.sessions.splits import CanvasConfig, PartConfig, SplitConfig
from devrobot_training.staged.config import StagedSettings
from devrobot_training.tasks.places import ServerConfig

TABLES: Mapping[str, type] = MappingProxyType(
    {
        'session_info': SheetConfig,
        'split_session': PartConfig,
        'make_splits': SplitConfig,
        'filter_overlap': CanvasConfig,
        'train': TrainConfig,
        'evaluate': CommandConfig,
        'overfit': OverfitConfig,
        'staged': StagedSettings,
        'training_server': ServerConfig,
    }
)
BLOCK = re.compile(r'<!-- parameters: (?P<name>\w+) -->\n.*?<!-- end -->', re.DOTALL)


def with_fresh_tables(text: str) -> str:
    """
    Return the page with its tables made anew.

    :raises KeyError: if the page asks for a table that is not known.
    """

    def render(match: re.Match[str]) -> str:
        name = match['name']
        return f'<!-- parameters: {name} -->\n\n{markdown_table(TABLES[name])}\n<!-- end -->'

    return BLOCK.sub(render, text)


if __name__ == '__main__':
    for page in map(Path, sys.argv[1:]):
        write_text(page, with_fresh_tables(page.read_text(encoding='utf-8')))

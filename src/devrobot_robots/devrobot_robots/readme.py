"""
Write the parameter tables of README.md from the config classes.

Run as ``python -m devrobot_robots.readme README.md``. A table stands between two comments:
``<!-- parameters: NAME -->`` and ``<!-- end -->``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
import re
import sys
from types import MappingProxyType

from devrobot_interfaces_py.atomic import write_text
from devrobot_interfaces_py.configs import markdown_table
from devrobot_robots.driver_config import DriverConfig, StartConfig
from devrobot_robots.jetbot.config import JetBotConfig
from devrobot_robots.recording.config import RecorderConfig
from devrobot_robots.replay.config import ReplayConfig
from devrobot_robots.selectors.config import SelectorConfig
from devrobot_robots.toroidal_dot.config import ToroidalDotConfig
from devrobot_robots.toroidal_dot.recording_config import RecordToroidalConfig
from devrobot_robots.viewing.config import LiveViewConfig

TABLES: Mapping[str, type] = MappingProxyType(
    {
        'driver start': StartConfig,
        'driver': DriverConfig,
        'toroidal_dot': ToroidalDotConfig,
        'jetbot': JetBotConfig,
        'selector': SelectorConfig,
        'recorder': RecorderConfig,
        'replay': ReplayConfig,
        'live_view': LiveViewConfig,
        'record_toroidal': RecordToroidalConfig,
    }
)
BLOCK = re.compile(r'<!-- parameters: (?P<name>[\w ]+) -->\n.*?<!-- end -->', re.DOTALL)


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

"""
Write the parameter tables of README.md from the config classes.

Run as ``python -m devrobot_robots.readme README.md``. A table stands between two comments:
``<!-- parameters: NAME -->`` and ``<!-- end -->``.
"""

from __future__ import annotations

from collections.abc import Mapping
import sys
from types import MappingProxyType

from devrobot_interfaces_py.parameter_tables import write_fresh_tables
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

if __name__ == '__main__':
    write_fresh_tables(sys.argv[1:], TABLES)

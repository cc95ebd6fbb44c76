"""
Write the tables of settings in README.md from the config classes.

Run as ``python -m devrobot_training.readme README.md``. A table stands in the section of its
command, between two comments: ``<!-- parameters: COMMAND -->`` and ``<!-- end -->``. For another
command add its config to ``TABLES``, put the two comments into its section, and run this.
"""

from collections.abc import Mapping
import sys
from types import MappingProxyType

from devrobot_interfaces_py.parameter_tables import write_fresh_tables
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

if __name__ == '__main__':
    write_fresh_tables(sys.argv[1:], TABLES)

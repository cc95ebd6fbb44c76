"""``ros2 bag reindex``: write the metadata of a bag anew, and mend torn files."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from ros2_standin.bagging.mending import reindex as mend_bag
from ros2_standin.bagging.metadata import NAME


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of ``ros2 bag reindex``."""
    parser = argparse.ArgumentParser(
        prog='ros2 bag reindex',
        description='Reconstruct the metadata of a bag; close files that were cut off',
        epilog='example: ros2 bag reindex saved/sessions/toroidal_dot/monday',
    )
    parser.add_argument('bag_path', type=Path, help='folder of the bag')
    parser.add_argument(
        '-s', '--storage', choices=('mcap', 'sqlite3'), help='accepted: told by the files'
    )
    return parser


def reindex(argv: Sequence[str]) -> int:
    """Mend one bag."""
    arguments = build_parser().parse_args(argv)
    facts = mend_bag(arguments.bag_path)
    count = sum(file.count for file in facts.files)
    print(f'{arguments.bag_path / NAME}: {count} messages in {len(facts.files)} files')
    return 0

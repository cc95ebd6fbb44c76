"""``ros2 bag reindex``: write the metadata of a bag anew, and mend torn files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ros2_standin.bagging.mending import reindex as mend_bag
from ros2_standin.bagging.metadata import NAME
from ros2_standin.verbs.bag_options import Parser


def build_parser() -> Parser:
    """Return the parser of ``ros2 bag reindex``."""
    parser = Parser(
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
    mended = mend_bag(arguments.bag_path)
    for name in mended.left_out:
        print(f'{arguments.bag_path / name}: cut off before its first message, left out')
    for name in mended.torn:
        if name not in mended.left_out:
            print(f'{arguments.bag_path / name}: cut off, written anew to its last whole record')
    count = sum(file.count for file in mended.facts.files)
    files = ', '.join(file.name for file in mended.facts.files)
    print(f'{arguments.bag_path / NAME}: {count} messages in {files}')
    return 0

"""``ros2 pkg``: list packages, their prefixes and their executables."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from ros2_standin import ament


def list_packages(argv: Sequence[str]) -> int:
    """Print the names of all packages."""
    argparse.ArgumentParser(prog='ros2 pkg list').parse_args(argv)
    for name in sorted(ament.packages()):
        print(name)
    return 0


def prefix(argv: Sequence[str]) -> int:
    """Print the prefix of one package."""
    parser = argparse.ArgumentParser(prog='ros2 pkg prefix')
    parser.add_argument('package_name')
    parser.add_argument('--share', action='store_true', help='show the share directory')
    arguments = parser.parse_args(argv)
    lookup = ament.share_of if arguments.share else ament.prefix_of
    print(lookup(arguments.package_name))
    return 0


def executables(argv: Sequence[str]) -> int:
    """Print the executables of one package or of all."""
    parser = argparse.ArgumentParser(prog='ros2 pkg executables')
    parser.add_argument('package_name', nargs='?')
    parser.add_argument('--full-path', action='store_true', help='show the path of each')
    arguments = parser.parse_args(argv)
    names = [arguments.package_name] if arguments.package_name else sorted(ament.packages())
    for name in names:
        for path in ament.executables_of(name):
            print(path if arguments.full_path else f'{name} {path.name}')
    return 0

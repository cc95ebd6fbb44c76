"""``ros2 run``: replace this process by an executable of a package."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
import os
import shlex
import sys

from ros2_standin import ament
from ros2_standin.errors import StandinError


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of ``ros2 run``."""
    parser = argparse.ArgumentParser(prog='ros2 run', description='Run an executable of a package')
    parser.add_argument('--prefix', help='command to put before the executable, e.g. gdb')
    parser.add_argument('package_name', help='name of the package')
    parser.add_argument('executable_name', help='name of the executable')
    parser.add_argument('argv', nargs=argparse.REMAINDER, help='arguments of the executable')
    return parser


def command_of(arguments: argparse.Namespace) -> list[str]:
    """Return the command line to be run."""
    path = ament.executable_of(arguments.package_name, arguments.executable_name)
    prefix = shlex.split(arguments.prefix) if arguments.prefix else []
    return [*prefix, str(path), *arguments.argv]


def main(argv: Sequence[str]) -> int:
    """Run the executable; its signals and its exit code are those of this process."""
    command = command_of(build_parser().parse_args(argv))
    sys.stdout.flush()
    try:
        os.execvp(command[0], command)
    except OSError as error:
        raise StandinError(f'cannot run {command[0]}: {error.strerror}') from error

"""Write the viewer layout for the robot in one namespace."""

import argparse
from pathlib import Path
import sys

from devrobot_bringup.layout.pages import DEFAULT_NAMESPACE, layout_text
from devrobot_interfaces_py.atomic import write_text


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(prog='make_layout', description=__doc__)
    parser.add_argument(
        '--namespace',
        default=DEFAULT_NAMESPACE,
        help='namespace of the robot (default: %(default)s)',
    )
    parser.add_argument(
        '--output', type=Path, help='file to write; without it the layout goes to the terminal'
    )
    return parser


def main(args: list[str] | None = None) -> int:
    """Write the layout; return the exit code."""
    options = build_parser().parse_args(args)
    try:
        text = layout_text(options.namespace)
        if options.output is None:
            sys.stdout.write(text)
        else:
            write_text(options.output, text)
            sys.stdout.write(f'wrote {options.output}: import it in the viewer as a layout\n')
    except (ValueError, OSError) as error:
        sys.stderr.write(f'make_layout: {error}\n')
        return 1
    return 0

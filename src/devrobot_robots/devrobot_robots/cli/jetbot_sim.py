"""The command ``jetbot_sim``: the JetBot server with a simulated robot behind it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
import sys
import tempfile

from devrobot_robots.jetbot.server import cli as server

PROGRAM = 'ros2 run devrobot_robots jetbot_sim'
HARDWARE = 'devrobot_robots.jetbot.simulation.hardware'


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the simulation's own options; all others go to the server."""
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        add_help=False,
        description='Run the JetBot server with a simulated robot: two wheels in a room, and a '
        'camera that sees it.',
        epilog=f'example: {PROGRAM} --port 18861. Further options are those of the server:',
        allow_abbrev=False,
    )
    parser.add_argument('-h', '--help', action='store_true', help='show this text and end')
    parser.add_argument(
        '--state',
        type=Path,
        metavar='FILE',
        help='where the robot is; a file that exists is gone on with (default: a new one)',
    )
    parser.add_argument(
        '--owner-keys',
        metavar='FOLDER',
        help="serve with TLS: the owner's keys, as made by jetbot_keys; those of the robot lie in "
        'the folder robot beside it (empty: without TLS)',
    )
    return parser


def main(args: Sequence[str] | None = None) -> int:
    """Serve until a signal comes."""
    parser = build_parser()
    own, rest = parser.parse_known_args(args)
    if own.help:
        print(parser.format_help())
        return server.main(['--help'])
    if own.owner_keys:
        rest += ['--tls', str(Path(own.owner_keys).expanduser().resolve().with_name('robot'))]
    with tempfile.TemporaryDirectory(prefix='jetbot_sim_') as folder:
        state = (own.state or Path(folder) / 'state').absolute()
        return server.main(['--hardware', HARDWARE, '--hardware-option', str(state), *rest])


if __name__ == '__main__':
    sys.exit(main())

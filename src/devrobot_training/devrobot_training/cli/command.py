"""What all commands share: errors in one line, progress, and results as JSON."""

import argparse
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
import signal
import sys
from typing import Any

from devrobot_interfaces_py.atomic import write_json
from devrobot_interfaces_py.bags import BagError
from devrobot_interfaces_py.configs import ConfigError
from devrobot_interfaces_py.session_files import SessionFileError
from devrobot_training.sessions.building import Progress
from devrobot_training.sessions.session import SessionError
from tqdm import tqdm

EXPECTED_ERRORS = (SessionError, SessionFileError, BagError, ConfigError, OSError)
INTERRUPTED = 128 + signal.SIGINT


def make_parser(name: str, description: str, example: str) -> argparse.ArgumentParser:
    """Return a parser with the options that every command has."""
    parser = argparse.ArgumentParser(
        prog=f'ros2 run devrobot_training {name}',
        description=description,
        epilog=f'example: ros2 run devrobot_training {name} {example}',
    )
    parser.add_argument(
        '--json', type=Path, metavar='FILE', help='write the result to FILE as JSON, too'
    )
    parser.add_argument('--quiet', action='store_true', help='no progress bar')
    return parser


def add_reading_options(parser: argparse.ArgumentParser) -> None:
    """Add how bags are read."""
    parser.add_argument(
        '--skip-faulty',
        action='store_true',
        help='leave out what a fault in a bag touches, and count it, instead of stopping',
    )
    parser.add_argument(
        '--namespace', default='', help='of the robot, in a bag with several (default: the only)'
    )


def run(
    parser: argparse.ArgumentParser,
    work: Callable[[argparse.Namespace], Any],
    args: Sequence[str] | None,
) -> None:
    """Do the work, write its result as JSON where asked for, and end the process."""
    arguments = parser.parse_args(args)
    try:
        result = work(arguments)
        if arguments.json is not None:
            write_json(arguments.json, result)
    except EXPECTED_ERRORS as error:
        print(f'error: {error}', file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print('interrupted', file=sys.stderr)
        sys.exit(INTERRUPTED)
    sys.exit(0)


@contextmanager
def progress_bar(title: str, *, quiet: bool, unit: str = 'msg') -> Iterator[Progress]:
    """Give a function that shows how much is done; it shows nothing where nobody looks."""
    hidden = quiet or not sys.stderr.isatty()
    with tqdm(desc=title, unit=unit, disable=hidden, leave=False) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield show

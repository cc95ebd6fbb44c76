"""What all commands share: errors in one line, progress, and results as JSON."""

import argparse
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
import errno
import os
from pathlib import Path
import signal
import sys
import textwrap
from typing import Any, NoReturn

from devrobot_interfaces_py.atomic import write_json
from devrobot_interfaces_py.bags import BagError
from devrobot_interfaces_py.config_values import nearest
from devrobot_interfaces_py.configs import ConfigError
from devrobot_interfaces_py.session_files import SessionFileError, SUFFIX
from devrobot_interfaces_py.startup import INTERRUPTED
from devrobot_training.fit.problems import one_line, RunError, TeamError
from devrobot_training.sessions.building import Progress
from devrobot_training.sessions.opening import open_session
from devrobot_training.sessions.session import Session, SessionError
from devrobot_world_model.checkpoint_names import CheckpointError
from tqdm import tqdm

PROGRAM = 'ros2 run devrobot_training'
EXPECTED_ERRORS = (
    *(SessionError, SessionFileError, BagError, ConfigError, CheckpointError, RunError, TeamError),
    OSError,
)
#: What is said at the first signal where work goes on step by step.
STOPPING = 'stopping after this step; once more stops at once'
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
MAKE_ROOM = 'make room'
HELP_WIDTH = 79


@dataclass(frozen=True)
class Outcome:
    """A result whose exit code is not simply 0; without a result nothing is written."""

    result: Any
    code: int = 0


class _Parser(argparse.ArgumentParser):
    """Tells mistakes in one line: of commands with a hundred options the usage hides it."""

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        arguments, unknown = self.parse_known_args(args, namespace)
        if unknown:
            self.error(self._told(unknown))
        return arguments

    def error(self, message: str) -> NoReturn:
        self.exit(2, f'error: {one_line(message)} ({self.prog} --help lists all)\n')

    def _told(self, unknown: Sequence[str]) -> str:
        names = [word.partition('=')[0] for word in unknown if word.startswith('-')]
        if not names:
            return f'unrecognized arguments: {" ".join(unknown)}'
        near = nearest(names[0], self._option_string_actions, cutoff=0.6)
        hint = f', did you mean {near}?' if near else ''
        return f'unrecognized arguments: {names[0]}{hint}'


def make_parser(name: str, description: str, example: str) -> argparse.ArgumentParser:
    """Return a parser with the options that every command has."""
    parser = _Parser(
        prog=f'{PROGRAM} {name}',
        description=textwrap.fill(description, HELP_WIDTH, break_on_hyphens=False),
        # Not wrapped, so that it can be copied.
        epilog=f'example:\n  {PROGRAM} {name} {example}',
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        '--json', type=Path, metavar='FILE', help='write the result to FILE as JSON, too'
    )
    parser.add_argument('--quiet', action='store_true', help='no progress, only the result')
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


def read_session(path: Path, arguments: argparse.Namespace) -> Session:
    """Open a bag or session file as the options say, with a progress bar."""
    with progress_bar(f'reading {path.name}', quiet=arguments.quiet) as progress:
        return open_session(
            path,
            namespace=arguments.namespace,
            skip_faulty=arguments.skip_faulty,
            progress=progress,
        )


def run(
    parser: argparse.ArgumentParser,
    work: Callable[[argparse.Namespace], Any],
    args: Sequence[str] | None,
) -> None:
    """Do the work, write its result as JSON where asked for, and end the process."""
    arguments = parser.parse_args(args)
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        code = _finish(work, arguments)
    finally:
        signal.signal(signal.SIGTERM, before)
    sys.exit(code)


def _finish(work: Callable[[argparse.Namespace], Any], arguments: argparse.Namespace) -> int:
    """Do the work and return the exit code."""
    try:
        if arguments.json is not None:
            _check_json(arguments.json)
        outcome = work(arguments)
        if not isinstance(outcome, Outcome):
            outcome = Outcome(outcome)
        if arguments.json is not None and outcome.result is not None:
            write_json(arguments.json, outcome.result)
        sys.stdout.flush()
    except BrokenPipeError:
        # As in "| head": what is left to be printed goes nowhere, also at the interpreter's end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except EXPECTED_ERRORS as error:
        print(f'error: {in_one_line(error)}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print('interrupted', file=sys.stderr)
        return INTERRUPTED
    return outcome.code


def _check_json(path: Path) -> None:
    """Refuse before the work what would fail, or destroy what is read, after it."""
    if path.name.endswith(SUFFIX):
        raise ConfigError(
            f'--json is {path}: names in {SUFFIX} are of session files, take another'
        )
    check_target('--json', path)


def check_target(option: str, path: Path) -> None:
    """
    Refuse a file that cannot be written.

    :raises ConfigError: naming the option, and what is in the way.
    """
    if path.is_dir():
        raise ConfigError(f'{option} is {path}, which is a folder: name a file')
    _check_parents(option, path.absolute().parent, path)


def check_picture(option: str, path: Path) -> None:
    """
    Refuse what cannot be written, or is no name of a PNG picture.

    :raises ConfigError: naming the option, and what is in the way.
    """
    if path.suffix.lower() != '.png':
        raise ConfigError(f'{option} is {path}: name a file that ends in .png')
    check_target(option, path)


def check_folder(option: str, path: Path) -> None:
    """
    Refuse a folder in which nothing can be written.

    :raises ConfigError: naming the option, and what is in the way.
    """
    _check_parents(option, path.absolute(), path)


def _check_parents(option: str, folder: Path, path: Path) -> None:
    nearest = next(place for place in (folder, *folder.parents) if place.exists())
    if not nearest.is_dir():
        raise ConfigError(f'{option} is {path}, but {nearest} is a file: name another folder')
    if not os.access(nearest, os.W_OK):
        raise ConfigError(f'{option} is {path}, but {nearest} cannot be written: name another')


def in_one_line(error: BaseException, again: str = 'run it again') -> str:
    """
    Return what an error says; of the system's errors the name of the file and the reason.

    :param again: what is to be done when a full disk has room again.
    """
    text = str(error)
    if isinstance(error, OSError) and error.strerror and error.filename:
        text = f'{error.filename2 or error.filename}: {error.strerror}'
    # Errors of libraries and of ours have the system's words in them.
    if any(os.strerror(code) in text for code in FULL) and MAKE_ROOM not in text:
        text += f'; {MAKE_ROOM}, then {again}'
    return one_line(text) or type(error).__name__


def going_on(error: Exception, run_folder: Path) -> RunError:
    """Return an error that ended a run, with the way to go on with it."""
    way = f'go on with --resume {run_folder}'
    text = in_one_line(error, way)
    return RunError(text if text.endswith(way) else f'{text}; {way}')


@contextmanager
def stop_signals(say: Callable[[], None]) -> Iterator[Callable[[], bool]]:
    """
    Give a function that tells whether a signal asked for the end; the second one ends at once.

    :param say: called at the first signal.
    :raises KeyboardInterrupt: at the second.
    """
    asked: list[int] = []

    def ask(number: int, frame: Any) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)
        say()

    before = {n: signal.signal(n, ask) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def progress_bar(title: str, *, quiet: bool, unit: str = 'msg') -> Iterator[Progress]:
    """Give a function that shows how much is done; it shows nothing where nobody looks."""
    hidden = quiet or not sys.stderr.isatty()
    with tqdm(desc=title, unit=unit, disable=hidden, leave=False) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield show

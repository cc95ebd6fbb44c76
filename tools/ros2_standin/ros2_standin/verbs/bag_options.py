"""What the parsers of the bag verbs share: errors of one line, values that are checked."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
import math
from pathlib import Path
import re
import signal
import sys
from typing import Any, NoReturn

from ros2_standin.bagging.reading import unlisted_files

LOG_LEVELS = ('debug', 'info', 'warn', 'error', 'fatal')
WRONG_ARGUMENTS = 2


class Parser(argparse.ArgumentParser):
    """A parser that says in one line what is wrong: these verbs have too many options to list."""

    def error(self, message: str) -> NoReturn:
        """End with the message."""
        self.exit(
            WRONG_ARGUMENTS,
            f'{self.prog}: error: {message} ({self.prog} --help lists the options)\n',
        )

    def leave_to_real_ros2(self, *options: Sequence[str]) -> None:
        """Know these options of the real tool, and say that they are not here."""
        for names in options:
            self.add_argument(*names, nargs='*', action=_NeedsRealRos2, help=argparse.SUPPRESS)


class _NeedsRealRos2(argparse.Action):
    def __call__(
        self, parser: argparse.ArgumentParser, namespace: Any, values: Any, option: Any = None
    ) -> NoReturn:
        parser.exit(
            WRONG_ARGUMENTS,
            f'{parser.prog} {option}: not part of this stand-in, it needs the real ros2 '
            '(an installation of ROS 2)\n',
        )


def regular_expression(text: str) -> str:
    """Return the text if it is one."""
    try:
        re.compile(text)
    except re.error as error:
        raise argparse.ArgumentTypeError(f"'{text}' is no regular expression: {error}") from error
    return text


def not_negative(text: str) -> float:
    """Return a number from 0 on."""
    value = _number(text)
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f'{text} is not 0 or more')
    return value


def not_negative_integer(text: str) -> int:
    """Return an integer from 0 on."""
    if not re.fullmatch(r'\d+', text.strip()):
        raise argparse.ArgumentTypeError(f'{text} is not an integer, 0 or more')
    return int(text)


def positive(text: str) -> float:
    """Return a number above 0."""
    value = _number(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(f'{text} is not in the valid range (> 0.0)')
    return value


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f'{text} is not a number') from None


def add_log_level(parser: argparse.ArgumentParser) -> None:
    """Add the option of the real tool."""
    parser.add_argument('--log-level', choices=LOG_LEVELS, default='info')


def warn(text: str) -> None:
    """Say something that is no error, as the real tool does."""
    print(f'[WARN] [ros2bag]: {text}', file=sys.stderr)


def warn_of_unlisted(bag: Path, facts: dict[str, Any]) -> None:
    """Say which files of a bag are passed over, because its metadata does not know them yet."""
    if names := unlisted_files(bag, facts):
        warn(
            f"'{bag}' is being recorded or was cut off: {', '.join(names)} not in its metadata; "
            'ros2 bag reindex adds what is whole'
        )


def stop_signals() -> list[int]:
    """Return a list that gets every signal to stop from now on, in place of what they do else."""
    seen: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # nohup has SIGHUP ignored; a shell has SIGINT ignored in the background, where rclcpp
        # of the real tool heeds it nevertheless.
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, lambda number, _: seen.append(number))
    return seen

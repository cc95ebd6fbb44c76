"""The entry point: choose the command and the verb, turn errors into one line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
import importlib
import os
from pathlib import Path
import signal
import sys

from ros2_standin.errors import StandinError
from ros2_standin.leaving import run_then_leave
from ros2_standin.shadow import find_real_ros2

NEEDS_REAL_ROS2 = 2

#: command → verb → ``module:function``; a command without verbs has the single verb ``''``.
COMMANDS: dict[str, dict[str, str]] = {
    'bag': {
        'info': 'bag_info:info',
        'play': 'bag_play:play',
        'record': 'bag_record:record',
        'reindex': 'bag_reindex:reindex',
    },
    'interface': {
        'list': 'interface:list_interfaces',
        'show': 'interface:show',
    },
    'launch': {'': 'launch:main'},
    'lifecycle': {
        'get': 'lifecycle:get',
        'list': 'lifecycle:list_transitions',
        'nodes': 'lifecycle:nodes',
        'set': 'lifecycle:set_state',
    },
    'node': {'info': 'node:info', 'list': 'node:list_nodes'},
    'param': {
        'describe': 'param:describe',
        'dump': 'param:dump',
        'get': 'param:get',
        'list': 'param:list_parameters',
        'set': 'param:set_value',
    },
    'pkg': {
        'executables': 'pkg:executables',
        'list': 'pkg:list_packages',
        'prefix': 'pkg:prefix',
    },
    'run': {'': 'run:main'},
    'service': {
        'call': 'service:call',
        'list': 'service:list_services',
        'type': 'service:show_type',
    },
    'topic': {
        'echo': 'echo:echo',
        'hz': 'hz:rate',
        'info': 'topic:info',
        'list': 'topic:list_topics',
        'type': 'topic:show_type',
    },
}

ABOUT = """\
usage: ros2 <command> [<verb>] ...

This is a stand-in for the ros2 command, not the real one. It is used where ROS 2 comes
from PyPI wheels, which have no ros2cli and no launch. Syntax and output are those of the
real tool, for the part listed here; everything else needs an installation of ROS 2.

Commands:
"""


def help_text() -> str:
    """Return what ``ros2 --help`` prints."""
    lines = [
        f'  {command:10} {" | ".join(filter(None, verbs))}'.rstrip()
        for command, verbs in COMMANDS.items()
    ]
    return ABOUT + '\n'.join(lines) + '\n\nros2 <command> <verb> --help lists the options.'


def _load(target: str) -> Callable[[Sequence[str]], int]:
    """
    Import the function of a verb.

    A Ctrl-C meanwhile ends the process at once: nothing is begun yet, and as an exception in
    the middle of imports it is printed here and there, or swallowed.
    """
    module, function = target.split(':')
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        return getattr(importlib.import_module(f'ros2_standin.verbs.{module}'), function)
    finally:
        signal.signal(signal.SIGINT, before)


def _needs_real(words: Sequence[str]) -> int:
    """Say that the stand-in does not have this verb."""
    print(
        f'ros2 {" ".join(words)}: not part of this stand-in, it needs the real ros2 '
        '(an installation of ROS 2); ros2 --help lists what there is',
        file=sys.stderr,
    )
    return NEEDS_REAL_ROS2


def dispatch(argv: Sequence[str]) -> int:
    """Run the command named by ``argv`` and return the exit code."""
    if not argv or argv[0] in ('-h', '--help'):
        print(help_text())
        return 0
    command, rest = argv[0], list(argv[1:])
    verbs = COMMANDS.get(command)
    if verbs is None:
        return _needs_real([command, *rest[:1]])
    if '' in verbs:
        return _load(verbs[''])(rest)
    if not rest or rest[0] in ('-h', '--help'):
        print(f'usage: ros2 {command} <verb> ...\n\nVerbs of this stand-in: {", ".join(verbs)}')
        return 0
    if rest[0] not in verbs:
        return _needs_real([command, rest[0]])
    return _load(verbs[rest[0]])(rest[1:])


def _default_prefix() -> None:
    """Make the environment of this interpreter the ament prefix when none is set."""
    if not os.environ.get('AMENT_PREFIX_PATH'):
        prefix = Path(sys.prefix)
        if (prefix / 'share' / 'ament_index').is_dir():
            os.environ['AMENT_PREFIX_PATH'] = str(prefix)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the stand-in unless a real ``ros2`` is there to be run instead."""
    words = list(sys.argv[1:] if argv is None else argv)
    return run_then_leave(lambda: _outcome(words))


def _outcome(words: list[str]) -> int:
    try:
        return _run(words)
    except StandinError as error:
        print(f'ros2: {error}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return int(signal.SIGINT)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        where = f": '{error.filename}'" if error.filename else ''
        print(f'ros2: {error.strerror or error}{where}', file=sys.stderr)
        return 1


def _run(arguments: list[str]) -> int:
    real = find_real_ros2(os.environ)
    if real is not None:
        print(
            f'[WARNING] this is the ros2 stand-in, but there is a real one: {real}. '
            'Use that one, or uninstall the stand-in with pip uninstall ros2_standin',
            file=sys.stderr,
        )
        return NEEDS_REAL_ROS2
    _default_prefix()
    return dispatch(arguments)

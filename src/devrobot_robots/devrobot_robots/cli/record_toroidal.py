"""The command ``record_toroidal``: training and validation sessions of the toroidal dot."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
import signal
import sys
from typing import Any

from devrobot_interfaces_py.atomic import write_json
from devrobot_interfaces_py.bags import BagError
from devrobot_interfaces_py.configs import (
    add_arguments,
    config_from_args,
    config_to_dict,
    ConfigError,
)
from devrobot_interfaces_py.startup import INTERRUPTED
from devrobot_robots.toroidal_dot.recording import (
    plan_sessions,
    record_session,
    RecordedSession,
)
from devrobot_robots.toroidal_dot.recording_config import RecordToroidalConfig
from tqdm import tqdm

PROGRAM = 'ros2 run devrobot_robots record_toroidal'


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description=(
            'Record training and validation sessions of the toroidal dot, with random actions '
            'that are held for random durations. It needs no running robot and takes no longer '
            'than drawing the frames.'
        ),
        epilog=f'example: {PROGRAM} --train-steps 1000 --val-steps 300 --random-y --seed 7',
    )
    add_arguments(parser, RecordToroidalConfig)
    parser.add_argument(
        '--random-y', action='store_true', help='a random row at every start (the default)'
    )
    parser.add_argument(
        '--json', type=Path, metavar='FILE', help='write the result to FILE as JSON, too'
    )
    parser.add_argument('--quiet', action='store_true', help='no progress bar')
    return parser


def config_of(arguments: argparse.Namespace) -> RecordToroidalConfig:
    """
    Return the settings.

    :raises ConfigError: if they are wrong or contradict each other.
    """
    if arguments.random_y and hasattr(arguments, 'fixed_y'):
        raise ConfigError('give --fixed-y or --random-y, not both')
    return config_from_args(RecordToroidalConfig, arguments)


def main(args: Sequence[str] | None = None) -> None:
    """Run the command."""
    arguments = build_parser().parse_args(args)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        config = config_of(arguments)
        if arguments.json is not None and arguments.json.is_dir():
            raise ConfigError(f'--json is {arguments.json}, which is a folder: name a file')
        result = record(config, quiet=arguments.quiet)
        if arguments.json is not None:
            write_json(arguments.json, result)
    except (BagError, ConfigError, OSError) as error:
        print(f'error: {error}', file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print('interrupted; sessions that are listed are complete', file=sys.stderr)
        sys.exit(INTERRUPTED)
    sys.exit(0)


def record(config: RecordToroidalConfig, *, quiet: bool) -> dict[str, Any]:
    """
    Record all sessions, and print one line for each.

    :raises BagError: if one of them exists; then none is recorded.
    """
    plans = plan_sessions(config)
    taken = [name for name in (plan.name for plan in plans) if (config.output_dir / name).exists()]
    if taken:
        raise BagError(
            f'{config.output_dir} has {", ".join(taken)} already, nothing is overwritten: '
            'choose another --output-dir'
        )
    hidden = quiet or not sys.stderr.isatty()
    sessions = []
    with tqdm(
        total=sum(plan.steps for plan in plans), unit='step', disable=hidden, leave=False
    ) as bar:
        for plan in plans:
            bar.set_description(plan.name)
            session = record_session(plan, config, on_step=bar.update)
            bar.clear()
            print(f'{plan.steps:6} steps  {session.frames:6} frames  {session.bag}', flush=True)
            sessions.append(_facts(session))
    return {'sessions': sessions, 'settings': config_to_dict(config)}


def _facts(session: RecordedSession) -> dict[str, Any]:
    plan = session.plan
    return {
        'name': plan.name,
        'purpose': plan.purpose,
        'bag': str(session.bag),
        'steps': plan.steps,
        'frames': session.frames,
        'events': session.events,
        'resets': session.resets,
    }


if __name__ == '__main__':
    main()

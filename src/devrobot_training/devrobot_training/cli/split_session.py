"""The command ``split_session``: one session into training and validation."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from devrobot_interfaces_py.configs import add_arguments, config_from_args, config_to_dict
from devrobot_interfaces_py.session_files import SUFFIX
from devrobot_training.cli.command import add_reading_options, make_parser, read_session, run
from devrobot_training.sessions.parts import all_or_none, write_part
from devrobot_training.sessions.splits import PartConfig, split_in_two

SPLITS = Path('saved/splits')


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = make_parser(
        'split_session',
        'Split a session in time: the first part trains, the rest validates. No frame is copied.',
        'saved/sessions/toroidal_dot/monday --train-ratio 0.8',
    )
    parser.add_argument('session', type=Path, help='bag or session file')
    parser.add_argument(
        '--output-dir', type=Path, help='where the two files go (default: saved/splits/<session>)'
    )
    add_arguments(parser, PartConfig)
    add_reading_options(parser)
    return parser


def main(args: Sequence[str] | None = None) -> None:
    """Run the command."""
    run(build_parser(), work, args)


def work(arguments: argparse.Namespace) -> dict[str, Any]:
    """Write the two session files; return what is in them."""
    config = config_from_args(PartConfig, arguments)
    session = read_session(arguments.session, arguments)
    stage = split_in_two(session, config)
    folder = arguments.output_dir or SPLITS / session.name
    made_by = {**told_by(arguments, 'split_session'), **config_to_dict(config)}
    parts = {
        folder / f'{session.name}_{name}{SUFFIX}': (name, part)
        for name, part in (('train', stage.train), ('validation', stage.validation))
    }
    result = {}
    with all_or_none(list(parts)):
        for path, (name, part) in parts.items():
            ranges = write_part(path, arguments.session, session, [part], made_by)
            result[name] = {
                'file': str(path),
                'transitions': part[1] - part[0],
                'ranges': [list(pair) for pair in ranges],
            }
            print(f'{name:10} {part[1] - part[0]:6} transitions  {path}')
    return result


def told_by(arguments: argparse.Namespace, command: str) -> dict[str, Any]:
    """Return what every session file says about how it was made."""
    return {
        'command': command,
        'skip_faulty': arguments.skip_faulty,
        'namespace': arguments.namespace,
    }


if __name__ == '__main__':
    main()

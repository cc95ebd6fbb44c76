"""The command ``split_session``: one session into training and validation."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from devrobot_interfaces_py.configs import add_arguments, config_from_args, config_to_dict
from devrobot_interfaces_py.session_files import SUFFIX, write_session_file
from devrobot_training.cli.command import add_reading_options, make_parser, progress_bar, run
from devrobot_training.sessions.opening import open_session
from devrobot_training.sessions.session import Session
from devrobot_training.sessions.splits import PartConfig, Range, split_in_two

SPLITS = Path('saved/splits')


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = make_parser(
        'split_session',
        'Split a session in time: the first part trains, the rest validates.',
        'saved/sessions/toroidal_dot/monday --train-ratio 0.8',
    )
    parser.add_argument('session', type=Path, help='a bag')
    parser.add_argument(
        '--output-dir', type=Path, help='where the two files go (default: saved/splits/<bag>)'
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
    with progress_bar('reading', quiet=arguments.quiet) as progress:
        session = open_session(
            arguments.session,
            namespace=arguments.namespace,
            skip_faulty=arguments.skip_faulty,
            progress=progress,
        )
    stage = split_in_two(session, config)
    folder = arguments.output_dir or SPLITS / session.name
    result = {}
    for name, part in (('train', stage.train), ('validation', stage.validation)):
        path = folder / f'{session.name}_{name}{SUFFIX}'
        made_by = {
            'command': 'split_session',
            'skip_faulty': arguments.skip_faulty,
            **config_to_dict(config),
        }
        write_part(path, session, [part], made_by)
        result[name] = {'file': str(path), 'ranges': [list(part)]}
        print(f'{name:10} {part[1] - part[0]:6} transitions  {path}')
    return result


def write_part(
    path: Path, session: Session, ranges: Sequence[Range], made_by: dict[str, Any]
) -> None:
    """Write a session file for some transitions of a whole bag."""
    write_session_file(
        path,
        bag=session.bag,
        digest=session.digest,
        action_space_digest=session.action_space.digest,
        ranges=ranges,
        made_by=made_by,
    )


if __name__ == '__main__':
    main()

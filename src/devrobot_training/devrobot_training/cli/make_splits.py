"""The command ``make_splits``: a session into training and validation in growing stages."""

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from devrobot_interfaces_py.atomic import write_json
from devrobot_interfaces_py.configs import add_arguments, config_from_args, config_to_dict
from devrobot_interfaces_py.session_files import SUFFIX
from devrobot_training.cli.command import add_reading_options, make_parser, progress_bar, run
from devrobot_training.cli.split_session import SPLITS, write_part
from devrobot_training.sessions.opening import open_session
from devrobot_training.sessions.session import Session, SessionError
from devrobot_training.sessions.splits import make_stages, SplitConfig, Stage


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = make_parser(
        'make_splits',
        'Make growing stages of a session: 10, 20, 40 … transitions, then all; '
        'the first part of each trains, the rest validates. No frame is copied.',
        'saved/sessions/toroidal_dot/monday --num-stages 4',
    )
    parser.add_argument('session', type=Path, help='a bag')
    parser.add_argument(
        '--output-dir', type=Path, help='where the files go (default: saved/splits/<bag>)'
    )
    add_arguments(parser, SplitConfig)
    add_reading_options(parser)
    return parser


def main(args: Sequence[str] | None = None) -> None:
    """Run the command."""
    run(build_parser(), work, args)


def work(arguments: argparse.Namespace) -> dict[str, Any]:
    """Write the session files of every stage; return the table of stages."""
    config = config_from_args(SplitConfig, arguments)
    with progress_bar('reading', quiet=arguments.quiet) as progress:
        session = open_session(
            arguments.session,
            namespace=arguments.namespace,
            skip_faulty=arguments.skip_faulty,
            progress=progress,
        )
    stages = make_stages(session, config)
    if all(stage.problem for stage in stages):
        raise SessionError(
            f'{session.name}: {len(session)} transitions are not enough for one stage: '
            f'{stages[-1].problem}; record more'
        )
    made_by = {
        'command': 'make_splits',
        'skip_faulty': arguments.skip_faulty,
        **config_to_dict(config),
    }
    folder = arguments.output_dir or SPLITS / session.name
    print(f'{"stage":>5} {"size":>7} {"train":>7} {"valid.":>7}  files')
    table = [_write(folder, session, stage, made_by) for stage in stages]
    result = {'session': session.name, 'bag': str(session.bag), 'stages': table}
    write_json(folder / 'splits.json', {**result, 'made_by': made_by})
    print(f'table: {folder / "splits.json"}')
    return result


def _write(
    folder: Path, session: Session, stage: Stage, made_by: dict[str, Any]
) -> dict[str, Any]:
    row: dict[str, Any] = {**asdict(stage), 'problem': stage.problem, 'files': {}}
    if not stage.problem:
        for name, part in (('train', stage.train), ('validation', stage.validation)):
            path = folder / f'stage_{stage.number:02}_{name}{SUFFIX}'
            write_part(path, session, [part], {**made_by, 'stage': stage.number})
            row['files'][name] = path.name
    sizes = [part[1] - part[0] for part in (stage.train, stage.validation)]
    told = stage.problem or f'{folder}/stage_{stage.number:02}_*'
    print(f'{stage.number:5} {stage.size:7} {sizes[0]:7} {sizes[1]:7}  {told}')
    return row


if __name__ == '__main__':
    main()

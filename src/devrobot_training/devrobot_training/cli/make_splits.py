"""The command ``make_splits``: a session into training and validation in growing stages."""

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
import re
from typing import Any

from devrobot_interfaces_py.atomic import write_json
from devrobot_interfaces_py.configs import add_arguments, config_from_args, config_to_dict
from devrobot_interfaces_py.session_files import SUFFIX
from devrobot_training.cli.command import add_reading_options, make_parser, read_session, run
from devrobot_training.cli.split_session import SPLITS, told_by
from devrobot_training.sessions.parts import all_or_none, write_part
from devrobot_training.sessions.session import Session, SessionError
from devrobot_training.sessions.splits import make_stages, SplitConfig, Stage

TABLE = 'splits.json'
STAGE_FILE = re.compile(rf'stage_\d+_(train|validation){re.escape(SUFFIX)}')


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = make_parser(
        'make_splits',
        'Make growing stages of a session: 10, 20, 40 … transitions, then all; '
        'the first part of each trains, the rest validates. No frame is copied.',
        'saved/sessions/toroidal_dot/monday --num-stages 4',
    )
    parser.add_argument('session', type=Path, help='bag or session file')
    parser.add_argument(
        '--output-dir',
        type=Path,
        help='where the files go; those of earlier stages there are replaced '
        '(default: saved/splits/<session>)',
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
    session = read_session(arguments.session, arguments)
    stages = make_stages(session, config)
    if all(stage.problem for stage in stages):
        raise SessionError(
            f'{session.name}: {len(session)} transitions are not enough for one stage: '
            f'{stages[-1].problem}; record more'
        )
    made_by = {**told_by(arguments, 'make_splits'), **config_to_dict(config)}
    folder = arguments.output_dir or SPLITS / session.name
    rows = [
        {**asdict(stage), 'problem': stage.problem, 'files': _files(stage)} for stage in stages
    ]
    result = {'session': session.name, 'bag': str(session.bag), 'stages': rows}
    _write(folder, arguments.session, session, result, made_by)
    print(f'{"stage":>5} {"size":>7} {"train":>7} {"valid.":>7}  files')
    for stage in stages:
        sizes = [part[1] - part[0] for part in (stage.train, stage.validation)]
        told = stage.problem or f'{folder}/stage_{stage.number:02}_*'
        print(f'{stage.number:5} {stage.size:7} {sizes[0]:7} {sizes[1]:7}  {told}')
    print(f'table: {folder / TABLE}')
    return result


def _files(stage: Stage) -> dict[str, str]:
    if stage.problem:
        return {}
    return {name: f'stage_{stage.number:02}_{name}{SUFFIX}' for name in ('train', 'validation')}


def _write(
    folder: Path, source: Path, session: Session, result: dict[str, Any], made_by: dict[str, Any]
) -> None:
    """Write all files, the table last, in place of what earlier stages left."""
    earlier = [path for path in folder.glob(f'*{SUFFIX}') if STAGE_FILE.fullmatch(path.name)]
    new = [folder / name for row in result['stages'] for name in row['files'].values()]
    with all_or_none([folder / TABLE, *{*earlier, *new}]):
        for path in (folder / TABLE, *earlier):
            path.unlink(missing_ok=True)
        for row in result['stages']:
            facts = {**made_by, 'stage': row['number']}
            for name, file in row['files'].items():
                write_part(folder / file, source, session, [row[name]], facts)
        write_json(folder / TABLE, {**result, 'made_by': made_by})


if __name__ == '__main__':
    main()

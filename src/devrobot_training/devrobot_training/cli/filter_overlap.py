"""The command ``filter_overlap``: a validation without what training has seen."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from devrobot_interfaces_py.session_files import SUFFIX
from devrobot_training.cli.command import add_reading_options, make_parser, progress_bar, run
from devrobot_training.cli.split_session import SPLITS, write_part
from devrobot_training.sessions.opening import open_session
from devrobot_training.sessions.overlap import filter_overlap
from devrobot_training.sessions.pairs import latest_pair, whole_ranges
from devrobot_training.sessions.session import Session, SessionError


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = make_parser(
        'filter_overlap',
        'Drop the validation transitions whose picture and action occur in training. '
        'Without arguments: of the latest pair of files or bags that are named alike.',
        'saved/splits/monday/monday_train.session.json '
        'saved/splits/monday/monday_validation.session.json',
    )
    parser.add_argument('train', type=Path, nargs='?', help='session file or bag')
    parser.add_argument('validation', type=Path, nargs='?', help='session file or bag')
    parser.add_argument(
        '--search-dir',
        type=Path,
        action='append',
        help='where the latest pair is looked for (default: saved/splits and saved/sessions)',
    )
    parser.add_argument(
        '--output',
        type=Path,
        metavar='FILE',
        help=f'the filtered session file, *{SUFFIX} '
        '(default: <validation>_filtered beside the validation file)',
    )
    add_reading_options(parser)
    return parser


def main(args: Sequence[str] | None = None) -> None:
    """Run the command."""
    run(build_parser(), work, args)


def work(arguments: argparse.Namespace) -> dict[str, Any]:
    """Write the filtered session file; return what was dropped."""
    paths = _paths(arguments)
    sessions: list[Session] = []
    for path in paths:
        with progress_bar(f'reading {path.name}', quiet=arguments.quiet) as progress:
            sessions.append(
                open_session(
                    path,
                    namespace=arguments.namespace,
                    skip_faulty=arguments.skip_faulty,
                    progress=progress,
                )
            )
    training, validation = sessions
    filtered = filter_overlap(training, validation)
    told = f'{filtered.dropped} of {len(validation)} validation transitions occur in training'
    if not filtered.kept:
        raise SessionError(f'{told}: nothing is left to validate on; record elsewhere')
    output = arguments.output or _default_output(paths[1], validation)
    made_by = {
        'command': 'filter_overlap',
        'training': str(paths[0]),
        'validation': str(paths[1]),
        'dropped': filtered.dropped,
        'skip_faulty': arguments.skip_faulty,
    }
    write_part(output, validation, whole_ranges(paths[1], filtered.kept), made_by)
    kept = len(validation) - filtered.dropped
    print(f'training    {paths[0]}\nvalidation  {paths[1]}')
    print(f'{told}; {kept} are left, in {len(filtered.kept)} pieces\nwritten     {output}')
    return {**made_by, 'kept': kept, 'pieces': len(filtered.kept), 'file': str(output)}


def _paths(arguments: argparse.Namespace) -> tuple[Path, Path]:
    if arguments.train is not None and arguments.validation is not None:
        return arguments.train, arguments.validation
    if arguments.train is not None:
        raise SessionError('name both, training and validation, or none of them')
    folders = arguments.search_dir or [SPLITS, Path('saved/sessions')]
    pair = latest_pair(folders)
    print(f'latest pair: {pair[0]} and {pair[1]}')
    return pair


def _default_output(path: Path, validation: Session) -> Path:
    name = f'{validation.name}_filtered{SUFFIX}'
    return path.with_name(name) if path.name.endswith(SUFFIX) else SPLITS / validation.name / name


if __name__ == '__main__':
    main()

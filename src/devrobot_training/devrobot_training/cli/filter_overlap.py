"""The command ``filter_overlap``: a validation without what training has seen."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from devrobot_interfaces_py.configs import add_arguments, config_from_args, config_to_dict
from devrobot_interfaces_py.session_files import SUFFIX
from devrobot_training.cli.command import (
    add_reading_options,
    check_target,
    make_parser,
    progress_bar,
    read_session,
    run,
)
from devrobot_training.cli.split_session import SPLITS, told_by
from devrobot_training.sessions.overlap import filter_overlap
from devrobot_training.sessions.pairs import FILTERED, latest_pair
from devrobot_training.sessions.parts import write_part
from devrobot_training.sessions.session import Session, SessionError
from devrobot_training.sessions.splits import CanvasConfig, count_canvases


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = make_parser(
        'filter_overlap',
        'Drop the validation transitions whose picture and action occur in training. '
        'Without arguments: of the latest pair of files or bags that are named alike.',
        'saved/splits/monday/monday_train.session.json '
        'saved/splits/monday/monday_validation.session.json',
    )
    parser.add_argument('train', type=Path, nargs='?', help='bag or session file')
    parser.add_argument('validation', type=Path, nargs='?', help='bag or session file')
    parser.add_argument(
        '--search-dir',
        type=Path,
        action='append',
        help='where the latest pair is looked for; may be given several times '
        '(default: saved/splits and saved/sessions)',
    )
    parser.add_argument(
        '--output',
        type=Path,
        metavar='FILE',
        help=f'the filtered session file, *{SUFFIX} (default: <validation>{FILTERED} beside the '
        'validation file, for a bag in saved/splits/<bag>)',
    )
    add_arguments(parser, CanvasConfig)
    add_reading_options(parser)
    return parser


def main(args: Sequence[str] | None = None) -> None:
    """Run the command."""
    run(build_parser(), work, args)


def work(arguments: argparse.Namespace) -> dict[str, Any]:
    """Write the filtered session file; return what was dropped."""
    config = config_from_args(CanvasConfig, arguments)
    paths = _paths(arguments)
    _check_output(arguments.output, paths)
    print(f'training    {paths[0]}\nvalidation  {paths[1]}', flush=True)
    training, validation = (read_session(path, arguments) for path in paths)
    with progress_bar('comparing', quiet=arguments.quiet, unit='frame') as progress:
        filtered = filter_overlap(training, validation, progress)
    told = f'{filtered.dropped} of {len(validation)} validation transitions occur in training'
    canvases = count_canvases(validation, filtered.kept, config)
    if not canvases:
        what = 'nothing' if not filtered.kept else f'no whole canvas of {config.history} frames'
        raise SessionError(f'{told}: {what} is left to validate on; record elsewhere, or longer')
    made_by = {
        **told_by(arguments, 'filter_overlap'),
        **config_to_dict(config),
        'training': str(paths[0]),
        'dropped': filtered.dropped,
    }
    output = arguments.output or _default_output(paths[1], validation)
    ranges = write_part(output, paths[1], validation, filtered.kept, made_by)
    kept = len(validation) - filtered.dropped
    left = validation.select(filtered.kept).action_counts
    counts = ', '.join(f'{count} {label}' for label, count in left.items())
    print(f'{told}; left: {counts}; pieces: {len(ranges)}\nwritten     {output}')
    return {
        'training': str(paths[0]),
        'validation': str(paths[1]),
        'dropped': filtered.dropped,
        'kept': kept,
        'action_counts': left,
        'pieces': len(ranges),
        'canvases': canvases,
        'file': str(output),
    }


def _paths(arguments: argparse.Namespace) -> tuple[Path, Path]:
    if arguments.validation is not None:
        return arguments.train, arguments.validation
    if arguments.train is not None:
        raise SessionError('name both, training and validation, or none of them')
    return latest_pair(arguments.search_dir or [SPLITS, Path('saved/sessions')])


def _check_output(output: Path | None, paths: Sequence[Path]) -> None:
    """Refuse before bags are read what would fail, or destroy what is read, afterwards."""
    if output is None:
        return
    if not output.name.endswith(SUFFIX):
        raise SessionError(f'--output is {output}: the name of a session file ends in {SUFFIX}')
    if output.resolve() in [path.resolve() for path in paths]:
        raise SessionError(f'--output is {output}, which is to be read: choose another name')
    check_target('--output', output)


def _default_output(path: Path, validation: Session) -> Path:
    name = f'{validation.name}{FILTERED}{SUFFIX}'
    return path.with_name(name) if path.name.endswith(SUFFIX) else SPLITS / validation.name / name


if __name__ == '__main__':
    main()

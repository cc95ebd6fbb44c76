"""The command ``import_sessions``: sessions of an earlier format as bags."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from devrobot_training.cli.command import make_parser, progress_bar, run
from devrobot_training.sessions.reference_format import import_session, META, read_source
from devrobot_training.sessions.session import SessionError

SESSIONS = Path('saved/sessions')


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = make_parser(
        'import_sessions',
        f'Turn session folders with {META}, events_shard_NNN.jsonl and frames/*.jpg into bags; '
        'the JPEG files go in unchanged.',
        'old/recordings/session_20250101_120000',
    )
    parser.add_argument(
        'sources', type=Path, nargs='+', help='session folders, or folders that hold several'
    )
    parser.add_argument(
        '--output-dir',
        type=Path,
        default=SESSIONS,
        help=f'where <robot type>/<session> goes (default: {SESSIONS})',
    )
    return parser


def main(args: Sequence[str] | None = None) -> None:
    """Run the command."""
    run(build_parser(), work, args)


def work(arguments: argparse.Namespace) -> dict[str, Any]:
    """Write one bag per session; return what became of each."""
    folders = [folder for path in arguments.sources for folder in find(path)]
    sources = [read_source(folder) for folder in folders]
    targets = [arguments.output_dir / source.robot_type / source.name for source in sources]
    for number, target in enumerate(targets):
        if target in targets[:number]:
            raise SessionError(f'{folders[number]}: {target} is the name of another one, too')
        if target.exists():
            raise SessionError(f'{target}: exists already; move it away, or use --output-dir')
    results = []
    for source, target in zip(sources, targets, strict=True):
        with progress_bar(source.name, quiet=arguments.quiet, unit='step') as progress:
            done = import_session(source, target, progress)
        left_out = ', '.join(f'{count} {reason}' for reason, count in done.left_out.items())
        told = [f'{done.frames} frames, {done.actions} actions', left_out, *source.notes]
        print(f'{target}: {"; ".join(filter(None, told))}')
        results.append(
            {
                'source': str(source.folder),
                'bag': str(target),
                'frames': done.frames,
                'actions': done.actions,
                'left_out': dict(done.left_out),
                'notes': list(source.notes),
            }
        )
    return {'sessions': results}


def find(path: Path) -> list[Path]:
    """
    Return the session folders at or below ``path``.

    :raises SessionError: if there is none.
    """
    if (path / META).exists():
        return [path]
    found = sorted(entry.parent for entry in path.glob(f'*/{META}'))
    if not found:
        raise SessionError(f'{path}: no session there: no {META} in it, nor in its folders')
    return found


if __name__ == '__main__':
    main()

"""The command ``import_sessions``: sessions of an earlier format as bags."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from devrobot_training.cli.command import make_parser, progress_bar, run
from devrobot_training.sessions.reference_format import META, read_source, Source
from devrobot_training.sessions.reference_import import import_session, Imported
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
        'sources', type=Path, nargs='+', help='session folders, or folders above several'
    )
    parser.add_argument(
        '--output-dir',
        type=Path,
        default=SESSIONS,
        help=f'where <robot type>/<session> goes (default: {SESSIONS})',
    )
    parser.add_argument(
        '--skip-existing',
        action='store_true',
        help='leave out sessions whose bag exists already, instead of stopping',
    )
    return parser


def main(args: Sequence[str] | None = None) -> None:
    """Run the command."""
    run(build_parser(), work, args)


def work(arguments: argparse.Namespace) -> dict[str, Any]:
    """Write one bag per session; return what became of each."""
    results = []
    for source, target in _plan(arguments):
        with progress_bar(source.name, quiet=arguments.quiet, unit='step') as progress:
            done = import_session(source, target, progress)
        print(f'{target}: {_told(source, done)}', flush=True)
        results.append(
            {
                'source': str(source.folder),
                'bag': str(target),
                'frames': done.frames,
                'actions': done.actions,
                'gaps': done.gaps,
                'left_out': dict(done.left_out),
                'odd': dict(done.odd),
                'notes': list(source.notes),
            }
        )
    return {'sessions': results}


def find(path: Path) -> list[Path]:
    """
    Return the session folders at or below ``path``.

    :raises SessionError: if there is none.
    """
    found = sorted(entry.parent for entry in path.rglob(META))
    if not found:
        raise SessionError(f'{path}: no session there: no {META} in it, nor in its folders')
    return found


def _plan(arguments: argparse.Namespace) -> list[tuple[Source, Path]]:
    """Return what to import and where to, checked before anything is written."""
    plan: dict[Path, Source] = {}
    for folder in (folder for path in arguments.sources for folder in find(path)):
        source = read_source(folder)
        target = arguments.output_dir / source.robot_type / source.name
        if target in plan:
            raise SessionError(
                f'{folder} and {plan[target].folder} would both become {target}; '
                'import them with different --output-dir'
            )
        if target.exists() and arguments.skip_existing:
            print(f'{target}: exists already')
            continue
        if target.exists():
            raise SessionError(
                f'{target}: exists already, nothing is overwritten; use --skip-existing, or '
                'another --output-dir'
            )
        plan[target] = source
    return [(source, target) for target, source in plan.items()]


def _told(source: Source, done: Imported) -> str:
    left_out = [f'{count} {reason}' for reason, count in done.left_out.items()]
    odd = [f'{count} {reason}' for reason, count in done.odd.items()]
    told = [f'{done.frames} frames, {done.actions} actions']
    told += [f'left out: {", ".join(left_out)}'] if left_out else []
    told += [f'steps are missing at {done.gaps} places'] if done.gaps else []
    return '; '.join([*told, *odd, *source.notes])


if __name__ == '__main__':
    main()

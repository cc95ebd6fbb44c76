"""The command ``session_info``: what is in a session, as a table and as a picture."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from devrobot_interfaces_py.atomic import atomic_path
from devrobot_interfaces_py.configs import add_arguments, config_from_args
from devrobot_training.cli.command import add_reading_options, make_parser, progress_bar, run
from devrobot_training.sessions.cache import bag_files
from devrobot_training.sessions.contact_sheet import contact_sheet, SheetConfig
from devrobot_training.sessions.opening import open_session
from devrobot_training.sessions.session import Session

PICTURES = Path('saved/session_info')


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = make_parser(
        'session_info',
        'Show what is in sessions: frames, transitions, what did not pair, actions; '
        'and a picture of frames with the actions between them.',
        'saved/sessions/toroidal_dot/monday',
    )
    parser.add_argument('sessions', type=Path, nargs='+', help='bags or session files')
    parser.add_argument(
        '--contact-sheet',
        type=Path,
        metavar='FILE',
        help='where the picture goes, of one session (default: saved/session_info/<name>.png)',
    )
    parser.add_argument('--no-picture', action='store_true', help='make no picture')
    add_arguments(parser, SheetConfig)
    add_reading_options(parser)
    return parser


def main(args: Sequence[str] | None = None) -> None:
    """Run the command."""
    run(build_parser(), work, args)


def work(arguments: argparse.Namespace) -> dict[str, Any]:
    """Print the table of each session; return the figures."""
    config = config_from_args(SheetConfig, arguments)
    results = []
    for number, path in enumerate(arguments.sessions):
        with progress_bar(f'reading {path.name}', quiet=arguments.quiet) as progress:
            session = open_session(
                path,
                namespace=arguments.namespace,
                skip_faulty=arguments.skip_faulty,
                progress=progress,
            )
        result = describe(session)
        if number:
            print()
        print(table(session, result))
        if not arguments.no_picture:
            result['contact_sheet'] = str(_picture(arguments, session, config))
            print(f'{"picture":18}{result["contact_sheet"]}')
        results.append(result)
    return results[0] if len(results) == 1 else {'sessions': results}


def describe(session: Session) -> dict[str, Any]:
    """Return the figures of a session as JSON data."""
    height, width = (int(side) for side in session.frames.shape[1:3])
    return {
        'name': session.name,
        'session_id': session.info.session_id,
        'robot_name': session.action_space.robot_name,
        'robot_type': session.action_space.robot_type,
        'bag': str(session.bag),
        'digest': session.digest,
        'size_bytes': sum(path.stat().st_size for path in bag_files(session.bag)),
        'frames': session.observed_frames,
        'frames_used': len(session.frames),
        'image_size': {'height': height, 'width': width},
        'transitions': len(session),
        'chains': session.chain_count,
        'unpaired': dict(session.unpaired),
        'action_counts': session.action_counts,
        'duration': session.duration_s,
        'selector': session.info.selector,
        'action_space': {
            'digest': session.action_space.digest,
            'actions': [
                {
                    'label': action.label,
                    'duration': action.duration_s,
                    'separator_color': list(action.separator_color),
                    'parameters': dict(action.parameters),
                }
                for action in session.action_space.actions
            ],
        },
        'notes': list(session.notes),
    }


def table(session: Session, result: dict[str, Any]) -> str:
    """Return the figures for people."""
    total = max(1, len(session))
    actions = [
        f'{label:16}{count:8}  {100 * count / total:5.1f} %'
        for label, count in result['action_counts'].items()
    ]
    unpaired = [f'{count:8}  {reason}' for reason, count in result['unpaired'].items()]
    size = result['image_size']
    rows: list[tuple[str, list[str]]] = [
        ('session', [f'{session.name} ({result["session_id"]})']),
        ('robot', [f'{result["robot_name"]} ({result["robot_type"]})']),
        ('bag', [f'{session.bag}, {result["size_bytes"] / 1e6:.1f} MB']),
        ('duration', [f'{session.duration_s:.1f} s']),
        (
            'frames',
            [f'{result["frames"]}, {result["frames_used"]} of them used, '
             f'{size["width"]}x{size["height"]} px'],
        ),
        ('transitions', [f'{len(session)} in {result["chains"]} chains']),
        ('not paired', unpaired or ['nothing']),
        ('actions', actions),
        ('action space', [result['action_space']['digest']]),
        ('notes', result['notes'] or ['none']),
    ]  # fmt: skip
    lines = []
    for name, values in rows:
        lines += [f'{name if not index else "":18}{text}' for index, text in enumerate(values)]
    return '\n'.join(lines)


def _picture(arguments: argparse.Namespace, session: Session, config: SheetConfig) -> Path:
    path = arguments.contact_sheet
    if path is None or len(arguments.sessions) > 1:
        folder = PICTURES if path is None else path.parent
        path = folder / f'{session.name}.png'
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as temporary:
        contact_sheet(session, config).savefig(temporary, format='png')
    return path


if __name__ == '__main__':
    main()

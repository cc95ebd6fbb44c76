"""The command ``session_info``: what is in a session, as a table and as a picture."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from devrobot_interfaces_py.atomic import atomic_path
from devrobot_interfaces_py.configs import add_arguments, config_from_args
from devrobot_interfaces_py.session_files import SessionFile
from devrobot_training.cli.command import (
    add_reading_options,
    check_picture,
    make_parser,
    read_session,
    run,
)
from devrobot_training.sessions.cache import bag_files
from devrobot_training.sessions.contact_sheet import contact_sheet, SheetConfig
from devrobot_training.sessions.parts import session_file_of
from devrobot_training.sessions.session import Session, SessionError

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
    _check_picture(arguments)
    sessions = [(path, read_session(path, arguments)) for path in arguments.sessions]
    results: list[dict[str, Any]] = []
    for path, session in sessions:
        result = describe(session, session_file_of(path))
        if results:
            print()
        print(table(result), flush=True)
        if not arguments.no_picture:
            taken = [earlier['contact_sheet'] for earlier in results]
            picture = arguments.contact_sheet or _free_name(session.name, taken)
            with atomic_path(picture) as temporary:
                contact_sheet(session, config).savefig(temporary, format='png')
            result['contact_sheet'] = str(picture)
            print(f'{"picture":18}{picture}')
        results.append(result)
    return results[0] if len(results) == 1 else {'sessions': results}


def _check_picture(arguments: argparse.Namespace) -> None:
    path = arguments.contact_sheet
    if path is None:
        return
    if arguments.no_picture:
        raise SessionError('give --contact-sheet or --no-picture, not both')
    if len(arguments.sessions) > 1:
        raise SessionError(
            f'--contact-sheet names one file for {len(arguments.sessions)} sessions: leave it '
            f'out, the pictures go to {PICTURES}'
        )
    check_picture('--contact-sheet', path)


def _free_name(name: str, taken: Sequence[str]) -> Path:
    """Return where a picture goes; sessions of different robots may have one name."""
    path, number = PICTURES / f'{name}.png', 2
    while str(path) in taken:
        path, number = PICTURES / f'{name}_{number}.png', number + 1
    return path


def describe(session: Session, part: SessionFile | None = None) -> dict[str, Any]:
    """Return the figures of a session, or of a part of one, as JSON data."""
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
        'frames_used': session.used_frames,
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
        'part': None if part is None else _describe_part(part, session),
        'notes': list(session.notes),
    }


def _describe_part(part: SessionFile, session: Session) -> dict[str, Any]:
    ranges = [(0, len(session))] if part.ranges is None else part.ranges
    return {
        'file': str(part.path),
        'ranges': [list(pair) for pair in ranges],
        'made_by': dict(part.made_by),
    }


def table(result: Mapping[str, Any]) -> str:
    """Return the figures for people."""
    total = max(1, result['transitions'])
    width = max(map(len, result['action_counts']))
    actions = [
        f'{count:8}  {label:{width}}  {100 * count / total:5.1f} %'
        for label, count in result['action_counts'].items()
    ]
    unpaired = [f'{count:8}  {reason}' for reason, count in result['unpaired'].items()]
    size = f'{result["image_size"]["width"]}x{result["image_size"]["height"]} px'
    rows: list[tuple[str, list[str]]] = [
        ('session', [f'{result["name"]} ({result["session_id"]})']),
        ('robot', [f'{result["robot_name"]} ({result["robot_type"]})']),
        ('bag', [f'{result["bag"]}, {result["size_bytes"] / 1e6:.1f} MB']),
        ('part', _part_lines(result['part'])),
        ('duration', [f'{result["duration"]:.1f} s']),
        ('frames', [f'{result["frames"]}, {result["frames_used"]} of them used, {size}']),
        ('transitions', [f'{result["transitions"]} in {result["chains"]} chains']),
        ('not paired', unpaired or ['nothing']),
        ('actions', actions),
        ('action space', [result['action_space']['digest']]),
        ('notes', result['notes'] or ['none']),
    ]
    if result['part'] is not None:
        rows = [row for row in rows if row[0] != 'not paired']  # known of whole bags only
    lines = []
    for name, values in rows:
        lines += [f'{name if not index else "":18}{text}' for index, text in enumerate(values)]
    return '\n'.join(lines)


def _part_lines(part: Mapping[str, Any] | None) -> list[str]:
    if part is None:
        return []
    ranges, shown = part['ranges'], 4
    told = ', '.join(f'{begin} to {end - 1}' for begin, end in ranges[:shown])
    more = f' and {len(ranges) - shown} more' if len(ranges) > shown else ''
    command = part['made_by'].get('command')
    return [f'transitions {told}{more}' + (f', made by {command}' if command else '')]


if __name__ == '__main__':
    main()

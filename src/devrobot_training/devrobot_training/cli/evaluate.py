"""The command ``evaluate``: how good a checkpoint is on a recorded session."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devrobot_interfaces_py.configs import add_arguments, check_ranges, config_from_args, param
from devrobot_training.cli.command import (
    add_reading_options,
    check_folder,
    make_parser,
    progress_bar,
    read_session,
    run,
)
from devrobot_training.data.canvases import CanvasSet, make_canvases
from devrobot_training.evaluation.config import EvaluationConfig
from devrobot_training.evaluation.page import verdict
from devrobot_training.evaluation.result import to_dict
from devrobot_training.evaluation.subject import load_subject, Subject
from devrobot_training.pages.numbers import number, percent
from devrobot_training.sessions.session import check_same_action_space
import torch

GIGABYTE = 10**9
MEASURED = ('plain', 'hybrid', 'psnr', 'exact', 'ssim')


@dataclass(frozen=True, kw_only=True)
class CommandConfig(EvaluationConfig):
    """What is measured, and what that may take."""

    threads: int = param(
        1, 'CPU threads of the model; more than one pays only on an idle host', minimum=1
    )
    memory_gb: float = param(
        4.0, 'frames up to this size are kept in memory', minimum=0.0, maximum=4096.0
    )

    def __post_init__(self) -> None:
        check_ranges(self)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = make_parser(
        'evaluate',
        'Measure a checkpoint on a session: losses beside trivial predictions, what it expects of '
        'the actions not taken, and how far it can imagine. Writes evaluation.json, pictures and '
        'report.html.',
        'saved/sessions/toroidal_dot/validation_01 --checkpoint runs/walk/monday/checkpoints/best',
    )
    parser.add_argument('session', type=Path, help='bag or session file')
    parser.add_argument(
        '--checkpoint', type=Path, required=True, metavar='FOLDER', help='checkpoint to measure'
    )
    parser.add_argument(
        '--train-session', type=Path, help='session of the training, for the mean frame'
    )
    parser.add_argument(
        '--output-dir',
        type=Path,
        help='where the files go (default: evaluations/<checkpoint>/<session> beside the folder '
        'checkpoints)',
    )
    parser.add_argument(
        '--device', default='auto', help='auto, cpu, cuda or cuda:N (default auto)'
    )
    add_arguments(parser, CommandConfig)
    add_reading_options(parser)
    return parser


def main(args: Sequence[str] | None = None) -> None:
    """Run the command."""
    run(build_parser(), work, args)


def work(arguments: argparse.Namespace) -> dict[str, Any]:
    """Evaluate; return what was measured."""
    config = config_from_args(CommandConfig, arguments)
    if arguments.output_dir is not None:
        check_folder('--output-dir', arguments.output_dir)
    torch.set_num_threads(config.threads)
    subject = load_subject(arguments.checkpoint, arguments.device)
    limit = int(config.memory_gb * GIGABYTE)
    session = _canvases(arguments.session, arguments, subject, limit)
    train = None
    if arguments.train_session is not None:
        train = _canvases(arguments.train_session, arguments, subject, limit)
        check_same_action_space([*session.sessions, *train.sessions])
    with progress_bar('evaluating', quiet=arguments.quiet, unit='canvas') as progress:
        evaluation = subject.measure(session, config, train=train, progress=progress)
    page = subject.write(evaluation, arguments.session, arguments.output_dir)
    data = to_dict(evaluation)
    print(_table(data))
    print(f'\n{verdict(data)}\nreport: {page}')
    return {**data, 'checkpoint': str(subject.path), 'report': str(page)}


def _canvases(
    path: Path, arguments: argparse.Namespace, subject: Subject, limit: int
) -> CanvasSet:
    session = read_session(path, arguments)
    return make_canvases([session], subject.layout, memory_bytes=limit)


def _table(data: dict[str, Any]) -> str:
    """Return the figures for people."""
    rows = [['', 'plain', 'hybrid', 'PSNR', 'exact', 'SSIM']]
    names = (
        ('model', ''),
        ('copy last frame', '_copy_last'),
        ('mean frame', '_mean_frame'),
        ('best grey', '_grey'),
        ('all black', '_black'),
    )
    for label, suffix in names:
        values = (data[f'{name}{suffix}'] for name in MEASURED)
        rows.append([label, *map(number, values)])
    lines = [f'{row[0]:18}' + ''.join(f'{cell:>14}' for cell in row[1:]) for row in rows]
    if data['within_2px'] is not None:
        for label, name in (
            ('dot within 2 px', 'within_2px'),
            ('action not taken', 'counterfactual_within_2px'),
            ('after 5 steps', 'rollout5_within_2px'),
            ('after 10 steps', 'rollout10_within_2px'),
        ):
            lines.append(f'{label:18}{percent(data[name]):>14}')
    return '\n'.join(lines)


if __name__ == '__main__':
    main()

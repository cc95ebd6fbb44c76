"""The command ``evaluate``: how good a checkpoint is on a recorded session."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from devrobot_interfaces_py.configs import (
    add_arguments,
    config_from_args,
    config_from_dict,
    ConfigError,
)
from devrobot_training.cli.command import (
    add_reading_options,
    make_parser,
    progress_bar,
    read_session,
    run,
)
from devrobot_training.data.canvases import CanvasSet, make_canvases
from devrobot_training.evaluation.config import EvaluationConfig
from devrobot_training.evaluation.evaluate import evaluate
from devrobot_training.evaluation.files import write_evaluation
from devrobot_training.evaluation.page import number, percent, verdict
from devrobot_training.evaluation.result import to_dict
from devrobot_training.sessions.session import check_same_action_space
from devrobot_world_model.canvas.layout import CanvasLayout
from devrobot_world_model.checkpoint_names import CheckpointError
from devrobot_world_model.config import WorldModelConfig
from devrobot_world_model.learning.restoring import load_model
import torch

CHECKPOINTS, EVALUATIONS = 'checkpoints', 'evaluations'
GIGABYTE = 10**9


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
    parser.add_argument(
        '--threads',
        type=int,
        default=1,
        help='CPU threads of the model; more than one pays only on an idle host (default 1)',
    )
    parser.add_argument(
        '--memory-gb', type=float, default=4.0, help='frames up to this size are kept in memory'
    )
    add_arguments(parser, EvaluationConfig)
    add_reading_options(parser)
    return parser


def main(args: Sequence[str] | None = None) -> None:
    """Run the command."""
    run(build_parser(), work, args)


def work(arguments: argparse.Namespace) -> dict[str, Any]:
    """Evaluate; return what was measured."""
    config = config_from_args(EvaluationConfig, arguments)
    if arguments.threads < 1:
        raise ConfigError(f'--threads must be at least 1, got {arguments.threads}')
    torch.set_num_threads(arguments.threads)
    path = arguments.checkpoint
    if not path.name:
        raise CheckpointError(f'{path} names no checkpoint: give its folder')
    model, loaded = load_model(path.parent, path.name, arguments.device)
    own = config_from_dict(WorldModelConfig, loaded.config)
    layout = CanvasLayout.from_config(own)
    session = _canvases(arguments.session, arguments, layout)
    train = None
    if arguments.train_session is not None:
        train = _canvases(arguments.train_session, arguments, layout)
        check_same_action_space([*session.sessions, *train.sessions])
    with progress_bar('evaluating', quiet=arguments.quiet, unit='canvas') as progress:
        evaluation = evaluate(
            model,
            session,
            config,
            loss=own.loss,
            precision=own.optimizer.precision,
            train=train,
            progress=progress,
        )
    folder = arguments.output_dir or default_folder(path, session.name)
    facts = {
        'session': str(arguments.session),
        'checkpoint': str(path),
        'step': str(loaded.counters.get('optimizer_step', 0)),
    }
    page = write_evaluation(evaluation, folder, title=f'{session.name}: {path.name}', facts=facts)
    data = to_dict(evaluation)
    print(_table(data))
    print(f'\n{verdict(data)}\nreport: {page}')
    return {**data, 'checkpoint': str(path), 'report': str(page)}


def default_folder(checkpoint: Path, session: str) -> Path:
    """
    Return where an evaluation goes: beside the checkpoints, so that no two runs share it.

    ``runs/walk/monday/checkpoints/best`` gives ``runs/walk/monday/evaluations/best/<session>``,
    ``saved/checkpoints/jetbot/mine`` gives ``saved/evaluations/jetbot/mine/<session>``.
    """
    parts = checkpoint.absolute().parent.parts
    if CHECKPOINTS in parts[-2:]:
        place = len(parts) - 1 - parts[::-1].index(CHECKPOINTS)
        parts = (*parts[:place], EVALUATIONS, *parts[place + 1 :])
    else:
        parts = (*parts[:-1], EVALUATIONS, parts[-1])
    folder = Path(*parts, checkpoint.name, session)
    # As the user wrote it: relative to here where the checkpoint was.
    here = Path.cwd()
    inside = not checkpoint.is_absolute() and folder.is_relative_to(here)
    return folder.relative_to(here) if inside else folder


def _canvases(path: Path, arguments: argparse.Namespace, layout: CanvasLayout) -> CanvasSet:
    session = read_session(path, arguments)
    return make_canvases([session], layout, memory_bytes=int(arguments.memory_gb * GIGABYTE))


def _table(data: dict[str, Any]) -> str:
    """Return the figures for people."""
    rows = [['', 'plain', 'hybrid', 'PSNR', 'SSIM']]
    names = (
        ('model', ''),
        ('copy last frame', '_copy_last'),
        ('mean frame', '_mean_frame'),
        ('best grey', '_grey'),
        ('all black', '_black'),
    )
    for label, suffix in names:
        values = (data[f'{name}{suffix}'] for name in ('plain', 'hybrid', 'psnr', 'ssim'))
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

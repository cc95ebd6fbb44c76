"""The command ``overfit``: can this model memorise a few canvases at all."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from devrobot_interfaces_py.atomic import atomic_path
from devrobot_interfaces_py.configs import add_arguments, config_from_args
from devrobot_training.cli.command import (
    add_reading_options,
    check_picture,
    INTERRUPTED,
    make_parser,
    Outcome,
    progress_bar,
    read_session,
    run,
    stop_signals,
    STOPPING,
)
from devrobot_training.cli.train_settings import base_of
from devrobot_training.evaluation.pictures import draw_memorised
from devrobot_training.fit.config import DEFAULT_PRESET, TrainConfig
from devrobot_training.fit.overfit import Memorised, overfit, OverfitConfig, USED, verdict
from devrobot_training.fit.training import canvases_of
from devrobot_training.logs.metrics_log import finite
from devrobot_world_model.config import PRESET_NAMES
from devrobot_world_model.learning.processor import prepare_processor

PICTURES = Path('saved/overfit')


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = make_parser(
        'overfit',
        'Train a fresh model on 1, 4 and 16 canvases of a session until it knows them by heart. '
        'A model that cannot do that will not learn more either; the exit code is 1 then.',
        'saved/sessions/toroidal_dot/train_01 --preset tiny',
    )
    parser.add_argument('session', type=Path, help='bag or session file')
    parser.add_argument(
        '--preset', choices=PRESET_NAMES, help=f'recipe to try (default {DEFAULT_PRESET})'
    )
    parser.add_argument(
        '--config',
        type=Path,
        metavar='FILE',
        help='YAML file with settings, as config.yaml; those without an option here do not count',
    )
    parser.add_argument(
        '--picture',
        type=Path,
        metavar='FILE',
        help=f'where the picture goes (default: {PICTURES}/<session>.png)',
    )
    add_arguments(parser, OverfitConfig)
    add_arguments(parser, TrainConfig, only=USED)
    add_reading_options(parser)
    return parser


def main(args: Sequence[str] | None = None) -> None:
    """Run the command."""
    run(build_parser(), work, args)


def work(arguments: argparse.Namespace) -> Outcome:
    """Try; return what came of it."""
    config = config_from_args(TrainConfig, arguments, base=base_of(arguments))
    wanted = config_from_args(OverfitConfig, arguments)
    path = arguments.picture or PICTURES / f'{arguments.session.stem}.png'
    check_picture('--picture', path)
    results, stopped = _tried(arguments, config, wanted)
    if not results:
        return Outcome(None, INTERRUPTED)
    print(f'{"canvases":>9} {"steps":>6} {"loss":>9}  best constant frame')
    for result in results:
        print(_line(result))
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as temporary:
        draw_memorised(results).savefig(temporary, format='png')
    print(f'\n{verdict(results)}\npicture: {path}')
    failed = not all(result.success for result in results)
    return Outcome(
        _summary(results, path, stopped=stopped), INTERRUPTED if stopped else int(failed)
    )


def _tried(
    arguments: argparse.Namespace, config: TrainConfig, wanted: OverfitConfig
) -> tuple[list[Memorised], bool]:
    """Return what came of the numbers that were tried, and whether somebody stopped it."""
    prepare_processor(config.threads)
    session = read_session(arguments.session, arguments)
    canvases = canvases_of(session, config)
    with (
        stop_signals(lambda: print(STOPPING)) as ends,
        progress_bar('memorising', quiet=arguments.quiet, unit='step') as progress,
    ):
        results = overfit(config, canvases, wanted, progress=progress, should_stop=ends)
        return results, len(results) < len(wanted.sizes)


def _summary(results: list[Memorised], path: Path, *, stopped: bool) -> Any:
    # A loss that is no number is null in JSON.
    return finite(
        {
            'success': not stopped and all(result.success for result in results),
            'stopped': stopped,
            'verdict': verdict(results),
            'picture': str(path),
            'results': [
                {
                    'size': result.size,
                    'steps': result.steps,
                    'loss': result.loss,
                    'trivial_loss': result.trivial_loss,
                    'trivial': result.trivial,
                    'success': result.success,
                    'problem': result.problem,
                }
                for result in results
            ],
        }
    )


def _line(result: Memorised) -> str:
    word = 'memorised' if result.success else 'NOT memorised'
    return (
        f'{result.size:9} {result.steps:6} {result.loss:9.5f}  {result.trivial_loss:.5f} '
        f'({result.trivial})  {word}'
    )


if __name__ == '__main__':
    main()

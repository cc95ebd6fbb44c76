"""The command ``staged``: train in growing stages, with sweeps, baselines and a report."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
import sys
import tempfile
from typing import Any

from devrobot_interfaces_py.configs import (
    add_arguments,
    config_from_args,
    ConfigError,
    flatten,
)
from devrobot_training.cli.command import (
    add_reading_options,
    going_on,
    INTERRUPTED,
    make_parser,
    Outcome,
    run,
    stop_signals,
)
from devrobot_training.cli.recipes import recipe_of, refuse_beside_resume
from devrobot_training.cli.staged_output import ending_text, plan_rows, plan_text, StagedConsole
from devrobot_training.fit.config import DEFAULT_PRESET
from devrobot_training.fit.lock import only_one
from devrobot_training.fit.problems import RunError
from devrobot_training.fit.run_folder import check_run_id, RUNS
from devrobot_training.fit.starting import check_start
from devrobot_training.report.stage_records import FAILED
from devrobot_training.report.stage_records import INTERRUPTED as WAS_INTERRUPTED
from devrobot_training.staged.begin import begin, Begun, read_begun
from devrobot_training.staged.config import (
    config_path,
    read_config,
    shipped_configs,
    staged_preset,
    StagedConfig,
)
from devrobot_training.staged.inputs import StagedInputs
from devrobot_training.staged.plan import make_plan, session_name
from devrobot_training.staged.runner import Ending, StagedTraining
from devrobot_world_model.checkpoint_names import CheckpointError
from devrobot_world_model.config import PRESET_NAMES
from devrobot_world_model.model.factory import resolve_device

#: What may be another with --resume: it does not change what comes out.
FREE = (
    'sweep.workers',
    'sweep.executor',
    'sweep.grace',
    'parallel_runs',
    'log_to',
    'fit.memory_gb',
)
#: What a run has and keeps.
OWN = (
    'root_session',
    'splits',
    'train_session',
    'val_session',
    'original_session',
    'checkpoint',
    'stage',
    'preset',
    'config',
    'output_dir',
    'run_id',
    'dry_run',
    'namespace',
    'skip_faulty',
)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = make_parser(
        'staged',
        'Train a world model in stages that grow, 10, 20, 40 … transitions, then all. Each stage '
        'begins with the best weights of the one before; where the loss stalls, learning rates '
        'are searched. A report is written after every stage. Ctrl-C and crashes leave a run that '
        '--resume goes on with.',
        '--root-session saved/sessions/toroidal_dot/train_01 --config debug',
    )
    add_sessions(parser)
    parser.add_argument(
        '--preset',
        choices=PRESET_NAMES,
        help=f'recipe to start from (default {DEFAULT_PRESET})',
    )
    parser.add_argument(
        '--config',
        metavar='FILE',
        help='YAML file with settings, as config.yaml, instead of a preset; or one of '
        f'{", ".join(shipped_configs())}',
    )
    parser.add_argument(
        '--output-dir',
        type=Path,
        metavar='FOLDER',
        help=f'the run goes to <session>/<run id> in it (default {RUNS})',
    )
    parser.add_argument('--run-id', help='name of the run (default: date and time)')
    parser.add_argument(
        '--resume', type=Path, metavar='RUN', help='go on with a run; its settings stay'
    )
    parser.add_argument(
        '--dry-run', action='store_true', help='show the plan with estimated times, train nothing'
    )
    add_arguments(parser, StagedConfig)
    add_reading_options(parser)
    # What was not given is None: with --resume also a default that was is refused.
    parser.set_defaults(**dict.fromkeys(OWN))
    return parser


def add_sessions(parser: argparse.ArgumentParser) -> None:
    """Add what is trained on."""
    group = parser.add_argument_group('sessions')
    group.add_argument('--root-session', type=Path, metavar='BAG', help='split it in stages')
    group.add_argument(
        '--splits', type=Path, metavar='FOLDER', help='stages that make_splits has written'
    )
    group.add_argument('--train-session', type=Path, metavar='BAG', help='one stage: to train on')
    group.add_argument('--val-session', type=Path, metavar='BAG', help='and to validate on')
    group.add_argument(
        '--original-session',
        type=Path,
        metavar='BAG',
        help='decides which weights are best (default: the root, or --val-session)',
    )
    group.add_argument(
        '--checkpoint',
        type=Path,
        metavar='FOLDER',
        help='weights that the first stage begins with',
    )
    group.add_argument('--stage', type=int, metavar='N', help='train this stage alone')


def main(args: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = build_parser()
    words = sys.argv[1:] if args is None else args
    run(parser, lambda arguments: work(arguments, words), args)


def work(arguments: argparse.Namespace, words: Sequence[str]) -> Any:
    """Train; return the summary as plain data."""
    if arguments.resume is not None:
        refuse_beside_resume(arguments, OWN)
    console = StagedConsole(quiet=arguments.quiet)
    try:
        if arguments.dry_run:
            return _dry_run(arguments, console)
        begun = _begin(arguments, words, console)
        ending = _run(begun, console)
    finally:
        console.close()
    print(ending_text(begun.folder, ending))
    code = {FAILED: 1, WAS_INTERRUPTED: INTERRUPTED}.get(ending.status, 0)
    return Outcome(ending.summary.to_dict(), code)


def settings(arguments: argparse.Namespace) -> StagedConfig:
    """
    Return the settings that the options make.

    :raises ConfigError: if one is wrong, or there are both a file and a preset to begin with.
    """
    base = recipe_of(arguments, staged_preset, read_config)
    return config_from_args(StagedConfig, arguments, base=base)


def inputs_of(arguments: argparse.Namespace) -> StagedInputs:
    """Return what is trained on."""
    return StagedInputs(
        root=arguments.root_session,
        splits=arguments.splits,
        train=arguments.train_session,
        validation=arguments.val_session,
        original=arguments.original_session,
        checkpoint='' if arguments.checkpoint is None else str(arguments.checkpoint),
        stage=arguments.stage or 0,
        namespace=arguments.namespace or '',
        skip_faulty=bool(arguments.skip_faulty),
    )


def _begin(arguments: argparse.Namespace, words: Sequence[str], console: StagedConsole) -> Begun:
    if arguments.resume is not None:
        return _resumed(arguments, console)
    if arguments.run_id:
        check_run_id(arguments.run_id)
    config = settings(arguments)
    resolve_device(config.device)
    named = arguments.config is not None
    return begin(
        inputs_of(arguments),
        config,
        arguments.output_dir or RUNS,
        run_id=arguments.run_id or '',
        command=['ros2', 'run', 'devrobot_training', 'staged', *words],
        config_file=str(config_path(arguments.config)) if named else '',
        reading=console.reading,
    )


def _resumed(arguments: argparse.Namespace, console: StagedConsole) -> Begun:
    """Return a run to go on with; settings that decide about its results cannot change."""
    begun = read_begun(arguments.resume, console.reading)
    config = config_from_args(StagedConfig, arguments, base=begun.config)
    changed = {info.name for info in flatten(StagedConfig)} & vars(arguments).keys()
    fixed = sorted(changed - set(FREE))
    if fixed:
        raise ConfigError(
            f'{fixed[0]} cannot change with --resume: what is done was done without it; '
            f'start a new run, or leave it out (free are {", ".join(FREE)})'
        )
    console.say(f'going on with {arguments.resume}')
    return replace(begun, config=config)


def _run(begun: Begun, console: StagedConsole) -> Ending:
    """Train; the first signal ends it soon with a report, the second at once."""
    told = 'stopping; once more stops at once, without a report'
    with stop_signals(lambda: console.say(told)) as should_stop, only_one(begun.folder):
        try:
            training = StagedTraining(begun, view=console, should_stop=should_stop)
            console.say(f'run {begun.folder}')
            return training.run()
        except (RunError, CheckpointError, OSError) as error:
            raise going_on(error, begun.folder) from error
        except BaseException:
            console.close()
            print(f'go on with: --resume {begun.folder}', file=sys.stderr)
            raise


def _dry_run(arguments: argparse.Namespace, console: StagedConsole) -> dict[str, Any]:
    inputs, config = inputs_of(arguments), settings(arguments)
    check_start(inputs.checkpoint, config)
    session_name(inputs, console.reading)
    with tempfile.TemporaryDirectory() as folder:
        plan = make_plan(inputs, config, Path(folder), console.reading)
        rows = plan_rows(plan, inputs, config)
    console.close()
    print(plan_text(plan, rows))
    return {'session': plan.name, 'stages': rows}


if __name__ == '__main__':
    main()

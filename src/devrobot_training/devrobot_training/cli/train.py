"""The command ``train``: a world model from recorded sessions."""

import argparse
from collections.abc import Sequence
from pathlib import Path
import subprocess
import sys
from typing import Any

from devrobot_interfaces_py.configs import (
    add_arguments,
    config_from_args,
    ConfigError,
    load_config,
)
from devrobot_training.cli.command import (
    add_reading_options,
    INTERRUPTED,
    make_parser,
    Outcome,
    run,
    stop_signals,
)
from devrobot_training.cli.train_output import Console, report
from devrobot_training.fit.config import train_preset, TrainConfig
from devrobot_training.fit.run_folder import (
    check_run_id,
    EVENTS,
    METRICS,
    new_run_id,
    RunFolder,
)
from devrobot_training.fit.stopping import Stop
from devrobot_training.fit.team import join_team, leave_team, Team
from devrobot_training.fit.training import Data, Inputs, open_data, read_run, same_data, Training
from devrobot_training.logs.metrics_log import MetricsLog
from devrobot_training.logs.recording import MetricsRecorder
from devrobot_training.logs.writers import make_writers, WRITERS
from devrobot_world_model.config import PRESET_NAMES

RUNS = Path('runs')
FAILED = ('non_finite',)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = make_parser(
        'train',
        'Train a world model on recorded sessions. One session is split in time, two are training '
        'and validation. It stops by itself, by the rules under stopping.*; Ctrl-C stops it, too, '
        'and --resume goes on.',
        'saved/sessions/toroidal_dot/train_01 --preset tiny',
    )
    parser.add_argument('session', type=Path, nargs='?', help='bag or session file to train on')
    parser.add_argument('validation', type=Path, nargs='?', help='another one to validate on')
    parser.add_argument(
        '--preset',
        choices=PRESET_NAMES,
        default='tiny',
        help='recipe to start from (default tiny)',
    )
    parser.add_argument(
        '--config', type=Path, metavar='FILE', help='YAML file with settings, as config.yaml'
    )
    parser.add_argument(
        '--checkpoint', type=Path, metavar='FOLDER', help='checkpoint whose weights to begin with'
    )
    parser.add_argument(
        '--runs-dir', type=Path, default=RUNS, help='the run goes to <session>/<run id> in it'
    )
    parser.add_argument('--run-id', default='', help='name of the run (default: date and time)')
    parser.add_argument(
        '--resume',
        type=Path,
        metavar='RUN',
        help='go on with a run; settings are those of the run',
    )
    parser.add_argument(
        '--processes', type=int, default=1, help='processes that share each batch, one GPU each'
    )
    parser.add_argument(
        '--log-to', choices=tuple(WRITERS), nargs='*', default=[], help='further logs of metrics'
    )
    add_arguments(parser, TrainConfig)
    add_reading_options(parser)
    return parser


def main(args: Sequence[str] | None = None) -> None:
    """Run the command."""
    run(
        build_parser(),
        lambda arguments: work(arguments, sys.argv[1:] if args is None else args),
        args,
    )


def work(arguments: argparse.Namespace, words: Sequence[str]) -> Any:
    """Train; return the summary."""
    if arguments.session is None and arguments.resume is None:
        raise ConfigError('name a session to train on, or a run with --resume')
    if arguments.run_id:
        check_run_id(arguments.run_id)
    team = join_team()
    if arguments.processes > 1 and team.size == 1:
        return Outcome(None, _start_team(arguments, words))
    try:
        return _train(arguments, team, words)
    finally:
        leave_team(team)


def _start_team(arguments: argparse.Namespace, words: Sequence[str]) -> int:
    """Start this command once per process, under torchrun; return its exit code."""
    command = [
        *(sys.executable, '-m', 'torch.distributed.run', '--standalone'),
        *('--nproc-per-node', str(arguments.processes), '-m', 'devrobot_training.cli.train'),
        *words,
    ]
    if not arguments.run_id and arguments.resume is None:
        command += ['--run-id', new_run_id()]  # the same one in every process
    return subprocess.run(command, check=False).returncode


def _train(arguments: argparse.Namespace, team: Team, words: Sequence[str]) -> Any:
    config, inputs = _settings(arguments, team)
    console = Console(quiet=arguments.quiet or not team.leads)
    data = _in_turn(team, lambda: open_data(inputs, config, console.reading))
    folder = _folder(arguments, team, config, inputs, data, words)
    training, recorder = _prepare(arguments, team, folder, config, data, console)
    try:
        # A run that was killed before its first checkpoint goes on from the beginning.
        resumed = arguments.resume is not None and training.resume()
        if inputs.start and not resumed:
            training.begin_from(Path(inputs.start))
        if recorder is not None:
            recorder.begin_after(training.learner.step)
        training.fitter.tell('resumed' if resumed else 'started', str(folder.path))
        stop = _run(training, console)
    finally:
        console.close()
        if recorder is not None:
            recorder.close()
    if not team.leads:
        return Outcome(None, 0)
    summary = report(training, stop, quiet=arguments.quiet)
    code = INTERRUPTED if stop.reason == 'interrupted' else int(stop.reason in FAILED)
    return Outcome(summary, code)


def _settings(arguments: argparse.Namespace, team: Team) -> tuple[TrainConfig, Inputs]:
    if arguments.resume is not None:
        config, inputs = read_run(RunFolder(arguments.resume))
    else:
        base = train_preset(arguments.preset)
        if arguments.config is not None:
            base = load_config(TrainConfig, arguments.config)
        config = base
        inputs = Inputs(
            train=arguments.session,
            validation=arguments.validation,
            start='' if arguments.checkpoint is None else str(arguments.checkpoint),
            namespace=arguments.namespace,
            skip_faulty=arguments.skip_faulty,
        )
    config = config_from_args(TrainConfig, arguments, base=config)
    if config.fit.batch_size % team.size:
        raise ConfigError(
            f'--fit.batch-size is {config.fit.batch_size}, must be a multiple of the '
            f'{team.size} processes'
        )
    return config, inputs


def _in_turn(team: Team, open_them: Any) -> Data:
    """Let the first process read the bags; the others find what it has built."""
    data = open_them() if team.leads else None
    team.barrier()
    return data or open_them()


def _folder(
    arguments: argparse.Namespace,
    team: Team,
    config: TrainConfig,
    inputs: Inputs,
    data: Data,
    words: Sequence[str],
) -> RunFolder:
    if arguments.resume is not None:
        folder = RunFolder(arguments.resume)
        same_data(folder.read_inputs().get('digests', {}), data)
        return folder
    session = data.train.sessions[0].bag.name
    if not team.leads:
        return RunFolder(arguments.runs_dir / session / arguments.run_id)
    folder = RunFolder.create(arguments.runs_dir, session, arguments.run_id)
    folder.write_config(config)
    folder.write_inputs(
        {'inputs': inputs.to_dict(), 'digests': dict(data.digests), 'command': ['train', *words]}
    )
    return folder


def _prepare(
    arguments: argparse.Namespace,
    team: Team,
    folder: RunFolder,
    config: TrainConfig,
    data: Data,
    console: Console,
) -> tuple[Training, MetricsRecorder | None]:
    listeners: list[Any] = [console.listen]
    recorder = None
    if team.leads:
        recorder = MetricsRecorder(
            MetricsLog(folder.path / METRICS),
            writers=make_writers(arguments.log_to, folder.path),
            events=folder.path / EVENTS,
        )
        listeners.append(recorder)
    return Training(folder, config, data, listeners=listeners, team=team), recorder


def _run(training: Training, console: Console) -> Stop:
    """Train; the first signal ends it after the step, the second at once."""
    told = 'stopping after this step; once more stops at once'
    with stop_signals(lambda: console.say(told)) as should_stop:
        return training.run(should_stop)


if __name__ == '__main__':
    main()

"""The command ``train``: a world model from recorded sessions."""

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
import sys
from typing import Any

from devrobot_interfaces_py.configs import add_arguments, config_from_args, ConfigError
from devrobot_training.cli.command import (
    add_reading_options,
    check_folder,
    going_on,
    INTERRUPTED,
    make_parser,
    Outcome,
    run,
    stop_signals,
    STOPPING,
)
from devrobot_training.cli.train_output import Console, report
from devrobot_training.cli.train_settings import (
    chosen,
    folder_to_resume,
    OWN,
)
from devrobot_training.cli.train_team import (
    as_member,
    end_by_force_at_once,
    input_has_ended,
    is_member,
    start_team,
    tell_alone,
    tell_run,
)
from devrobot_training.fit.config import DEFAULT_PRESET, TrainConfig
from devrobot_training.fit.kept_settings import change_settings
from devrobot_training.fit.lock import only_one
from devrobot_training.fit.problems import TeamError
from devrobot_training.fit.run_folder import (
    check_run_id,
    EVENTS,
    METRICS,
    new_run_id,
    RunFolder,
    RUNS,
    taken_away_on_failure,
)
from devrobot_training.fit.stopping import Stop
from devrobot_training.fit.team import join_team, leave_team, member_device, Team
from devrobot_training.fit.training import Data, Inputs, make_run, open_data, Training
from devrobot_training.logs.metrics_log import MetricsLog
from devrobot_training.logs.recording import MetricsRecorder
from devrobot_training.logs.writers import check_writers, LogSettings, make_writers
from devrobot_world_model.checkpoint_names import CheckpointError
from devrobot_world_model.config import PRESET_NAMES

FAILED = ('non_finite',)
MODULE = 'devrobot_training.cli.train'


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
        help=f'recipe to start from (default {DEFAULT_PRESET})',
    )
    parser.add_argument(
        '--config', type=Path, metavar='FILE', help='YAML file with settings, as config.yaml'
    )
    parser.add_argument(
        '--checkpoint', type=Path, metavar='FOLDER', help='checkpoint whose weights to begin with'
    )
    parser.add_argument(
        '--runs-dir',
        type=Path,
        metavar='FOLDER',
        help=f'the run goes to <session>/<run id> in it (default {RUNS})',
    )
    parser.add_argument('--run-id', help='name of the run (default: date and time)')
    parser.add_argument(
        '--resume',
        type=Path,
        metavar='RUN',
        help='go on with a run; settings are those of the run, docs/training.md says which may be '
        'others',
    )
    parser.add_argument(
        '--processes',
        type=int,
        default=1,
        metavar='N',
        help='processes that share each batch, one GPU each (default 1)',
    )
    add_arguments(parser, TrainConfig)
    add_arguments(parser, LogSettings)
    add_reading_options(parser)
    # What was not given is None: with --resume also a default that was is refused.
    parser.set_defaults(**dict.fromkeys(OWN))
    return parser


def main(args: Sequence[str] | None = None) -> None:
    """Run the command."""
    words = sys.argv[1:] if args is None else args
    with as_member():
        run(build_parser(), lambda arguments: work(arguments, words), args)


def work(arguments: argparse.Namespace, words: Sequence[str]) -> Any:
    """Train; return the summary."""
    if is_member():
        end_by_force_at_once()
    if arguments.run_id:
        check_run_id(arguments.run_id)
    check_writers(config_from_args(LogSettings, arguments).log_to)
    config, inputs, changes = chosen(arguments)
    check_folder('--runs-dir', arguments.runs_dir or RUNS)
    _check_processes(arguments.processes, config)
    team = join_team()
    if arguments.processes > 1 and team.size == 1:
        words = list(words)
        if not arguments.run_id and arguments.resume is None:
            words += ['--run-id', new_run_id()]  # the same one in every process
        return Outcome(None, start_team(MODULE, words, arguments.processes, config.threads))
    _check_batch(team.size, config)
    team.device(config.device)
    try:
        return _train(arguments, team, (config, inputs, changes), words)
    finally:
        leave_team(team)


def _check_processes(processes: int, config: TrainConfig) -> None:
    """Refuse before anything is started what would fail in each process."""
    if processes < 1:
        raise ConfigError(f'--processes is {processes}, must be at least 1')
    _check_batch(processes, config)
    member_device(config.device, 0, processes, alone=processes == 1)


def _check_batch(processes: int, config: TrainConfig) -> None:
    if config.fit.batch_size % processes:
        raise ConfigError(
            f'--fit.batch-size is {config.fit.batch_size}, must be a multiple of the '
            f'{processes} processes'
        )


def _train(
    arguments: argparse.Namespace,
    team: Team,
    settings: tuple[TrainConfig, Inputs, str],
    words: Sequence[str],
) -> Any:
    config, inputs, changes = settings
    console = Console(quiet=arguments.quiet or not team.leads, loss=config.loss.kind)

    def reading(done: int, total: int) -> None:
        _end_if_asked()
        console.reading(done, total)

    data = _in_turn(team, lambda: open_data(inputs, config, reading))
    folder = _folder(arguments, team, config, inputs, data, words)
    if team.leads:
        tell_run(folder.path)
    lock = only_one(folder.path) if team.leads else nullcontext()
    with lock:
        with taken_away_on_failure(folder, new=arguments.resume is None and team.leads):
            prepared = (config, inputs, data)
            training, recorder = _prepare(arguments, team, folder, prepared, console)
        with _way_out(folder):
            try:
                if changes:
                    if team.leads:
                        change_settings(folder, config)
                    training.fitter.tell('settings', changes)
                stop = _run(training, console)
            finally:
                console.close()
                if recorder is not None:
                    recorder.close()
            if not team.leads:
                return Outcome(None, 0)
            tell_alone()
            # Who has stopped the training wants to see how far it came.
            check = (lambda: None) if stop.reason == 'interrupted' else _end_if_asked
            summary = report(training, stop, quiet=arguments.quiet, check=check)
    code = INTERRUPTED if stop.reason == 'interrupted' else int(stop.reason in FAILED)
    return Outcome(summary, code)


@contextmanager
def _way_out(folder: RunFolder) -> Iterator[None]:
    """Say how to go on after the loss of a process, or of room on the disk."""
    try:
        yield
    except (TeamError, CheckpointError, OSError) as error:
        raise going_on(error, folder.path) from error


def _end_if_asked() -> None:
    """Do in a process of a team what a signal does where there is one process."""
    if is_member() and input_has_ended():
        raise KeyboardInterrupt


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
        return folder_to_resume(arguments.resume, data)
    if not team.leads:
        session = data.train.sessions[0].bag.name
        return RunFolder((arguments.runs_dir or RUNS) / session / arguments.run_id)
    root = arguments.runs_dir or RUNS
    return make_run(root, arguments.run_id or '', (config, inputs), data, ['train', *words])


def _prepare(
    arguments: argparse.Namespace,
    team: Team,
    folder: RunFolder,
    prepared: tuple[TrainConfig, Inputs, Data],
    console: Console,
) -> tuple[Training, MetricsRecorder | None]:
    """Build the model, with the weights that it begins with or had when it was stopped."""
    config, inputs, data = prepared
    listeners: list[Any] = [console.listen]
    recorder = None
    if team.leads:
        recorder = MetricsRecorder(
            MetricsLog(folder.path / METRICS),
            writers=make_writers(config_from_args(LogSettings, arguments).log_to, folder.path),
            events=folder.path / EVENTS,
        )
        listeners.append(recorder)
    training = Training(folder, config, data, listeners=listeners, team=team)
    resumed = training.begin(inputs.start, go_on=arguments.resume is not None)
    if recorder is not None:
        recorder.begin_after(training.learner.step)
    training.fitter.tell('resumed' if resumed else 'started', str(folder.path))
    return training, recorder


def _run(training: Training, console: Console) -> Stop:
    """Train; the first signal ends it after the step, the second at once."""
    if is_member():
        return training.run(input_has_ended)
    with stop_signals(lambda: console.say(STOPPING)) as should_stop:
        return training.run(should_stop)


if __name__ == '__main__':
    main()

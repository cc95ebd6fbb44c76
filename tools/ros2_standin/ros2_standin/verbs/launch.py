"""``ros2 launch``: read a launch file and run what it describes."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import datetime
import os
from pathlib import Path

from ros2_standin.errors import StandinError
from ros2_standin.launching import arguments as launch_arguments
from ros2_standin.launching.evaluate import evaluate
from ros2_standin.launching.output import LaunchOutput, log_base, log_folder_name
from ros2_standin.launching.processes import Step
from ros2_standin.launching.sources import find_in_package, load
from ros2_standin.launching.supervisor import Supervisor


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of ``ros2 launch``."""
    parser = argparse.ArgumentParser(
        prog='ros2 launch', description='Run a launch file (stand-in: a subset of the XML format)'
    )
    parser.add_argument(
        '-n', '--noninteractive', action='store_true', help='run without a terminal (no effect)'
    )
    parser.add_argument('-d', '--debug', action='store_true', help='show the commands as well')
    parser.add_argument(
        '-s',
        '--show-args',
        '--show-arguments',
        action='store_true',
        help='show the arguments that may be given to the launch file',
    )
    parser.add_argument(
        '-a',
        '--show-all-subprocesses-output',
        action='store_true',
        help='show the output of all processes, whatever the launch file says',
    )
    parser.add_argument('--launch-prefix', help='command to put before every executable')
    parser.add_argument(
        'package_name', help='name of the package with the launch file, or path of a launch file'
    )
    parser.add_argument('launch_file_name', nargs='?', help='name of the launch file')
    parser.add_argument(
        'launch_arguments', nargs='*', help="arguments of the launch file: '<name>:=<value>'"
    )
    return parser


def locate(arguments: argparse.Namespace) -> tuple[Path, list[str]]:
    """Return the launch file and the words that are launch arguments."""
    words = list(arguments.launch_arguments)
    name = arguments.launch_file_name
    path = Path(arguments.package_name)
    if path.is_file():
        return path.absolute(), ([name] if name is not None else []) + words
    if '/' in arguments.package_name:
        raise StandinError(f"launch file '{path}' does not exist")
    if name is None or ':=' in name:
        raise StandinError(
            f"package '{arguments.package_name}' was given without a launch file: "
            'ros2 launch PACKAGE FILE, or ros2 launch PATH'
        )
    return find_in_package(arguments.package_name, name), words


def plan(
    path: Path, words: Sequence[str], output: LaunchOutput, launch_prefix: str | None = None
) -> list[Step]:
    """Return the steps of the launch file ``path``; parameter files go beside the log."""
    root = load(path)
    given = launch_arguments.parse_command_line(words)
    declared = launch_arguments.collect(root)
    names = {argument.name for argument in declared.arguments}
    if declared.complete:
        launch_arguments.refuse_unknown(given, names)
    configurations = dict(given)
    if launch_prefix is not None:
        configurations['launch-prefix'] = launch_prefix
    count = 0

    def write(text: str) -> Path:
        nonlocal count
        count += 1
        file = output.folder / f'launch_params_{count}.yaml'
        file.write_text(text)
        return file

    evaluated = evaluate(root, configurations=configurations, environment=os.environ, write=write)
    launch_arguments.refuse_unknown(given, names | evaluated.declared)
    return evaluated.steps


def main(argv: Sequence[str]) -> int:
    """Show the arguments of a launch file, or run it until it ends or is interrupted."""
    arguments = build_parser().parse_intermixed_args(argv)
    path, words = locate(arguments)
    if arguments.show_args:
        print(launch_arguments.show(launch_arguments.collect(load(path)).arguments))
        return 0
    if arguments.show_all_subprocesses_output:
        os.environ['OVERRIDE_LAUNCH_PROCESS_OUTPUT'] = 'both'
    folder = log_base(os.environ) / log_folder_name(datetime.now(), os.getpid())
    output = LaunchOutput(folder, is_debug=arguments.debug)
    try:
        output.open()
    except OSError as error:
        raise StandinError(
            f'cannot write logs to {folder}: {error.strerror}; set ROS_LOG_DIR'
        ) from error
    try:
        output.info('launch', f'All log files can be found below {folder}')
        output.info(
            'launch',
            'Default logging verbosity is set to ' + ('DEBUG' if arguments.debug else 'INFO'),
        )
        steps = plan(path, words, output, arguments.launch_prefix)
        return Supervisor(steps, output).run()
    finally:
        output.close()

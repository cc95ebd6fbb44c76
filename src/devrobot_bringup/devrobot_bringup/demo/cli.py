"""The command ``devrobot demo``."""

from collections.abc import Sequence
from datetime import datetime
import os
from pathlib import Path
import signal
import sys
import time

from devrobot_bringup.demo.config import build_parser, config_from_args, DemoConfig, DOT

SAVED = Path('saved/demo')


class _Interrupt:
    """Turns SIGINT and SIGTERM into a flag, so that a run ends with its picture."""

    def __init__(self) -> None:
        self.asked = False

    def install(self) -> None:
        """Take the two signals over."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)

    def __call__(self) -> bool:
        return self.asked

    def _on_signal(self, number: int, frame: object) -> None:
        self.asked = True


def main(args: Sequence[str] | None = None) -> int:
    """Run the demo; return 0 also when the user ended it early."""
    begin = time.monotonic()
    parser = build_parser()
    try:
        config = config_from_args(parser.parse_args(args))
    except ValueError as error:
        parser.error(str(error))
    interrupt = _Interrupt()
    interrupt.install()
    stamp = datetime.now().strftime('%Y-%m-%d_%H-%M-%S')
    robot = '' if config.robot == DOT else f'{config.robot}_'
    folder = config.output or SAVED / f'{stamp}_{robot}{config.preset}_seed{config.seed}'
    return _run(config, folder.resolve(), begin, interrupt)


def _run(config: DemoConfig, folder: Path, begin: float, interrupt: _Interrupt) -> int:
    from devrobot_bringup.demo.processes import LaunchError
    from devrobot_bringup.demo.run import DemoRun

    try:
        _make_room(folder, config.summary)
        run = DemoRun(config, folder, begin)
        run.launch.start()
    except (LaunchError, OSError) as error:
        print(f'demo: {error}', file=sys.stderr)
        return 1
    try:
        return _watch(run, interrupt)
    finally:
        run.launch.stop()


def _make_room(folder: Path, summary: Path | None) -> None:
    """Make the folders of the results, so that a bad one is told now and not after the run."""
    folders = [folder] if summary is None else [folder, summary.resolve().parent]
    for place in folders:
        place.mkdir(parents=True, exist_ok=True)
        if not os.access(place, os.W_OK):
            raise PermissionError(f'cannot write into {place}')
    if summary is not None and summary.is_dir():
        raise IsADirectoryError(f'--summary is {summary}, which is a folder: name a file')


def _watch(run: 'DemoRun', interrupt: _Interrupt) -> int:  # noqa: F821 - imported late for speed
    from devrobot_bringup.demo.node import DemoNode
    from devrobot_bringup.demo.processes import LaunchError
    from devrobot_interfaces_py.leaving import leaving_ros
    import rclpy
    from rclpy.executors import SingleThreadedExecutor
    from rclpy.signals import SignalHandlerOptions

    rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
    node = DemoNode(run.robot.namespace)
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    print(run.greeting(), flush=True)
    failure = None
    try:
        run.watch(node, executor, interrupt)
    except LaunchError as error:
        failure = str(error)
    cpu_seconds = run.launch.stop()
    picture = run.write(node, cpu_seconds, interrupt.asked or failure is not None)
    executor.shutdown()
    if failure is not None:
        print(f'demo: {failure}', file=sys.stderr)
    else:
        _say_where(run, picture)
    code = 0 if failure is None else 1
    with leaving_ros(code):
        node.destroy_node()
        rclpy.try_shutdown()
    return code


def _say_where(run: 'DemoRun', picture: Path | None) -> None:  # noqa: F821
    folder = run.launch.log_path.parent
    print(f'Summary: {folder / "summary.json"}')
    if picture is None:
        print('No prediction was made yet, so there is no picture: let the demo run longer.')
    else:
        print(f'Picture: {picture}')
    if run.session is not None:
        print(f'Session: {run.session} (ros2 run devrobot_training session_info {run.session})')


if __name__ == '__main__':
    sys.exit(main())

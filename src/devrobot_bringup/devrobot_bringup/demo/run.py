"""One run of the demo: start, watch, stop, write what was seen."""

from collections.abc import Callable
from pathlib import Path
import resource
import time
from typing import Any

from devrobot_bringup.demo.config import DemoConfig
from devrobot_bringup.demo.node import DemoNode
from devrobot_bringup.demo.picture import write_picture
from devrobot_bringup.demo.processes import free_port, Launch, LaunchError
from devrobot_bringup.demo.robots import ROBOTS
from devrobot_bringup.demo.screen import against_copy, LiveLine, status_text
from devrobot_bringup.demo.summary import as_json, figures, seconds_to_share
from devrobot_interfaces_py.atomic import write_json
from rclpy.executors import SingleThreadedExecutor

SESSIONS = Path('saved/sessions')
FIRST_ACTION_DEADLINE_S = 90.0
REFRESH_S = 0.5


class DemoRun:
    """Owns the child processes and the listening node while the demo runs."""

    def __init__(
        self,
        config: DemoConfig,
        folder: Path,
        begin: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``begin`` is the clock's time at which the command was given."""
        self._config = config
        self.robot = ROBOTS[config.robot]
        self._folder = folder
        self._begin = begin
        self._clock = clock
        self._acting_seconds = 0.0
        self._port = free_port(config.foxglove_port) if config.foxglove else 0
        self.launch = Launch(self._launch_arguments(), folder / 'nodes.log')

    def watch(
        self, node: DemoNode, executor: SingleThreadedExecutor, should_stop: Callable[[], bool]
    ) -> None:
        """
        Spin until the time is over or ``should_stop``.

        :raises LaunchError: if the nodes end, or no action comes.
        """
        line = LiveLine()
        shown = 0.0
        seconds = 60.0 * self._config.minutes
        try:
            while not should_stop() and node.elapsed < seconds:
                executor.spin_once(timeout_sec=0.1)
                now = self._clock()
                if now - shown < REFRESH_S:
                    continue
                shown = now
                self.launch.check()
                if node.first_action is None and now - self._begin > FIRST_ACTION_DEADLINE_S:
                    raise LaunchError(
                        f'no action after {FIRST_ACTION_DEADLINE_S:.0f} s; the last the nodes '
                        f'said:\n{self.launch.tail()}\ntry ./devrobot doctor'
                    )
                line.show(self._status(node, seconds))
        finally:
            # From here on the nodes are being stopped: that is not acting.
            self._acting_seconds = node.elapsed
            line.end()

    def write(self, node: DemoNode, nodes_cpu_seconds: float, interrupted: bool) -> Path | None:
        """Write summary and picture; return the picture's path, None if nothing was predicted."""
        summary = self.summary(node, nodes_cpu_seconds, interrupted)
        for path in (self._folder / 'summary.json', self._config.summary):
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
                write_json(path, summary)
        monitor = node.monitor
        if monitor is None or monitor.example is None:
            return None
        share = summary['within_2px']
        title = (
            f'{self._config.robot}, {self._config.preset}, seed {self._config.seed}: after '
            f'{self._acting_seconds:.0f} s and {node.samples_seen} samples, '
            + (
                f'{100 * share:.0f} % of the dots within 2 px'
                if share is not None
                else f'error {against_copy(summary["below_copy_last"] or 0.0).strip()}'
            )
        )
        path = self._folder / 'picture.png'
        write_picture(path, monitor.example, monitor.outcomes, monitor.space, title)
        return path

    def summary(
        self, node: DemoNode, nodes_cpu_seconds: float, interrupted: bool
    ) -> dict[str, Any]:
        """Return the figures of the run as JSON data."""
        monitor = node.monitor
        outcomes = monitor.outcomes if monitor else []
        labels = [action.label for action in monitor.space.actions] if monitor else []
        own = resource.getrusage(resource.RUSAGE_SELF)
        return {
            'robot': self._config.robot,
            'seed': self._config.seed,
            'preset': self._config.preset,
            'interrupted': interrupted,
            'steps': monitor.actions_seen if monitor else 0,
            'samples': node.samples_seen,
            'wall_seconds': round(self._clock() - self._begin, 2),
            'acting_seconds': round(self._acting_seconds, 2),
            'cpu_seconds': round(nodes_cpu_seconds + own.ru_utime + own.ru_stime, 2),
            'predictions': len(outcomes),
            'missed_predictions': monitor.predictable - len(outcomes) if monitor else 0,
            'late_predictions': sum(not outcome.on_time for outcome in outcomes),
            'seconds_to_95': seconds_to_share(outcomes),
            **as_json(figures(outcomes, labels)),
        }

    def greeting(self) -> str:
        """Return what the user is told at the start."""
        lines = [f'Logs of the nodes: {self.launch.log_path}']
        if self._config.foxglove:
            lines += [
                f'Watch: open Foxglove or Lichtblick, connect to ws://127.0.0.1:{self._port}, '
                'and import the layout',
                f'  {self._layout()}',
            ]
        return '\n'.join(lines)

    @property
    def session(self) -> Path | None:
        """The bag of this run, None without ``--record``."""
        if not self._config.record:
            return None
        return SESSIONS.resolve() / self.robot.namespace.strip('/') / self._folder.name

    def _layout(self) -> str:
        from ament_index_python.packages import get_package_share_directory

        share = get_package_share_directory('devrobot_bringup')
        return f'{share}/foxglove/{self.robot.layout}'

    def _launch_arguments(self) -> list[str]:
        return [
            'devrobot_bringup',
            self.robot.launch_file,
            *self.robot.arguments(),
            f'preset:={self._config.preset}',
            f'seed:={self._config.seed}',
            f'foxglove:={"true" if self._config.foxglove else "false"}',
            f'foxglove_port:={self._port or self._config.foxglove_port}',
            *(
                [
                    'record:=true',
                    f'sessions_dir:={SESSIONS.resolve()}',
                    f'session_id:={self._folder.name}',
                ]
                if self._config.record
                else []
            ),
        ]

    def _status(self, node: DemoNode, seconds: float) -> str:
        monitor = node.monitor
        if monitor is None or node.first_action is None:
            return f'starting ... {self._clock() - self._begin:.0f} s'
        labels = [action.label for action in monitor.space.actions]
        elapsed = max(node.elapsed, 1e-6)
        return status_text(
            monitor.actions_seen,
            monitor.actions_seen / elapsed,
            node.samples_seen / elapsed,
            seconds - elapsed,
            figures(monitor.outcomes[-1000:], labels),
            has_dot=bool(monitor.steps_px),
        )

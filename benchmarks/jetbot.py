"""
How a JetBot is driven over RPyC: times of the ramps, and whether a frame or an action is lost.

A simulated robot behind the real server, on the loopback; the driver's own executor asks for
actions one after the other. When the motors are set is what the process of the motors wrote down
itself. Frames and events are paired by the rule of the world model.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
import random
import statistics
import sys
import tempfile
import threading
import time
from typing import Any

from devrobot_interfaces_py.actions import ActionEvent, Phase
from devrobot_interfaces_py.atomic import write_json
from devrobot_robots.clock import SystemClock
from devrobot_robots.execution import ActionExecutor
from devrobot_robots.jetbot.config import JetBotConfig
from devrobot_robots.jetbot.ramp import Ramp
from devrobot_robots.jetbot.robot import JetBotRobot
from devrobot_robots.jetbot.simulation.process import SimulationProcess
from devrobot_robots.outcomes import Outputs
from devrobot_world_model.canvas.history import Frame, History
from tqdm import tqdm

ACTIONS = ('stay 0 0', 'left 0 0.12', 'right 0.12 0')
TURNS = (1, 2)
END_TIMEOUT_S = 30.0


class Witness:
    """Hears what the driver tells, and pairs it."""

    def __init__(self, robot: JetBotRobot) -> None:
        self._history = History(action_count=len(robot.action_space), chain_length=1)
        self._changed = threading.Condition()
        self._over = 0
        self.pairs = self.frames = self.aborted = 0
        self.problems: list[str] = []
        self.outputs = Outputs(
            event=self._on_event, frames=self._on_frames, problem=self.problems.append
        )

    def _on_event(self, event: ActionEvent) -> None:
        with self._changed:
            self.pairs += len(self._history.add_event(event))
            self.aborted += event.phase is Phase.ABORTED
            self._over += event.phase in (Phase.FINISHED, Phase.ABORTED)
            self._changed.notify_all()

    def _on_frames(self, frames: Any, stamp_ns: int) -> None:
        with self._changed:
            self.frames += 1
            frame = Frame(stamp_ns=stamp_ns, image=frames[''].pixels)
            self.pairs += len(self._history.add_frame(frame))
            self._changed.notify_all()

    def wait_for_ends(self, count: int) -> None:
        """Wait until so many actions are over, each with its frame."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._over >= count and self.frames > count, END_TIMEOUT_S
            )


def run(count: int, *, quiet: bool) -> dict[str, Any]:
    """Let the robot act ``count`` times; return the figures."""
    with tempfile.TemporaryDirectory() as folder:
        simulation = SimulationProcess(Path(folder))
        (simulation.folder / 'state.log').touch()
        simulation.start()
        config = JetBotConfig(host='127.0.0.1', port=simulation.port, actions=ACTIONS)
        clock = SystemClock()
        robot = JetBotRobot.from_config(config, clock=clock, name='jetbot')
        robot.connect()
        witness = Witness(robot)
        executor = ActionExecutor(robot, witness.outputs, clock=clock, stamp_ns=time.time_ns)
        executor.start()
        chosen = random.Random(0).choices(range(len(ACTIONS)), k=count)
        begin = time.monotonic()
        for number, action in enumerate(tqdm(chosen, disable=quiet, unit='action'), start=1):
            executor.submit(action, 'benchmark')
            witness.wait_for_ends(number)
        seconds = time.monotonic() - begin
        executor.shutdown()
        robot.close()
        simulation.close()
        log = (simulation.folder / 'state.log').read_text()
    ramps = [config.ramp(action) for action in config.motor_actions()]
    errors, left_out = ramp_errors(log, [ramps[action] for action in chosen if action in TURNS])
    return {
        'actions': count,
        'frames': witness.frames,
        'pairs': witness.pairs,
        'lost_pairs': count - witness.aborted - witness.pairs,
        'aborted': witness.aborted,
        'setpoints_left_out': left_out,
        'problems': len(witness.problems),
        'actions_per_second': round(count / seconds, 2),
        'ramp_error_ms_median': round(statistics.median(errors), 3),
        'ramp_error_ms_p99': round(statistics.quantiles(errors, n=100)[98], 3),
        'ramp_error_ms_max': round(max(errors), 3),
    }


def ramp_errors(log: str, ramps: Sequence[Ramp]) -> tuple[list[float], int]:
    """
    Return how far from its profile each setpoint was [ms], counted from the first of its action.

    Also returns how many were left out because their time was over, on a machine or in a network
    that was too slow.

    :raises ValueError: if an action is missing.
    """
    told = iter([tuple(map(float, line.split())) for line in log.splitlines()])
    errors: list[float] = []
    for ramp in ramps:
        following = iter(ramp.setpoints)
        begin = None
        for moment, *speeds in _motion(told):
            point = next((p for p in following if [p.left, p.right] == speeds), None)
            if begin is None:
                begin = moment
            elif point is not None:
                errors.append(1000.0 * abs(moment - begin - point.at_s))
        if begin is None:
            raise ValueError(f'the motors never moved for {ramp.setpoints[0]}')
    return errors, sum(len(ramp.setpoints) - 1 for ramp in ramps) - len(errors)


def _motion(told: Iterator[tuple[float, ...]]) -> Iterator[tuple[float, ...]]:
    """Give the commands of the next motion, with the stop that ends it."""
    moves = False
    for moment, left, right in told:
        if left or right:
            moves = True
        if moves:
            yield moment, left, right
        if moves and not (left or right):
            return


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--actions', type=int, default=1000, help='how many actions')
    parser.add_argument('--json', type=Path, metavar='FILE', help='write the result to FILE, too')
    options = parser.parse_args()
    if options.actions < 10:
        parser.error(f'--actions is {options.actions}, must be at least 10')
    result = run(options.actions, quiet=not sys.stderr.isatty())
    for name, value in result.items():
        print(f'{name:22} {value}')
    if options.json is not None:
        write_json(options.json, result)


if __name__ == '__main__':
    main()

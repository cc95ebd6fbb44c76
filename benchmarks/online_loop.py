"""
Time of one online iteration, by part: canvas, prediction, scoring, training step.

A simulated dot acts; every part is timed in the same loop, medians are given in milliseconds.
"""

from collections.abc import Callable
from functools import partial
import statistics
import time
from typing import Any

from devrobot_interfaces_py.actions import ActionDefinition, ActionEvent, ActionSpace, Phase
from devrobot_world_model.canvas.builder import build_canvas
from devrobot_world_model.config import preset, PRESET_NAMES
from devrobot_world_model.learning.processor import prepare_processor
from devrobot_world_model.online import OnlineLoop
import numpy as np
from report import finish, make_parser

SPACE = ActionSpace(
    robot_name='dot',
    robot_type='dot_world',
    actions=(
        ActionDefinition(label='stay', separator_color=(255, 0, 0)),
        ActionDefinition(label='move', separator_color=(0, 255, 0)),
    ),
)


class Stopwatch:
    """Collects the seconds of named parts."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = {}

    def time(self, part: str, run: Callable[[], Any]) -> Any:
        """Run and note the time under ``part``."""
        begin = time.perf_counter()
        result = run()
        self.seconds.setdefault(part, []).append(time.perf_counter() - begin)
        return result


def render(x: int, y: int, height: int, width: int) -> np.ndarray:
    """Return an (H, W, 3) frame with a white disc, wrapping around."""
    rows, columns = np.mgrid[:height, :width]
    dx = np.minimum((columns - x) % width, (x - columns) % width)
    dy = np.minimum((rows - y) % height, (y - rows) % height)
    image = np.zeros((height, width, 3), np.uint8)
    image[dx * dx + dy * dy <= 25] = 255
    return image


def run_iterations(loop: OnlineLoop, iterations: int, seed: int) -> dict[str, list[float]]:
    """Let the dot act; return the seconds of every part."""
    rng = np.random.default_rng(seed)
    height, width = loop.layout.frame_height, loop.layout.frame_width
    watch = Stopwatch()
    x, y, now = int(rng.integers(width)), int(rng.integers(height)), 0
    frame = render(x, y, height, width)
    loop.on_frame(now, frame)
    history = [frame] * loop.layout.frames
    colors = [SPACE.actions[0].separator_color] * (loop.layout.frames - 1)
    for sequence in range(1, iterations + 1):
        action = int(rng.integers(len(SPACE)))
        now += 3
        start, finish_ = (
            ActionEvent(stamp_ns=now + i, sequence=sequence, phase=phase, action=action)
            for i, phase in enumerate((Phase.STARTED, Phase.FINISHED))
        )
        watch.time('predict_all_actions', partial(loop.on_event, start))
        loop.on_event(finish_)
        x = (x + 27 * action) % width
        frame = render(x, y, height, width)
        now += 3
        watch.time('pair_score_remember', partial(loop.on_frame, now, frame))
        history = [*history[1:], frame]
        watch.time('build_canvas', partial(build_canvas, loop.layout, history, colors))
        watch.time('training_step', loop.learn)
    return watch.seconds


def main() -> None:
    """Measure and print one line per part."""
    parser = make_parser(__doc__, 'python benchmarks/online_loop.py --json online_loop.json')
    parser.add_argument('--preset', default='base', choices=PRESET_NAMES, help='model to measure')
    parser.add_argument('--iterations', type=int, default=20, help='actions per measurement')
    arguments = parser.parse_args()
    prepare_processor(arguments.threads)
    loop = OnlineLoop(preset(arguments.preset), SPACE)
    run_iterations(loop, loop.config.online.batch_size + 2, seed=0)
    loop.reset_history()
    seconds = run_iterations(loop, arguments.iterations, seed=1)
    figures: dict[str, Any] = {
        'preset': arguments.preset,
        'canvas_px': [loop.layout.height, loop.layout.width],
        'batch_size': loop.config.online.batch_size,
        'milliseconds': {},
    }
    for part, values in seconds.items():
        median = 1000.0 * statistics.median(values)
        figures['milliseconds'][part] = round(median, 4)
        print(f'{part:22s} {median:9.3f} ms (of {len(values)}, max {1000 * max(values):.3f})')
    finish(figures, arguments.json)


if __name__ == '__main__':
    main()

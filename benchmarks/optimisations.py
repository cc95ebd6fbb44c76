"""
What each optimisation of a training step gives: one at a time is switched off.

All variants take turns in one run, on the same random canvases. A factor of 1.5 says that the step
takes 1.5 times as long without it. Sharing the encodings of consecutive frames is measured the
other way round, by switching it on: training samples canvases one by one by default.
"""

import argparse
from collections.abc import Callable
import ctypes
from dataclasses import replace
from pathlib import Path
import statistics
import tempfile
import time

from devrobot_training.data.canvases import CanvasSet, make_canvases
from devrobot_training.data.loader import BatchLoader
from devrobot_training.sessions.opening import open_session
from devrobot_world_model.canvas.layout import CanvasLayout
from devrobot_world_model.config import preset, PRESET_NAMES, WorldModelConfig
from devrobot_world_model.learning.processor import (
    M_MMAP_THRESHOLD,
    M_TRIM_THRESHOLD,
    prepare_processor,
)
from devrobot_world_model.learning.step import Learner
from report import finish, make_parser, measure_in_turn, median_ratio
from session_open import write_bag
import torch
from training import our_steps

FRAMES = 200
CHUNK = 8
GLIBC_THRESHOLD = 128 * 1024


def memory_kept(step: Callable[[], None], threads: int, rounds: int) -> float:
    """Return how many times as long a step takes with the thresholds that glibc begins with."""
    libc = ctypes.CDLL(None)

    def seconds() -> float:
        step()  # the heap is as this setting leaves it only after a step
        begin = time.perf_counter()
        step()
        return time.perf_counter() - begin

    without, kept = [], []
    for _ in range(rounds):
        libc.mallopt(M_MMAP_THRESHOLD, GLIBC_THRESHOLD)
        libc.mallopt(M_TRIM_THRESHOLD, GLIBC_THRESHOLD)
        libc.malloc_trim(0)
        without.append(seconds())
        prepare_processor(threads)
        kept.append(seconds())
    return median_ratio(without, kept)


def variants(
    config: WorldModelConfig, canvases: CanvasSet, size: int
) -> dict[str, tuple[Callable[[], None], Learner, BatchLoader]]:
    """Return a function that makes one step of each variant, and what it works with."""
    fp32 = replace(config, optimizer=replace(config.optimizer, precision='fp32'))
    made = {
        'ours': our_steps(config, canvases, size),
        'bf16': our_steps(fp32, canvases, size),
        'own attention': our_steps(replace(config, attention='sdpa'), canvases, size),
        'parts of a batch': our_steps(config, canvases, size),
        'batches ahead': our_steps(config, canvases, size, depth=0),
    }
    made['parts of a batch'][1].gradients = None
    if size % CHUNK == 0:
        made['shared encodings'] = our_steps(config, canvases, size, chunk=CHUNK)
    return made


def measure(
    config: WorldModelConfig, canvases: CanvasSet, size: int, arguments: argparse.Namespace
) -> dict[str, float]:
    """Return the factor of each optimisation, and our samples/s, at one batch size."""
    made = variants(config, canvases, size)
    steps = {name: step for name, (step, _, _) in made.items()}
    seconds = measure_in_turn(steps, arguments.rounds, warm_up=2)
    ours = seconds.pop('ours')
    factors = {name: median_ratio(times, ours) for name, times in seconds.items()}
    factors['memory kept'] = memory_kept(steps['ours'], arguments.threads, arguments.rounds)
    for _, _, loader in made.values():
        loader.close()
    if 'shared encodings' in factors:
        factors['shared encodings'] = 1.0 / factors['shared encodings']
    return {'samples_per_second': size / statistics.median(ours)} | factors


def main() -> None:
    """Measure and print one line per optimisation and batch size."""
    parser = make_parser(__doc__, 'python benchmarks/optimisations.py --threads 2')
    parser.add_argument('--preset', default='reference', choices=PRESET_NAMES, help='model')
    parser.add_argument('--batch-sizes', type=int, nargs='+', default=[1, 8, 32])
    arguments = parser.parse_args()
    prepare_processor(arguments.threads)
    torch.manual_seed(0)
    config = preset(arguments.preset)
    figures: dict = {'preset': arguments.preset}
    with tempfile.TemporaryDirectory(prefix='optimisations_') as folder:
        session = open_session(write_bag(Path(folder) / 'bag', FRAMES, 'none'))
        layout = CanvasLayout.from_config(config)
        canvases = make_canvases([session], layout, store='memory')
        for size in arguments.batch_sizes:
            found = measure(config, canvases, size, arguments)
            print(f'batch {size}: {found["samples_per_second"]:.2f} samples/s', flush=True)
            for name, value in found.items():
                figures[f'{name.replace(" ", "_")}_bs{size}'] = round(value, 3)
                if name != 'samples_per_second':
                    print(f'  {name:18} {value:5.2f} times', flush=True)
    finish(figures, arguments.json)


if __name__ == '__main__':
    main()

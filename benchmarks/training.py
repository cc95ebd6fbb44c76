"""
Samples per second of offline training, from the recorded session to the optimiser step.

Ours (frames once, canvases by index, our step) against (a) what one would write first: a
``DataLoader`` over canvases that were built as float tensors beforehand, and the plain model of
``plain_model.py``; and (b) ViTMAE of ``transformers``, if that is installed, on a square picture
of as many patches (it cannot be built for a canvas). All take turns in one run, on one session,
with a model of the ``reference`` size. It ends with exit code 1 if a ratio is below what is
promised.
"""

import argparse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
import math
from pathlib import Path
import statistics
import sys
import tempfile
import time
from typing import Any

from devrobot_training.data.canvases import CanvasSet, make_canvases
from devrobot_training.data.loader import BatchLoader
from devrobot_training.data.sampling import make_sampler, SamplerConfig
from devrobot_training.fit.events import StepDone
from devrobot_training.logs.metrics_log import MetricsLog
from devrobot_training.logs.recording import MetricsRecorder
from devrobot_training.sessions.opening import open_session
from devrobot_world_model.canvas.layout import CanvasLayout
from devrobot_world_model.config import preset, PRESET_NAMES, WorldModelConfig
from devrobot_world_model.learning.precision import has_native_bf16
from devrobot_world_model.learning.processor import prepare_processor
from devrobot_world_model.learning.step import Learner
from devrobot_world_model.model.factory import build_model
import numpy as np
from plain_model import plain_train_step, PlainMaskedAutoencoder
from report import finish, make_parser, measure_in_turn, median_ratio
from session_open import write_bag
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torch.utils.flop_counter import FlopCounterMode
from vit_mae import vit_mae_steps

CHUNK = 16
#: Ratios to (a), and the bytes that one more canvas may take.
PROMISED = {
    'ratio_bs1': 3.0,
    'ratio_bs8': 4.0,
    'ratio_bs32': 4.0,
    'ratio_bs64': 3.5,
    'ratio_bs32_chunks': 5.0,
}
MOST_BYTES = 160_000
PEAK_SIZES = (1024, 2048, 3072)
PAGE = 4096
LOGGED_STEPS = 2000
#: Canvases that one way trains on before it is the other's turn.
CANVASES_OF_A_TURN = 8


class PrebuiltCanvases(Dataset):
    """Every canvas as (T, D) float patches in 0..1, in memory: 1.9 MB each."""

    def __init__(self, canvases: CanvasSet, count: int) -> None:
        rows = np.arange(count)
        batch = canvases.batch(rows)
        layout = canvases.layout
        frames = batch.frames[batch.index]
        bars = batch.colors.repeat(1, 1, layout.patch_size**2)[:, :, None, None]
        bars = bars.expand(-1, -1, layout.rows, layout.separator_columns, -1)
        blocks = []
        for slot in range(layout.frames):
            shape = (count, layout.rows, layout.columns, -1)
            blocks.append(frames[:, slot].reshape(shape))
            if slot + 1 < layout.frames:
                blocks.append(bars[:, slot])
        self._canvases = (torch.cat(blocks, dim=2).flatten(1, 2).float() / 255.0).contiguous()

    def __len__(self) -> int:
        return len(self._canvases)

    def __getitem__(self, index: int) -> Tensor:
        return self._canvases[index]


def plain_steps(config: WorldModelConfig, data: Dataset, size: int) -> Callable[[], None]:
    """Return a function that makes one step of the plain way."""
    torch.manual_seed(config.seed)
    model = PlainMaskedAutoencoder(config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4, foreach=False)

    def batches() -> Iterator[Tensor]:
        while True:
            yield from DataLoader(data, batch_size=size, shuffle=True, drop_last=True)

    source = batches()
    return lambda: plain_train_step(model, optimizer, next(source)) and None


def our_steps(
    config: WorldModelConfig, canvases: CanvasSet, size: int, chunk: int = 0, depth: int = 2
) -> tuple[Callable[[], None], Learner, BatchLoader]:
    """Return a function that makes one step of ours, and what it works with."""
    learner = Learner(build_model(config), loss=config.loss, optimizer=config.optimizer)
    sampler = make_sampler(SamplerConfig(chunk_length=chunk), canvases, config.seed)
    loader = BatchLoader(canvases, sampler, batch_size=size, depth=depth)
    return lambda: learner.train_step(loader.next().batch) and None, learner, loader


@dataclass(frozen=True)
class Peak:
    """Floating point operations per second of the fastest matrix product."""

    precision: str
    flops: float


def matmul_peak() -> Peak:
    """Measure the fastest product of square matrices in the precision that training uses."""
    native = has_native_bf16(torch.device('cpu'))
    dtype, name = (torch.bfloat16, 'bf16') if native else (torch.float32, 'fp32')
    best = 0.0
    for size in PEAK_SIZES:
        a, b = (torch.randn(size, size, dtype=dtype) for _ in range(2))
        for _ in range(4):
            begin = time.perf_counter()
            a @ b
            best = max(best, 2 * size**3 / (time.perf_counter() - begin))
    return Peak(name, best)


def step_flops(config: WorldModelConfig, canvases: CanvasSet, size: int) -> float:
    """Return the floating point operations of one training step, per canvas."""
    step, _, loader = our_steps(config, canvases, size)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the counter sees the thread that it is in
    with FlopCounterMode(display=False) as counter:
        step()
    torch.set_num_threads(threads)
    loader.close()
    return counter.get_total_flops() / size


def resident_bytes() -> int:
    """Return the memory of this process that is in RAM."""
    return int(Path('/proc/self/statm').read_text().split()[1]) * PAGE


def bytes_per_canvas(canvases: CanvasSet) -> float:
    """Return by how much memory grows per canvas, all frames being different."""
    before = resident_bytes()
    again = make_canvases(canvases.sessions, canvases.layout, store='memory')
    again.batch(np.arange(8))
    return (resident_bytes() - before) / len(again)


def disk_growth(canvases: CanvasSet) -> float:
    """
    Return by how much the peak of memory grows as ever more frames are read from disk, in MB.

    Mapped pages come and go, up to a fixed size: the peak over the first half of the session is
    compared with the one over all of it.
    """
    disk = make_canvases(canvases.sessions, canvases.layout, store='disk')
    seen = []
    for begin in range(0, len(disk) - 8, 8):
        disk.batch(np.arange(begin, begin + 8))
        seen.append(resident_bytes())
    return (max(seen) - max(seen[: len(seen) // 2])) / 1e6


def repeat(step: Callable[[], None], count: int) -> None:
    """Make some steps one after the other, as a training does."""
    for _ in range(count):
        step()


def measure(
    config: WorldModelConfig, canvases: CanvasSet, size: int, rounds: int, chunk: int = 0
) -> dict[str, float]:
    """Return samples/s of all ways, and the median ratios to the plain one."""
    data = PrebuiltCanvases(canvases, min(len(canvases), max(64, 2 * size)))
    ours, _, loader = our_steps(config, canvases, size, chunk)
    ways = {'plain': plain_steps(config, data, size), 'ours': ours}
    other = None if chunk else vit_mae_steps(config, size)
    if other is not None:
        ways['vit_mae'] = other
    steps = math.ceil(CANVASES_OF_A_TURN / size)
    turns = {name: partial(repeat, step, steps) for name, step in ways.items()}
    seconds = {
        name: [turn / steps for turn in found]
        for name, found in measure_in_turn(turns, rounds).items()
    }
    loader.close()
    figures = {f'ratio_{name}': median_ratio(seconds['plain'], seconds[name]) for name in ways}
    return figures | {name: size / statistics.median(times) for name, times in seconds.items()}


def logging_seconds(size: int, folder: Path) -> float:
    """Return what writing down one step of ``size`` canvases takes, flushes included."""
    rows, losses = np.arange(size), np.random.default_rng(0).random((3, size), np.float32)
    recorder = MetricsRecorder(MetricsLog(folder / f'metrics_{size}.jsonl'))
    begin = time.perf_counter()
    for step in range(LOGGED_STEPS):
        recorder(
            StepDone(
                step=step,
                samples=step * size,
                rows=rows,
                plain=losses[0],
                focal=losses[1],
                hybrid=losses[2],
                loss=float(losses[2].mean()),
                learning_rate=3e-4,
                gradient_norm=1.0,
                seconds=0.1,
            )
        )
    recorder.close()
    return (time.perf_counter() - begin) / LOGGED_STEPS


def compare(
    config: WorldModelConfig,
    canvases: CanvasSet,
    arguments: argparse.Namespace,
    flops: float,
    peak: Peak,
    folder: Path,
) -> dict[str, float]:
    """Measure every batch size, print a line for each, and return the figures."""
    figures: dict[str, float] = {}
    logging: list[float] = []
    runs = [(size, 0) for size in arguments.batch_sizes]
    runs += [(size, CHUNK) for size in arguments.batch_sizes if size == 32]
    for size, chunk in runs:
        rounds = arguments.rounds if size < 16 else max(3, arguments.rounds // 2)
        result = measure(config, canvases, size, rounds, chunk)
        tag = f'bs{size}' + ('_chunks' if chunk else '')
        figures[f'ratio_{tag}'] = round(result['ratio_ours'], 3)
        if 'vit_mae' in result:
            figures[f'ratio_to_vit_mae_{tag}'] = round(result['ours'] / result['vit_mae'], 3)
        figures |= {f'{k}_samples_per_second_{tag}': round(v, 2)
                    for k, v in result.items() if not k.startswith('ratio')}  # fmt: skip
        share = result['ours'] * flops / peak.flops
        if not chunk:
            figures[f'fraction_of_peak_{tag}'] = round(share, 3)
            logging.append(logging_seconds(size, folder) * result['ours'] / size)
        of_peak = '' if chunk else f', {share:.0%} of the peak'
        others = ', '.join(f'{k} {v:.2f}' for k, v in result.items() if k in ('plain', 'vit_mae'))
        print(f'{tag:12} {result["ours"]:7.2f} samples/s ({others}), ratio '
              f'{result["ratio_ours"]:.2f}{of_peak}', flush=True)  # fmt: skip
    best = [value for key, value in figures.items() if key.startswith('fraction_of_peak_')]
    figures['fraction_of_peak'] = max(best, default=0.0)
    figures['logging_share'] = round(max(logging, default=0.0), 5)
    print(f'logging takes {figures["logging_share"]:.3%} of a step at most', flush=True)
    return figures


def main() -> None:
    """Measure and print one line per batch size."""
    parser = make_parser(__doc__, 'python benchmarks/training.py --json training.json')
    parser.set_defaults(threads=2)
    parser.add_argument('--preset', default='reference', choices=PRESET_NAMES, help='model')
    parser.add_argument('--batch-sizes', type=int, nargs='+', default=[1, 8, 32, 64])
    parser.add_argument('--frames', type=int, default=2000, help='frames of the session')
    arguments = parser.parse_args()
    prepare_processor(arguments.threads)
    config = preset(arguments.preset)
    layout = CanvasLayout.from_config(config)
    figures: dict = {'preset': arguments.preset}
    with tempfile.TemporaryDirectory(prefix='training_') as name:
        folder = Path(name)
        session = open_session(write_bag(folder / 'bag', arguments.frames, 'none'))
        canvases = make_canvases([session], layout, store='memory')
        figures['bytes_per_canvas'] = round(bytes_per_canvas(canvases))
        figures['disk_growth_mb'] = round(disk_growth(canvases), 1)
        peak, flops = matmul_peak(), step_flops(config, canvases, 8)
        print(f'matmul peak {peak.flops / 1e9:.0f} GFLOP/s ({peak.precision}, {arguments.threads} '
              f'threads); {flops / 1e9:.1f} GFLOP per canvas', flush=True)  # fmt: skip
        figures |= {'peak_gflops': peak.flops / 1e9, 'gflop_per_canvas': flops / 1e9}
        figures |= compare(config, canvases, arguments, flops, peak, folder)
    figures['lacks'] = lacks(figures)
    print(f'lacks {figures["lacks"]}')
    finish(figures, arguments.json)
    sys.exit(bool(figures['lacks']))


def lacks(figures: Mapping[str, Any]) -> list[str]:
    """Return what is promised, was measured, and does not hold."""
    found = [
        f'{name} at least {least}'
        for name, least in PROMISED.items()
        if figures.get(name, least) < least
    ]
    if figures['bytes_per_canvas'] > MOST_BYTES:
        found.append(f'bytes_per_canvas at most {MOST_BYTES}')
    return found


if __name__ == '__main__':
    main()

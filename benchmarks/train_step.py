"""
Samples per second of our training step against a plain implementation of the same model.

Both train on the same canvases with the same loss, widths, depths and heads; they take turns, so
that both meet the same load. The figure is the median of the ratios of neighbouring steps.
"""

import statistics

from devrobot_world_model.canvas.builder import build_canvas
from devrobot_world_model.config import preset, PRESET_NAMES
from devrobot_world_model.learning.processor import prepare_processor
from devrobot_world_model.learning.step import Learner
from devrobot_world_model.model.factory import build_model
from devrobot_world_model.model.mae import Batch
from devrobot_world_model.model.patches import patchify, to_unit
import numpy as np
from plain_model import plain_train_step, PlainMaskedAutoencoder
from report import finish, make_parser, measure_in_turn, median_ratio
import torch

COLORS = ((255, 0, 0), (0, 255, 0))


def make_data(config, size: int, rng: np.random.Generator) -> tuple[Batch, torch.Tensor]:
    """Return the same random canvases as our batch and as (B, T, D) canvas patches in 0..1."""
    model = build_model(config)
    layout, patch = model.layout, config.model.patch_size
    shape = (size, layout.frames, layout.frame_height, layout.frame_width, 3)
    frames = rng.integers(0, 256, shape, dtype=np.uint8)
    colors = np.array(COLORS, np.uint8)[rng.integers(0, 2, (size, layout.frames - 1))]
    canvases = np.stack(
        [
            build_canvas(layout, list(frames[i]), [tuple(map(int, c)) for c in colors[i]])
            for i in range(size)
        ]
    )
    batch = Batch(
        frames=patchify(torch.from_numpy(frames), patch), colors=torch.from_numpy(colors)
    )
    return batch, to_unit(patchify(torch.from_numpy(canvases), patch))


def measure(config, size: int, rounds: int) -> dict[str, float]:
    """Return samples/s of both and their median ratio at batch ``size``."""
    batch, patches = make_data(config, size, np.random.default_rng(config.seed))
    learner = Learner(build_model(config), loss=config.loss, optimizer=config.optimizer)
    torch.manual_seed(config.seed)
    plain = PlainMaskedAutoencoder(config)
    optimizer = torch.optim.AdamW(plain.parameters(), lr=3e-4, foreach=False)
    seconds = measure_in_turn(
        {
            'plain': lambda: plain_train_step(plain, optimizer, patches),
            'ours': lambda: learner.train_step(batch),
        },
        rounds,
    )
    return {
        'ratio': median_ratio(seconds['plain'], seconds['ours']),
        'ours': size / statistics.median(seconds['ours']),
        'plain': size / statistics.median(seconds['plain']),
    }


def main() -> None:
    """Measure and print one line per batch size."""
    parser = make_parser(__doc__, 'python benchmarks/train_step.py --json train_step.json')
    parser.add_argument(
        '--preset', default='reference', choices=PRESET_NAMES, help='model to measure'
    )
    parser.add_argument('--batch-sizes', type=int, nargs='+', default=[1, 8, 32], help='samples')
    arguments = parser.parse_args()
    prepare_processor(arguments.threads)
    config = preset(arguments.preset)
    figures = {'preset': arguments.preset}
    for size in arguments.batch_sizes:
        rounds = arguments.rounds if size < 16 else max(3, arguments.rounds // 2)
        result = measure(config, size, rounds)
        figures[f'ratio_bs{size}'] = round(result['ratio'], 3)
        figures[f'samples_per_second_bs{size}'] = round(result['ours'], 2)
        figures[f'plain_samples_per_second_bs{size}'] = round(result['plain'], 2)
        print(
            f'batch {size:3d}: {result["ours"]:8.2f} samples/s, plain {result["plain"]:8.2f}, '
            f'ratio {result["ratio"]:.2f}',
            flush=True,
        )
    finish(figures, arguments.json)


if __name__ == '__main__':
    main()

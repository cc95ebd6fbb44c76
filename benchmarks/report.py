"""What every benchmark shares: measuring two things in turn, and writing the figures."""

import argparse
from collections.abc import Callable, Mapping
import json
import os
from pathlib import Path
import platform
import statistics
import time
from typing import Any

from devrobot_interfaces_py.atomic import write_json
import torch


def measure_in_turn(
    variants: Mapping[str, Callable[[], None]], rounds: int, warm_up: int = 1
) -> dict[str, list[float]]:
    """Return the seconds of every call; variants take turns so that both meet the same load."""
    seconds: dict[str, list[float]] = {name: [] for name in variants}
    for index in range(warm_up + rounds):
        for name, run in variants.items():
            begin = time.perf_counter()
            run()
            if index >= warm_up:
                seconds[name].append(time.perf_counter() - begin)
    return seconds


def median_ratio(slow: list[float], fast: list[float]) -> float:
    """Return the median of the ratios slow/fast of neighbouring measurements."""
    return statistics.median(a / b for a, b in zip(slow, fast, strict=True))


def make_parser(description: str, example: str) -> argparse.ArgumentParser:
    """Return a parser with ``--json``, ``--threads`` and ``--rounds``, defaults shown."""
    parser = argparse.ArgumentParser(
        description=description,
        epilog=f'example: {example}',
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument('--json', type=Path, metavar='FILE', help='write the figures to FILE')
    parser.add_argument('--threads', type=int, default=1, help='torch threads')
    parser.add_argument('--rounds', type=int, default=7, help='measurements of each variant')
    return parser


def finish(figures: dict[str, Any], path: Path | None) -> None:
    """Add what the figures depend on, and write them if a file was asked for."""
    figures['machine'] = {
        'processor': platform.machine(),
        'cores': os.cpu_count(),
        'load_1min': round(os.getloadavg()[0], 2),
        'torch': torch.__version__,
        'threads': torch.get_num_threads(),
    }
    print(json.dumps(figures['machine']))
    if path is not None:
        write_json(path, figures)
        print(f'wrote {path}')

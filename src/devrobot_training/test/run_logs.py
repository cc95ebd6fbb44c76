"""Rows as a training writes them, made by hand: a healthy run, for tests to spoil."""

from collections.abc import Callable
import math
from typing import Any

SETTINGS = {
    'loss': {'kind': 'hybrid'},
    'optimizer': {'schedule': 'cosine'},
    'sampler': {'kind': 'uniform', 'refresh_batches': 50},
}
STEPS, PERIOD, BATCH = 400, 20, 8


def healthy_rate(step: int) -> float:
    """Return a warm-up of 40 steps, then a cosine."""
    if step <= 40:
        return 3e-4 * step / 40
    return 3e-6 + 3e-4 * 0.5 * (1 + math.cos(math.pi * (step - 40) / (STEPS - 40)))


def healthy_loss(step: int) -> float:
    """Return a loss that keeps on falling."""
    return 0.17 * (1.0 - step / (STEPS + 40))


def batch(step: int) -> dict[str, Any]:
    return {
        'kind': 'batch',
        'step': step,
        'samples': step * BATCH,
        'loss': healthy_loss(step),
        'learning_rate': healthy_rate(step),
        'gradient_norm': 0.5 + 0.1 * math.sin(step),
        'seconds': 0.05,
        'rows': [step % 50] * BATCH,
    }


def interval(step: int) -> dict[str, Any]:
    return {
        'kind': 'interval',
        'step': step,
        'samples': step * BATCH,
        'train_loss': healthy_loss(step),
        'validation': {
            'plain': 0.1 * healthy_loss(step),
            'focal': healthy_loss(step),
            'hybrid': 1.01 * healthy_loss(step),
        },
        'best_validation': 1.01 * healthy_loss(step),
        'learning_rate': healthy_rate(step),
        'gradient_norms': {'encoder': 0.2, 'decoder': 0.4, 'codes': 0.01},
        'samples_per_second': 160.0 + 5.0 * math.sin(step),
        'draw_counts': {
            'minimum': 50.0,
            'median': 64.0,
            'maximum': 80.0,
            'unseen': 0.0,
            'draws': 3200.0,
            'least_owed': 64.0,
            'most_owed': 64.0,
            'chance': 0.7,
        },
    }


def event(name: str, message: str, step: int = STEPS) -> dict[str, Any]:
    return {'kind': 'event', 'step': step, 'samples': 0, 'event': name, 'message': message}


def healthy_rows(
    *,
    batches: Callable[[int, dict], object] = lambda step, row: None,
    intervals: Callable[[int, dict], object] = lambda step, row: None,
    stop: str = 'samples: 3200 of 3200 samples are trained',
) -> list[dict[str, Any]]:
    """Return the rows of a run, after ``batches`` and ``intervals`` changed theirs."""
    rows = [event('started', 'runs/walk/monday', 0)]
    for step in range(1, STEPS + 1):
        rows.append(batch(step))
        batches(step, rows[-1])
        if step % PERIOD == 0:
            rows.append(interval(step))
            intervals(step, rows[-1])
    if stop:
        rows.append(event('stopped', stop))
    return rows

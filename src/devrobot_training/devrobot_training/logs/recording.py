"""A listener that writes down what happens in a training."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from devrobot_training.fit.events import Event, Happened, StepDone, Validated, Validating
from devrobot_training.logs.metrics_log import MetricsLog
from devrobot_training.logs.writers import MetricsWriter
import numpy as np


class MetricsRecorder:
    """Turns events into rows of a log, and gives them to further writers."""

    def __init__(
        self, log: MetricsLog, *, writers: Sequence[MetricsWriter] = (), events: Path | None = None
    ) -> None:
        """``events`` is a file that gets a line in words for everything that is no number."""
        self._log = log
        self._writers = tuple(writers)
        self._events = events

    def __call__(self, event: Event) -> None:
        """Write an event down."""
        if isinstance(event, Validating):
            return
        row = _row(event)
        self._log.write(row)
        for writer in self._writers:
            writer.write(row)
        if isinstance(event, Happened) and self._events is not None:
            with self._events.open('a', encoding='utf-8') as file:
                file.write(f'step {event.step} ({event.samples} samples) {event.event}: ')
                file.write(f'{event.message}\n')

    def begin_after(self, step: int) -> None:
        """Drop what a run that goes on from ``step`` had written about later steps."""
        self._log.truncate_after(step)

    def close(self) -> None:
        """Close the log and the writers."""
        self._log.close()
        for writer in self._writers:
            writer.close()


def _row(event: StepDone | Validated | Happened) -> dict[str, Any]:
    if isinstance(event, StepDone):
        return _batch(event)
    if isinstance(event, Validated):
        return _interval(event)
    return {
        'kind': 'event',
        'step': event.step,
        'samples': event.samples,
        'event': event.event,
        'message': event.message,
    }


def _batch(event: StepDone) -> dict[str, Any]:
    return {
        'kind': 'batch',
        'step': event.step,
        'samples': event.samples,
        'loss': event.loss,
        'plain': float(np.mean(event.plain)),
        'focal': float(np.mean(event.focal)),
        'hybrid': float(np.mean(event.hybrid)),
        'learning_rate': event.learning_rate,
        'gradient_norm': event.gradient_norm,
        'seconds': event.seconds,
        'rows': event.rows.tolist(),
    }


def _interval(event: Validated) -> dict[str, Any]:
    return {
        'kind': 'interval',
        'step': event.step,
        'samples': event.samples,
        'cpu_seconds': event.cpu_seconds,
        'wall_seconds': event.wall_seconds,
        'train_loss': event.train_loss,
        'validation': {
            'plain': event.plain,
            'focal': event.focal,
            'hybrid': event.hybrid,
            'within_2px': event.within_2px,
        },
        'best_validation': event.best,
        'learning_rate': event.learning_rate,
        'gradient_norms': dict(event.gradient_norms),
        'samples_per_second': event.samples_per_second,
        'draw_counts': dict(event.draw_counts),
    }

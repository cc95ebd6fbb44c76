"""The curves of a training, from the log in its folder; a long log becomes some hundred points."""

from collections.abc import Iterable
from dataclasses import dataclass
import math
from pathlib import Path

from devrobot_training.logs.run_log import read_log
from devrobot_training.pages.charts import thin
from devrobot_training.report.stage_records import Curve
import numpy as np

MOST_POINTS = 600
DIGITS = 5
CURVES = ('train', 'smoothed', 'validation', 'rate')


@dataclass(frozen=True, kw_only=True)
class TrainingCurves:
    """
    What a training wrote down.

    ``train`` is the loss of each batch, ``smoothed`` the moving average of it that the loop
    keeps, ``validation`` the loss of each validation; ``rate`` is the learning rate. ``resumed``
    are the samples at which it went on after it had been cut off.
    """

    train: Curve = Curve()
    smoothed: Curve = Curve()
    validation: Curve = Curve()
    rate: Curve = Curve()
    resumed: tuple[int, ...] = ()

    @property
    def samples(self) -> int | None:
        """How far they go; None if there is nothing."""
        ends = [curve.samples[-1] for curve in (self.train, self.validation) if curve.samples]
        return max(ends, default=None)

    def after(self, offset: int) -> 'TrainingCurves':
        """Return the same curves, begun after so many samples."""
        return TrainingCurves(
            **{
                name: Curve(
                    samples=tuple(offset + at for at in curve.samples), values=curve.values
                )
                for name in CURVES
                for curve in [getattr(self, name)]
            },
            resumed=tuple(offset + at for at in self.resumed),
        )


def read_training_curves(folder: Path) -> TrainingCurves:
    """
    Return the curves of the training in ``folder``, also of one that goes on.

    :raises RunError: if there is no log, or it is damaged.
    """
    log = read_log(folder)
    seen, validated = log.batches['samples'], log.column('samples')
    return TrainingCurves(
        train=_curve(seen, _shortened(log.batches['loss'])),
        smoothed=_curve(validated, log.column('train_loss')),
        validation=_curve(validated, log.validation),
        rate=_curve(seen, _shortened(log.batches['learning_rate'])),
        resumed=tuple(
            int(row['samples'])
            for row in log.events
            if row.get('event') == 'resumed' and isinstance(row.get('samples'), int)
        ),
    )


def joined(parts: Iterable[TrainingCurves]) -> TrainingCurves:
    """Return curves that follow each other as one, with a gap between them."""
    found = list(parts)
    return TrainingCurves(
        **{name: _joined([getattr(part, name) for part in found]) for name in CURVES},
        resumed=tuple(at for part in found for at in part.resumed),
    )


def _joined(curves: list[Curve]) -> Curve:
    samples: list[int] = []
    values: list[float | None] = []
    for curve in curves:
        if samples and curve.samples:
            samples.append(curve.samples[0])
            values.append(None)
        samples += curve.samples
        values += curve.values
    return Curve(samples=tuple(samples), values=tuple(values))


def _curve(samples: np.ndarray, values: np.ndarray) -> Curve:
    known = np.isfinite(samples)
    shown = [value if math.isfinite(value) else None for value in values[known].tolist()]
    x, y = thin(samples[known].tolist(), shown, MOST_POINTS)
    return Curve(samples=tuple(map(int, x)), values=tuple(y))


def _shortened(values: np.ndarray) -> np.ndarray:
    """Return values with as many digits as a curve needs: there are many of them."""
    return np.array([float(f'{value:.{DIGITS}g}') for value in values])

"""
When a training ends: rules as plain state machines, with a state that can be saved.

No rule looks at a clock: elapsed time is an argument.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
import math
from typing import Any

from devrobot_interfaces_py.configs import check_ranges, param

SAMPLES, TIME, DIVERGENCE = 'samples', 'time', 'divergence'
PLATEAU, NON_FINITE, INTERRUPTED = 'plateau', 'non_finite', 'interrupted'


@dataclass(frozen=True)
class Stop:
    """Why a training ends: one of the reasons of this module, and a sentence."""

    reason: str
    message: str


@dataclass(frozen=True, kw_only=True)
class StoppingConfig:
    """The rules; each can be switched off."""

    max_samples: int = param(
        0, 'end after so many training samples; 0 = no limit', minimum=0, maximum=10**12
    )
    time_budget: float = param(
        0.0, 'end after so many seconds; 0 = no limit', minimum=0.0, maximum=1e9
    )
    train_loss_weight: float = param(
        0.1,
        'weight of each new step in the averaged training loss; 1 = no averaging',
        minimum=0.0001,
        maximum=1.0,
    )
    divergence: bool = param(True, 'end when validation gets worse and worse than training')
    divergence_gap: float = param(
        0.002, 'diverged: validation exceeds the averaged training loss by this', minimum=0.0
    )
    divergence_ratio: float = param(
        1.5, 'diverged: validation is so many times the averaged training loss', minimum=1.0
    )
    divergence_share: float = param(
        0.75,
        'diverged: this share of the last divergence_window validations was above '
        'divergence_factor times the best one',
        minimum=0.01,
        maximum=1.0,
    )
    divergence_window: int = param(15, 'see divergence_share', minimum=1, maximum=10_000)
    divergence_factor: float = param(2.0, 'see divergence_share', minimum=1.0)
    divergence_in_a_row: int = param(
        20, 'diverged validations in a row that end the training', minimum=1, maximum=100_000
    )
    divergence_after: int = param(
        5, 'validations before divergence is looked for', minimum=0, maximum=100_000
    )
    plateau: bool = param(True, 'end when the best validation loss hardly improves any more')
    plateau_threshold: float = param(
        0.005, 'smallest improvement that counts, as a share', minimum=0.0, maximum=1.0
    )
    plateau_patience: int = param(
        25, 'validations within which it must come', minimum=1, maximum=100_000
    )
    plateau_after: int = param(
        0, 'validations before a plateau is looked for', minimum=0, maximum=100_000
    )

    def __post_init__(self) -> None:
        check_ranges(self)

    @property
    def uses_time(self) -> bool:
        """Whether the clock has a say."""
        return self.time_budget > 0


def told_seconds(seconds: float) -> str:
    """Return a time for people: what is left of a limit has more digits than anybody reads."""
    return f'{seconds:.3g} s' if seconds < 100 else f'{round(seconds, 1):g} s'


class DivergenceRule:
    """Ends when the validation loss leaves the training loss behind, again and again."""

    def __init__(self, config: StoppingConfig) -> None:
        self._config = config
        self._best = math.inf
        self._above: deque[bool] = deque(maxlen=config.divergence_window)
        self._updates = 0
        self._in_a_row = 0

    def update(self, train: float, validation: float) -> Stop | None:
        """Take the averaged training loss and a validation loss."""
        config = self._config
        self._updates += 1
        self._best = min(self._best, validation)
        # Judged by the best of its time: by a later one, a loss that falls fast would have been
        # bad all the while.
        self._above.append(validation > config.divergence_factor * self._best)
        diverged = self._is_diverged(train, validation)
        counts = diverged and self._updates > config.divergence_after
        self._in_a_row = self._in_a_row + 1 if counts else 0
        if not self.is_due:
            return None
        return Stop(
            DIVERGENCE,
            f'the validation loss was far above the training loss or its own best '
            f'{self._in_a_row} times in a row, at last {validation:.4g} with {train:.4g} in '
            f'training and {self._best:.4g} as best',
        )

    @property
    def is_due(self) -> bool:
        """Whether the training is to end."""
        return self._in_a_row >= self._config.divergence_in_a_row

    def state(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            'best': _plain(self._best),
            'above': list(self._above),
            'updates': self._updates,
            'in_a_row': self._in_a_row,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on after ``state``."""
        self._best = _number(state['best'])
        self._above = deque(map(bool, state['above']), maxlen=self._config.divergence_window)
        self._updates, self._in_a_row = int(state['updates']), int(state['in_a_row'])

    def _is_diverged(self, train: float, validation: float) -> bool:
        config = self._config
        full = len(self._above) == config.divergence_window
        return (
            validation - train >= config.divergence_gap
            or (validation >= config.divergence_ratio * train and validation > 0)
            or (full and sum(self._above) / len(self._above) >= config.divergence_share)
        )


class PlateauRule:
    """
    Ends when the best validation loss has not improved enough for a while.

    Small improvements add up: each loss is compared with the last one that was clearly better
    than all before, not with the best.
    """

    def __init__(self, config: StoppingConfig) -> None:
        self._config = config
        self._reference = math.inf
        self._best = math.inf
        self._since = 0
        self._updates = 0

    def update(self, validation: float) -> Stop | None:
        """Take a validation loss."""
        config = self._config
        self._updates += 1
        self._best = min(self._best, validation)
        if self._updates <= config.plateau_after:
            self._reference = self._best
            return None
        if validation < self._reference * (1.0 - config.plateau_threshold):
            self._reference, self._since = validation, 0
            return None
        self._since += 1
        if not self.is_due:
            return None
        return Stop(
            PLATEAU,
            f'the best validation loss, now {self._best:.4g}, did not improve by '
            f'{100 * config.plateau_threshold:g} % in {self._since} validations',
        )

    @property
    def is_due(self) -> bool:
        """Whether the training is to end."""
        return self._since >= self._config.plateau_patience

    def state(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            'reference': _plain(self._reference),
            'best': _plain(self._best),
            'since': self._since,
            'updates': self._updates,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on after ``state``."""
        self._reference = _number(state['reference'])
        self._best = _number(state['best'])
        self._since = int(state['since'])
        self._updates = int(state.get('updates', 0))


class StoppingRules:
    """All rules of a configuration."""

    def __init__(self, config: StoppingConfig) -> None:
        self._config = config
        self._divergence = DivergenceRule(config)
        self._plateau = PlateauRule(config)

    def after_step(self, *, samples: int, elapsed_s: float) -> Stop | None:
        """Return why to stop after a training step, if so."""
        config = self._config
        if config.max_samples and samples >= config.max_samples:
            return Stop(SAMPLES, f'{samples} of {config.max_samples} samples are trained')
        if config.time_budget and elapsed_s >= config.time_budget:
            return Stop(TIME, f'the time budget of {told_seconds(config.time_budget)} is used up')
        return None

    def after_validation(self, *, train_ema: float, validation: float) -> Stop | None:
        """Return why to stop after a validation, if so; every rule sees every validation."""
        if not math.isfinite(validation):
            return Stop(NON_FINITE, f'the validation loss is {validation}')
        diverged = self._divergence.update(train_ema, validation)
        stalled = self._plateau.update(validation)
        if diverged is not None and self._config.divergence:
            return diverged
        return stalled if self._config.plateau else None

    def holds(self, stop: Stop, *, samples: int, elapsed_s: float) -> bool:
        """Return whether what ended a training before its state was saved would end it now."""
        if stop.reason == DIVERGENCE:
            return self._config.divergence and self._divergence.is_due
        if stop.reason == PLATEAU:
            return self._config.plateau and self._plateau.is_due
        limit = self.after_step(samples=samples, elapsed_s=elapsed_s)
        return limit is not None and limit.reason == stop.reason

    def state(self) -> dict[str, Any]:
        """Return plain data."""
        return {'divergence': self._divergence.state(), 'plateau': self._plateau.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on after ``state``."""
        self._divergence.restore(state['divergence'])
        self._plateau.restore(state['plateau'])


def _plain(loss: float) -> float | None:
    """Return a loss as JSON can hold it; None = there was none yet."""
    return loss if math.isfinite(loss) else None


def _number(plain: float | None) -> float:
    return math.inf if plain is None else float(plain)

"""What came of a sweep, as data that is written down."""

from dataclasses import dataclass

from devrobot_training.sweeps.ranking import Ranked, TrialOutcome


@dataclass(frozen=True, kw_only=True)
class PhaseResult:
    """One phase: its budget per trial (0 = no limit), all its trials, its rates best first."""

    name: str
    samples: int
    seconds: float
    trials: tuple[TrialOutcome, ...] = ()
    ranked: tuple[Ranked, ...] = ()
    kept: tuple[float, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SweepResult:
    """
    A sweep that has ended; ``checkpoint`` are the winner's weights, '' if every trial failed.

    ``seconds`` is wall time, ``samples`` those of all trials together.
    """

    learning_rate: float
    best: float | None
    checkpoint: str
    samples: int
    seconds: float
    phases: tuple[PhaseResult, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether no trial came to a result."""
        return self.best is None

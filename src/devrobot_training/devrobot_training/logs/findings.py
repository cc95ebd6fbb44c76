"""What an analysis of a log gives, and the numbers that it goes by."""

from dataclasses import asdict, dataclass
from enum import IntEnum
from typing import Any

from devrobot_interfaces_py.configs import check_ranges, param
from devrobot_training.fit.stopping import StoppingConfig

_STOPPING = StoppingConfig()


class Severity(IntEnum):
    """How much a finding matters."""

    INFO = 0
    WARNING = 1
    PROBLEM = 2


@dataclass(frozen=True)
class Finding:
    """One thing that a log says: the number it is about, and what to do next."""

    severity: Severity
    topic: str
    message: str
    number: float
    advice: str

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {**asdict(self), 'severity': self.severity.name.lower()}


@dataclass(frozen=True, kw_only=True)
class AnalysisConfig:
    """From where on something is worth a finding."""

    few: int = param(
        10, 'with fewer validations their course is not judged', minimum=3, maximum=1_000_000
    )
    late_share: float = param(
        0.2, 'the end of a run is this share of its validations', minimum=0.01, maximum=0.5
    )
    plateau_gain: float = param(
        0.05, 'plateau: the end gives less than this share of the gain', minimum=0.0, maximum=1.0
    )
    converged: float = param(
        0.1,
        'a plateau at less than this share of the first loss is no fault',
        minimum=0.0,
        maximum=1.0,
    )
    exploding: float = param(100.0, 'gradient norms above this explode', minimum=0.0)
    vanishing: float = param(1e-6, 'gradient norms below this vanish', minimum=0.0)
    often: float = param(
        0.01,
        'share of steps with such gradients that makes them a problem',
        minimum=0.0,
        maximum=1.0,
    )
    rate_fall: float = param(
        0.05, 'a learning rate falls to this share within one step', minimum=0.0, maximum=1.0
    )
    gap: float = param(
        _STOPPING.divergence_gap, 'validation loss above training loss by this', minimum=0.0
    )
    ratio: float = param(
        _STOPPING.divergence_ratio, 'validation loss so many times the training loss', minimum=1.0
    )
    chance: float = param(
        1e-6,
        'counts of draws that are less likely than this are no chance',
        minimum=0.0,
        maximum=1.0,
    )
    slower: float = param(0.3, 'samples per second fall by this share', minimum=0.0, maximum=1.0)

    def __post_init__(self) -> None:
        check_ranges(self)

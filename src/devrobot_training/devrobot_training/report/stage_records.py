"""
The stages of a staged training: sweeps, trainings, and what came out of them.

``devrobot_training.report.summary`` says what goes where.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from devrobot_training.records import Record, RecordError

RUNNING, COMPLETE, INTERRUPTED = 'running', 'complete', 'interrupted'
FAILED, SKIPPED, DROPPED = 'failed', 'skipped', 'dropped'
STATUSES = (RUNNING, COMPLETE, INTERRUPTED, FAILED)
STATES = (*STATUSES, SKIPPED)
TRIAL_STATES = (RUNNING, COMPLETE, FAILED, DROPPED)
INITIAL, PLATEAU = 'initial', 'plateau'
PHASE_A, PHASE_B = 'A', 'B'


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Values over samples; the two are of one length."""

    samples: tuple[int, ...] = ()
    values: tuple[float | None, ...] = ()

    def __post_init__(self) -> None:
        if len(self.samples) != len(self.values):
            raise RecordError(
                f'a curve has {len(self.samples)} samples and {len(self.values)} values'
            )


@dataclass(frozen=True, kw_only=True)
class TrivialLosses:
    """Mean hybrid losses of predictions that need no model."""

    copy_last: float | None = None
    black: float | None = None
    mean_frame: float | None = None
    grey: float | None = None


@dataclass(frozen=True, kw_only=True)
class RunEvent:
    """Something that happened; ``kind`` is one word such as stage, sweep, restart or stop."""

    time: str
    kind: str
    message: str
    samples: int | None = None


@dataclass(frozen=True, kw_only=True)
class SweepTrial:
    """One training of a sweep; ``reason`` says why it failed or was dropped."""

    number: int
    learning_rate: float
    seed: int
    state: str = COMPLETE
    reason: str = ''
    best_validation: float | None = None
    samples: int | None = None
    seconds: float | None = None
    curve: Curve | None = None

    def __post_init__(self) -> None:
        check_word('state of a trial', self.state, TRIAL_STATES)


@dataclass(frozen=True, kw_only=True)
class SweepCandidate:
    """A learning rate after a phase; ``score`` is that of the ranking, over its seeds."""

    rank: int
    learning_rate: float
    score: float | None = None
    kept: bool = False
    reason: str = ''


@dataclass(frozen=True, kw_only=True)
class SweepPhase(Record):
    """One phase: what each trial may use, how candidates are ranked, and all of them."""

    name: str
    ranking: str = 'median'
    seeds: tuple[int, ...] = ()
    budget_samples: int | None = None
    budget_seconds: float | None = None
    trials: tuple[SweepTrial, ...] = ()
    candidates: tuple[SweepCandidate, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Sweep(Record):
    """
    A learning-rate sweep; ``samples`` is where in its training it was triggered.

    ``rate_after`` and ``loss_after`` are those of its winner; ``adopted`` tells whether training
    went on with them.
    """

    number: int
    trigger: str
    state: str = COMPLETE
    reason: str = ''
    run: int | None = None
    samples: int | None = None
    seconds: float | None = None
    rate_before: float | None = None
    rate_after: float | None = None
    loss_before: float | None = None
    loss_after: float | None = None
    fallback: bool = False
    adopted: bool | None = None
    phases: tuple[SweepPhase, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        check_word('state of a sweep', self.state, STATES)


@dataclass(frozen=True, kw_only=True)
class StageRun(Record):
    """
    One training of a stage, or of a baseline.

    ``learning_rate`` is that of its end, ``best_rate`` that of its best weights, which may come
    from a sweep. ``train`` is the loss of each batch, ``smoothed`` a moving average of it,
    ``rate`` the learning rate; ``restarts`` are the samples at which the training went on after a
    sweep, ``resumed`` those at which it went on after it had been cut off.
    """

    number: int
    seed: int
    state: str = COMPLETE
    stop_reason: str = ''
    stop_message: str = ''
    learning_rate: float | None = None
    samples: int | None = None
    seconds: float | None = None
    best_validation: float | None = None
    best_samples: int | None = None
    best_rate: float | None = None
    original_loss: float | None = None
    train: Curve | None = None
    smoothed: Curve | None = None
    validation: Curve | None = None
    rate: Curve | None = None
    restarts: tuple[int, ...] = ()
    resumed: tuple[int, ...] = ()
    folder: str = ''
    checkpoint: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_word('state of a run', self.state, STATES)


@dataclass(frozen=True, kw_only=True)
class Example:
    """
    One canvas that the report shows: the pictures are paths of PNG or JPEG files.

    ``canvas`` are the frames before, each with the bar of its action; |error| is made from truth
    and prediction when drawn. ``transition`` tells which one of its session it is.
    """

    transition: int
    word: str
    action: str
    hybrid: float | None
    canvas: str
    truth: str
    prediction: str


@dataclass(frozen=True, kw_only=True)
class Stage(Record):
    """
    One stage: its split, what was tried, and the best that came out.

    ``samples`` and ``seconds`` are those of all its trainings, baselines and sweeps included.
    """

    number: int
    state: str = RUNNING
    reason: str = ''
    train_size: int | None = None
    validation_size: int | None = None
    overlap: int | None = None
    stop_reason: str = ''
    stop_message: str = ''
    best_validation: float | None = None
    original_loss: float | None = None
    validation_trivial: TrivialLosses | None = None
    original_trivial: TrivialLosses | None = None
    learning_rate: float | None = None
    samples: int | None = None
    seconds: float | None = None
    chosen_run: int | None = None
    runs: tuple[StageRun, ...] = ()
    baseline_runs: tuple[StageRun, ...] = ()
    sweeps: tuple[Sweep, ...] = ()
    baseline_sweeps: tuple[Sweep, ...] = ()
    events: tuple[RunEvent, ...] = ()
    evaluation: Mapping[str, Any] | None = None
    examples: tuple[Example, ...] = ()
    worst: tuple[Example, ...] = ()
    baseline_examples: tuple[Example, ...] = ()
    folder: str = ''

    def __post_init__(self) -> None:
        super().__post_init__()
        check_word('state of a stage', self.state, STATES)


def check_word(name: str, value: str, allowed: tuple[str, ...]) -> None:
    """
    Refuse a word that means nothing.

    :raises RecordError: with the allowed ones.
    """
    if value not in allowed:
        raise RecordError(f'{name} is {value!r}, must be one of {", ".join(allowed)}')

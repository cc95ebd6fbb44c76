"""
A sweep: phase A tries many learning rates shortly, phase B the best of them longer.

Every trial begins with the same weights and has its own seed, folder and checkpoints. Whatever
has ended is in the ledger: a sweep that was killed goes on with the trials that had not.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
import json
from pathlib import Path
import shutil
import time

from devrobot_interfaces_py.atomic import write_json
from devrobot_training.fit.config import TrainConfig
from devrobot_training.fit.once import best_weights
from devrobot_training.fit.training import Inputs
from devrobot_training.records import read_record, to_plain
from devrobot_training.sweeps.config import SweepConfig
from devrobot_training.sweeps.executors.base import Executor, Limits
from devrobot_training.sweeps.grid import derive_seed, learning_rates
from devrobot_training.sweeps.ledger import Ledger
from devrobot_training.sweeps.ranking import rank, TrialOutcome
from devrobot_training.sweeps.result import PhaseResult, SweepResult
from devrobot_training.sweeps.trial import Trial, TrialEnd

RESULT, JOURNAL, CLOCK = 'sweep.json', 'trials.journal', 'clock.json'
CHECKPOINTS = 'checkpoints'
A, B = 'A', 'B'
WARM_UP_SHARE = 0.1
Point = tuple[float, int]


@dataclass(frozen=True, kw_only=True)
class Budgets:
    """What one trial of each phase may use; seconds 0 = no limit."""

    samples_a: int
    samples_b: int
    seconds_a: float = 0.0
    seconds_b: float = 0.0


@dataclass(frozen=True, kw_only=True)
class SweepTask:
    """
    A sweep that is wanted: settings, weights and data to begin with, and its folder.

    ``config`` holds the configured rate, which stays if every trial fails.
    """

    folder: Path
    sweep: SweepConfig
    config: TrainConfig
    inputs: Inputs
    budgets: Budgets


@dataclass(frozen=True, kw_only=True)
class SweepView:
    """Who hears of a sweep: phase, trials that ended, trials in all, samples of those running."""

    phase: Callable[[str, int, int, Mapping[int, int], int], None] = lambda *told: None
    trial: Callable[[str, TrialOutcome], None] = lambda phase, outcome: None


def run_sweep(
    task: SweepTask,
    executor: Executor,
    *,
    view: SweepView | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> SweepResult:
    """
    Make a sweep, or what is left of it; return its result.

    :raises InterruptedTrainingError: if ``should_stop`` said so.
    """
    done = read_sweep(task.folder)
    if done is None:
        done = _Sweep(task, executor, view or SweepView(), should_stop).run()
        write_json(task.folder / RESULT, to_plain(done))
    _delete_losers(task.folder, done.checkpoint)
    return done


def read_sweep(folder: Path) -> SweepResult | None:
    """
    Return a sweep that has ended; None if it has not.

    :raises RunError: if its file is damaged.
    """
    return read_record(SweepResult, folder / RESULT, 'delete it to sweep anew')


def points_of(phase: str, rates: Sequence[float], config: SweepConfig, seed: int) -> list[Point]:
    """Return rate and seed of every trial: in A one each, in B every rate with every seed."""
    count = 1 if phase == A else config.seeds
    seeds = [derive_seed(seed, phase, number) for number in range(count)]
    return [(rate, own) for rate in rates for own in seeds]


def trial_folder(folder: Path, phase: str, number: int) -> Path:
    """Return where a trial is."""
    return folder / phase / f'trial_{number:02}'


def trial_config(
    config: TrainConfig, rate: float, seed: int, *, samples: int, seconds: float
) -> TrainConfig:
    """
    Return the settings of a trial: a constant rate, reached soon; only its budget ends it.

    A warm-up as long as that of a whole training would let a short trial end below its rate.
    """
    steps = max(1, samples // config.fit.batch_size)
    warmup = min(config.optimizer.warmup_steps, int(WARM_UP_SHARE * steps))
    return replace(
        config,
        seed=seed,
        optimizer=replace(
            config.optimizer, learning_rate=rate, warmup_steps=warmup, schedule='constant'
        ),
        stopping=replace(
            config.stopping,
            max_samples=samples,
            time_budget=seconds,
            divergence=False,
            plateau=False,
        ),
        fit=replace(config.fit, validate_every=min(config.fit.validate_every, samples)),
    )


class _Sweep:
    """One run of ``run_sweep``."""

    def __init__(
        self,
        task: SweepTask,
        executor: Executor,
        view: SweepView,
        should_stop: Callable[[], bool],
    ) -> None:
        self._task = task
        self._executor = executor
        self._view = view
        self._should_stop = should_stop
        self._before = _read_clock(task.folder)
        self._begun = time.monotonic()

    def run(self) -> SweepResult:
        """Make both phases."""
        task, budgets = self._task, self._task.budgets
        first = self._phase(
            A,
            learning_rates(task.sweep),
            budgets.samples_a,
            budgets.seconds_a,
            keep=task.sweep.survivors,
        )
        if not first.kept:
            return self._ended(first)
        second = self._phase(B, first.kept, budgets.samples_b, budgets.seconds_b, keep=1)
        return self._ended(first, second)

    def _phase(
        self, name: str, rates: Sequence[float], samples: int, seconds: float, *, keep: int
    ) -> PhaseResult:
        task = self._task
        points = points_of(name, rates, task.sweep, task.config.seed)
        ledger = Ledger(task.folder / JOURNAL, name)
        ledger.plan(points)
        ended = ledger.ended(points)
        trials = [
            Trial(
                number=number,
                folder=trial_folder(task.folder, name, number),
                config=trial_config(task.config, *point, samples=samples, seconds=seconds),
                inputs=task.inputs,
            )
            for number, point in enumerate(points)
            if number not in ended
        ]

        def note(trial: Trial, end: TrialEnd) -> None:
            outcome = _outcome(trial, end)
            ended[trial.number] = outcome
            ledger.record(outcome)
            _delete_checkpoints(
                trial_folder(task.folder, name, number) / CHECKPOINTS
                for number in beaten(ended.values(), keep_best=name != A)
            )
            self._tell_clock()
            self._view.trial(name, outcome)

        if trials:
            limits = Limits(seconds=seconds, grace=task.sweep.grace)
            self._executor.run(
                trials,
                limits,
                ended=note,
                tick=lambda running: self._view.phase(
                    name, len(ended), len(points), running, samples
                ),
                should_stop=self._should_stop,
            )
        outcomes = tuple(ended[number] for number in sorted(ended))
        ranked = rank(outcomes, task.sweep.rank)
        kept = tuple(r.learning_rate for r in ranked if r.best_trial is not None)[:keep]
        return PhaseResult(
            name=name, samples=samples, seconds=seconds, trials=outcomes, ranked=ranked, kept=kept
        )

    def _ended(self, *phases: PhaseResult) -> SweepResult:
        """Return the result: the winner of the last phase, or the configured rate."""
        task, last = self._task, phases[-1]
        winner = next((r for r in last.ranked if r.best_trial is not None), None)
        outcomes = [outcome for phase in phases for outcome in phase.trials]
        best = None
        checkpoint = ''
        if winner is not None and winner.best_trial is not None:
            best = last.trials[winner.best_trial].best
            checkpoint = best_weights(trial_folder(task.folder, last.name, winner.best_trial))
        return SweepResult(
            learning_rate=(
                task.config.optimizer.learning_rate if winner is None else winner.learning_rate
            ),
            best=best,
            checkpoint=checkpoint,
            samples=sum(outcome.samples or 0 for outcome in outcomes),
            seconds=self._seconds(),
            phases=phases,
        )

    def _seconds(self) -> float:
        return self._before + time.monotonic() - self._begun

    def _tell_clock(self) -> None:
        write_json(self._task.folder / CLOCK, self._seconds())


def _read_clock(folder: Path) -> float:
    """Return the wall time that earlier parts of this sweep took."""
    try:
        return float(json.loads((folder / CLOCK).read_text(encoding='utf-8')))
    except (OSError, ValueError):
        return 0.0


def _outcome(trial: Trial, end: TrialEnd) -> TrialOutcome:
    trained = end.trained
    return TrialOutcome(
        number=trial.number,
        learning_rate=trial.learning_rate,
        seed=trial.config.seed,
        best=trained.best_validation if trained is not None and not end.reason else None,
        reason=end.reason,
        samples=trained.samples if trained is not None else None,
        seconds=trained.seconds if trained is not None else None,
    )


def beaten(outcomes: Iterable[TrialOutcome], *, keep_best: bool) -> list[int]:
    """
    Return the trials whose weights are of no use any more: all but the best one of each rate.

    Phase B begins with the weights that A began with: of A not even the best are needed.
    """
    ended = list(outcomes)
    found = sorted((o.best, o.number, o.learning_rate) for o in ended if o.best is not None)
    # The last one that is written for a rate is its best, of equal ones the first.
    best = {rate: number for _, number, rate in reversed(found)}
    kept = set(best.values()) if keep_best else set()
    return [outcome.number for outcome in ended if outcome.number not in kept]


def _delete_losers(folder: Path, winner: str) -> None:
    """Delete the checkpoints of all trials but the winner's best one."""
    kept = Path(winner).parent.resolve() if winner else None
    _delete_checkpoints(
        path for path in folder.glob(f'[AB]/trial_*/{CHECKPOINTS}') if path.resolve() != kept
    )


def _delete_checkpoints(folders: Iterable[Path]) -> None:
    for folder in list(folders):
        shutil.rmtree(folder, ignore_errors=True)

"""How long a plan may take, from a short measurement on its own data."""

from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
import tempfile
import time

from devrobot_training.fit.events import Event, StepDone, Validated
from devrobot_training.fit.run_folder import RunFolder
from devrobot_training.fit.training import Data, Training
from devrobot_training.staged.budget import Budget, sweep_budgets
from devrobot_training.staged.config import StagedConfig
from devrobot_training.sweeps.config import OFF, PLATEAU

MEASURE_S = 3.0
LEAST_STEPS = 6
START_S = 3.0  # a worker process: interpreter, torch, session


@dataclass(frozen=True, kw_only=True)
class Speed:
    """Seconds per training sample, and per canvas that is predicted."""

    sample: float
    canvas: float


@dataclass(frozen=True, kw_only=True)
class StageTime:
    """
    What a stage takes at most, in seconds; ``training`` is None where no rule limits it.

    ``sweeps`` are all that may be triggered, ``runs`` trainings in all, baselines too.
    """

    runs: int
    training: float | None
    sweeps: float
    evaluation: float

    @property
    def total(self) -> float | None:
        """All together, None = no limit."""
        return None if self.training is None else self.training + self.sweeps + self.evaluation


def measure_speed(config: StagedConfig, data: Data) -> Speed:
    """Train a few steps in a folder that is thrown away."""
    steps: list[float] = []
    validated: list[float] = []
    last = [time.monotonic()]

    def listen(event: Event) -> None:
        now = time.monotonic()
        if isinstance(event, StepDone):
            steps.append(event.seconds)
        elif isinstance(event, Validated):
            validated.append(now - last[0])
        last[0] = now

    batch = config.fit.batch_size
    training = config.training()
    short = replace(
        training,
        stopping=replace(training.stopping, max_samples=0, time_budget=MEASURE_S),
        fit=replace(training.fit, validate_every=LEAST_STEPS * batch, checkpoint_every=10**9),
    )
    with tempfile.TemporaryDirectory() as folder:
        made = Training(RunFolder(Path(folder)), short, data, listeners=[listen])
        begun = time.monotonic()
        made.run(lambda: bool(validated) and time.monotonic() - begun > MEASURE_S)
    size = min(config.fit.validation_size or len(data.validation), len(data.validation))
    return Speed(
        sample=median(steps[1:] or steps) / batch,
        canvas=median(validated) / size if validated else median(steps) / batch,
    )


def estimate(
    config: StagedConfig,
    speed: Speed,
    *,
    canvases: int,
    actions: int,
    baseline: bool,
    workers: int,
) -> StageTime:
    """
    Return what a stage takes.

    :param canvases: of the original session.
    :param baseline: whether fresh weights are trained on this stage, too.
    """
    runs = config.runs_per_stage * (1 + baseline)
    at_once = min(config.parallel_runs, config.runs_per_stage)
    budget = Budget.of(config.stopping)
    sweeping = config.runs_per_stage * (1 + (baseline and config.baseline_sweeps))
    per_validation = min(config.fit.validation_size or canvases, canvases) * speed.canvas
    per_sample = speed.sample + per_validation / config.fit.validate_every
    sweeps = _sweep_seconds(config, budget, per_sample, workers)
    limit = _limit(budget, per_sample)
    training = None
    if limit is not None:
        # A budget is that of a training with its sweeps.
        sweeps = min(sweeps, limit)
        training = (limit * runs - sweeps * sweeping) / at_once
    sweeps *= sweeping / at_once
    measured = canvases / config.evaluation.stride * max(1, actions)
    measured += min(config.evaluation.rollouts, canvases) * config.evaluation.rollout_steps
    return StageTime(
        runs=runs,
        training=training,
        sweeps=sweeps,
        evaluation=measured * speed.canvas * runs / at_once,
    )


def _limit(budget: Budget, per_sample: float) -> float | None:
    """Return the seconds that a training and its sweeps may take; None = no limit."""
    limits = [] if budget.seconds_left is None else [budget.seconds_left]
    if budget.samples_left is not None:
        limits.append(budget.samples_left * per_sample)
    return min(limits, default=None)


def _sweep_seconds(config: StagedConfig, budget: Budget, per_sample: float, workers: int) -> float:
    """Return the wall time of all sweeps of one training."""
    sweep = config.sweep
    if sweep.when == OFF:
        return 0.0
    budgets = sweep_budgets(budget, sweep, workers=workers, batch_size=config.fit.batch_size)
    if isinstance(budgets, str):
        return 0.0
    samples = sweep.candidates * budgets.samples_a
    samples += sweep.survivors * sweep.seeds * budgets.samples_b
    count = sweep.max_per_stage if sweep.when == PLATEAU else 1
    return count * (samples * per_sample / workers + START_S)

"""
One training of a stage: parts of training, and sweeps between them, until a rule says stop.

Every part has a folder, and is done once (``fit.once``, ``sweeps.phases``). A run that was killed
goes through the same decisions again, with the results that are there, and on from where it was.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
import shutil
from typing import Any

from devrobot_interfaces_py.atomic import write_json
from devrobot_interfaces_py.configs import flatten
from devrobot_training.fit.config import TrainConfig
from devrobot_training.fit.once import best_weights, Trained
from devrobot_training.fit.stopping import PLATEAU, Stop
from devrobot_training.fit.training import Inputs
from devrobot_training.records import to_plain
from devrobot_training.staged.budget import Budget, sweep_budgets
from devrobot_training.staged.config import StagedConfig
from devrobot_training.staged.rules import Rules
from devrobot_training.staged.run_files import (
    CHECKPOINTS,
    copy_linked,
    read_result,
    RESULT,
    RunResult,
    RunTask,
    TASK,
)
from devrobot_training.sweeps.config import INITIAL, OFF
from devrobot_training.sweeps.config import PLATEAU as AT_PLATEAU
from devrobot_training.sweeps.grid import derive_seed
from devrobot_training.sweeps.phases import SweepTask
from devrobot_training.sweeps.result import SweepResult
from devrobot_world_model.config import OptimizerConfig

WARM_UP_SHARE = 0.1
LONGEST_SCHEDULE = next(
    int(info.maximum) for info in flatten(OptimizerConfig) if info.name == 'total_steps'
)


@dataclass(frozen=True, kw_only=True)
class Tools:
    """What a training works with; tests bring their own."""

    train: Callable[[Path, TrainConfig, Inputs], Trained]
    sweep: Callable[[SweepTask, int], SweepResult]
    assess: Callable[[Path, Path], float | None]
    note: Callable[[str, str, str, int | None], object] = lambda *told: None
    changed: Callable[[], object] = lambda: None
    workers: int = 1


@dataclass(frozen=True, kw_only=True)
class _Best:
    """The best weights so far: loss, the folder or checkpoint, and after how many samples."""

    loss: float
    checkpoint: str
    samples: int
    rate: float


class StageRun:
    """Makes one ``RunTask``."""

    def __init__(
        self,
        task: RunTask,
        run_folder: Path,
        config: StagedConfig,
        inputs: Inputs,
        tools: Tools,
    ) -> None:
        """Prepare; ``inputs`` says how sessions are read, the task which."""
        self._task = task
        self._run_folder = run_folder
        self._folder = run_folder / task.key
        self._config = config
        self._inputs = replace(inputs, train=Path(task.train), validation=Path(task.validation))
        self._tools = tools
        self._rules = Rules(sweep=config.sweep, threshold=config.stopping.plateau_threshold)
        self._budget = Budget.of(config.stopping)
        self._rate = task.rate
        self._start = task.start
        self._best: _Best | None = None
        self._sweeps = 0

    def run(self) -> RunResult:
        """Do what is left of it; return the result."""
        done = read_result(self._folder)
        if done is None:
            write_json(self._folder / TASK, to_plain(self._task))
            done = self._finish(self._train())
            write_json(self._folder / RESULT, to_plain(done))
        self._tidy()
        return done

    def _train(self) -> Stop:
        """Go on until a rule ends it."""
        if self._may_sweep and self._config.sweep.when == INITIAL:
            self._sweep('the stage begins')
        part = 0
        while True:
            stop = self._budget.exhausted
            if stop is not None:
                return stop
            part += 1
            ended = self._part(part)
            stop = self._rules.after_training(
                ended.reason, ended.message, sweeps=self._plateau_sweeps
            )
            if stop is not None or not self._may_sweep:
                return stop or ended
            stop = self._sweep(ended.message)
            if stop is not None:
                return stop

    @property
    def _may_sweep(self) -> bool:
        allowed = not self._task.baseline or self._config.baseline_sweeps
        return allowed and self._config.sweep.when != OFF

    @property
    def _plateau_sweeps(self) -> int:
        return self._sweeps - (self._config.sweep.when == INITIAL)

    def _part(self, number: int) -> Stop:
        """Train until a rule ends this part; return which."""
        folder = self._begun(f'part_{number}')
        trained = self._tools.train(
            folder, self._part_config(number), replace(self._inputs, start=self._start)
        )
        before = self._budget.samples
        self._budget = self._budget.spend(trained.samples, trained.seconds)
        stop = self._budget.told(
            Stop(trained.stop_reason, trained.stop_message),
            samples=trained.samples,
            seconds=trained.seconds,
        )
        loss = trained.best_validation
        if loss is not None and (self._best is None or loss < self._best.loss):
            self._best = _Best(
                loss=loss,
                checkpoint=best_weights(folder),
                samples=before + (trained.best_samples or 0),
                rate=self._rate,
            )
        self._tools.note(
            f'part {number} ended',
            'training',
            f'{stop.reason}: {stop.message}',
            self._budget.samples,
        )
        self._tools.changed()
        return stop

    def _begun(self, name: str) -> Path:
        """Return the folder of a part or a sweep; whoever looks at the run can see it begin."""
        folder = self._folder / name
        folder.mkdir(parents=True, exist_ok=True)
        self._tools.changed()
        return folder

    def _part_config(self, number: int) -> TrainConfig:
        """
        Return the settings of a part: what is left of the budget, and the rate of the last sweep.

        Each part begins its own schedule: one that went on with a schedule that has ended would
        train at its last, tiny rate.
        """
        config, budget = self._config.training(), self._budget
        left = budget.samples_left
        optimizer = replace(config.optimizer, learning_rate=self._rate)
        if left:
            # A limit beyond the longest schedule is none: the rate stays at its beginning.
            steps = min(max(1, left // config.fit.batch_size), LONGEST_SCHEDULE)
            warmup = min(optimizer.warmup_steps, max(1, int(WARM_UP_SHARE * steps)))
            optimizer = replace(optimizer, warmup_steps=warmup, total_steps=steps)
        after_sweep = self._plateau_sweeps > 0
        return replace(
            config,
            seed=derive_seed(self._task.seed, 'part', number),
            optimizer=optimizer,
            stopping=replace(
                config.stopping,
                max_samples=left or 0,
                time_budget=budget.seconds_left or 0.0,
                plateau=config.stopping.plateau and not self._uses_up_its_budget,
                plateau_after=self._config.sweep.cooldown
                if after_sweep
                else config.stopping.plateau_after,
            ),
        )

    @property
    def _uses_up_its_budget(self) -> bool:
        """
        Whether no plateau ends it.

        One that may not sweep would end where the others search and go on, and be no comparison.
        """
        stopping = self._config.stopping
        limited = stopping.max_samples > 0 or stopping.uses_time
        return self._config.sweep.when == AT_PLATEAU and not self._may_sweep and limited

    def _sweep(self, why: str) -> Stop | None:
        """Search a rate from the best weights so far; return why to stop, if so."""
        budgets = sweep_budgets(
            self._budget,
            self._config.sweep,
            workers=self._tools.workers,
            batch_size=self._config.fit.batch_size,
        )
        if isinstance(budgets, str):
            message = f'{why}; no sweep: {budgets}'
            self._tools.note(
                f'no sweep {self._sweeps + 1}', 'sweep', message, self._budget.samples
            )
            return Stop(PLATEAU, message) if self._best else None
        self._sweeps += 1
        number = self._sweeps
        self._tools.note(f'sweep {number} begun', 'sweep', why, self._budget.samples)
        folder = self._begun(f'sweep_{number}')
        start = self._best.checkpoint if self._best else self._start
        config = self._config.training()
        result = self._tools.sweep(
            SweepTask(
                folder=folder,
                sweep=self._config.sweep,
                config=replace(config, seed=derive_seed(self._task.seed, 'sweep', number)),
                inputs=replace(self._inputs, start=start),
                budgets=budgets,
            ),
            number,
        )
        return self._after_sweep(number, result)

    def _after_sweep(self, number: int, result: SweepResult) -> Stop | None:
        before = self._best.loss if self._best else None
        spent = self._budget.samples
        self._budget = self._budget.spend(result.samples, result.seconds)
        stop = self._rules.after_sweep(before, result.best) if before is not None else None
        if stop is None:
            self._rate = result.learning_rate
        if result.best is not None and (before is None or result.best < before):
            self._best = _Best(
                loss=result.best,
                checkpoint=result.checkpoint,
                samples=self._budget.samples,
                rate=result.learning_rate,
            )
            self._start = result.checkpoint
        elif self._best is not None:
            self._start = self._best.checkpoint
        told = f'{"rate" if stop is None else "best rate"} {result.learning_rate:g}'
        if result.failed:
            told = f'every trial failed: on at the configured rate {result.learning_rate:g}'
        elif result.best is not None:
            told += f', best loss {result.best:.4g}' + (f' after {before:.4g}' if before else '')
        self._tools.note(
            f'sweep {number} ended', 'sweep', told + (f'; {stop.message}' if stop else ''), spent
        )
        self._tools.changed()
        return stop

    def _finish(self, stop: Stop) -> RunResult:
        """Keep the best weights under their name, and measure them."""
        common: dict[str, Any] = {
            'stop_reason': stop.reason,
            'stop_message': stop.message,
            'learning_rate': self._rate,
            'samples': self._budget.samples,
            'seconds': self._budget.seconds,
        }
        if self._best is None:
            return RunResult(**common, reason=f'no weights came of it: {stop.message}')
        kept = self._run_folder / CHECKPOINTS / self._task.name
        if not kept.exists():
            copy_linked(Path(self._best.checkpoint), kept)
        return RunResult(
            **common,
            best_validation=self._best.loss,
            best_samples=self._best.samples,
            best_rate=self._best.rate,
            original_loss=self._tools.assess(kept, self._folder),
            checkpoint=f'{CHECKPOINTS}/{self._task.name}',
        )

    def _tidy(self) -> None:
        """Delete the checkpoints of all parts: the best of them has its own place."""
        for pattern in ('part_*/checkpoints', 'sweep_*/[AB]/trial_*/checkpoints'):
            for path in self._folder.glob(pattern):
                shutil.rmtree(path, ignore_errors=True)

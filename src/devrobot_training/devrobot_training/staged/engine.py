"""The parts that a training of a stage is made with: data, processes, measurements."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from devrobot_training.data.canvases import CanvasSet
from devrobot_training.fit.config import TrainConfig
from devrobot_training.fit.events import Event, StepDone, Validating
from devrobot_training.fit.once import train_once, Trained
from devrobot_training.fit.training import Data, Inputs, open_data
from devrobot_training.records import to_plain
from devrobot_training.staged.assessment import assess, opened_canvases
from devrobot_training.staged.config import StagedConfig
from devrobot_training.staged.journal import Journal
from devrobot_training.staged.run_files import from_call, RunResult, RunTask
from devrobot_training.staged.stage_run import StageRun, Tools
from devrobot_training.staged.view import View
from devrobot_training.sweeps.config import OFF, RAY
from devrobot_training.sweeps.executors.base import Executor, worker_count
from devrobot_training.sweeps.executors.local import LocalExecutor
from devrobot_training.sweeps.phases import run_sweep, SweepTask, SweepView
from devrobot_training.sweeps.ranking import TrialOutcome
from devrobot_training.sweeps.result import SweepResult
from devrobot_training.sweeps.trial import device_of


class Engine:
    """Makes trainings, sweeps and measurements of one run; canvases are kept while they fit."""

    def __init__(
        self,
        run_folder: Path,
        config: StagedConfig,
        inputs: Inputs,
        *,
        view: View,
        journal: Journal,
        should_stop: Callable[[], bool],
    ) -> None:
        """Prepare; ``inputs`` says how sessions are read, ``train`` is the original one."""
        self._run_folder = run_folder
        self._config = config
        self._inputs = inputs
        self._view = view
        self._journal = journal
        self._should_stop = should_stop
        self._data: tuple[Any, Data] | None = None
        self._original: CanvasSet | None = None
        self._executor: Executor | None = None
        self._workers = trial_workers(config)

    def run(self, task: RunTask, changed: Callable[[], object] = lambda: None) -> RunResult:
        """Make a training of a stage; see ``StageRun.run``."""
        self._view.training(task.stage, task.number, baseline=task.baseline)
        tools = Tools(
            train=lambda folder, config, inputs: self._train(task, folder, config, inputs),
            sweep=lambda sweep, number: self._sweep(task, sweep, number, changed),
            assess=lambda checkpoint, folder: self._assess(task, checkpoint, folder),
            note=lambda key, kind, text, samples: self._journal.note(
                f'{task.key}/{key}', kind, f'{title_of(task)}, {text}', samples
            ),
            changed=changed,
            workers=self._workers,
        )
        return StageRun(task, self._run_folder, self._config, self._inputs, tools).run()

    def original(self) -> CanvasSet:
        """Return the canvases that the final choice is made on."""
        if self._original is None:
            self._original = opened_canvases(
                self._inputs.train,
                self._config,
                namespace=self._inputs.namespace,
                skip_faulty=self._inputs.skip_faulty,
                reading=self._reading,
            )
        return self._original

    def data_of(self, train: str, validation: str) -> Data:
        """Return the canvases of a stage."""
        inputs = replace(self._inputs, train=Path(train), validation=Path(validation), start='')
        if self._data is None or self._data[0] != inputs:
            self._data = None
            self._data = (inputs, open_data(inputs, self._config.training(), self._reading))
        return self._data[1]

    def close(self) -> None:
        """End the processes."""
        if self._executor is not None:
            self._executor.close()

    def _reading(self, done: int, total: int) -> None:
        self._view.progress('reading', done, total)

    def _train(self, task: RunTask, folder: Path, config: TrainConfig, inputs: Inputs) -> Trained:
        title = f'{title_of(task)}: training'

        def listen(event: Event) -> None:
            self._view.event(event)
            if isinstance(event, StepDone | Validating):
                self._view.progress(title, event.samples, config.stopping.max_samples)

        return train_once(
            folder,
            config,
            lambda: self.data_of(task.train, task.validation),
            start=inputs.start,
            log_to=self._config.log_to,
            listeners=[listen],
            should_stop=self._should_stop,
        )

    def _sweep(
        self, task: RunTask, sweep: SweepTask, number: int, changed: Callable[[], object]
    ) -> SweepResult:
        title = f'{title_of(task)}: sweep {number}'

        def phase(
            name: str, ended: int, count: int, running: Mapping[int, int], samples: int
        ) -> None:
            self._view.trials(f'{title}, phase {name}', ended, count, running, samples)

        def trial(name: str, outcome: TrialOutcome) -> None:
            told = f'failed: {outcome.reason}' if outcome.failed else f'loss {outcome.best:.4g}'
            self._view.say(
                f'{title}, phase {name}, trial {outcome.number}: rate '
                f'{outcome.learning_rate:g}, {told}'
            )
            changed()

        return run_sweep(
            sweep,
            self._trial_executor(),
            view=SweepView(phase=phase, trial=trial),
            should_stop=self._should_stop,
        )

    def _assess(self, task: RunTask, checkpoint: Path, folder: Path) -> float | None:
        title = f'{title_of(task)}: evaluating'
        return assess(
            checkpoint,
            folder,
            self._run_folder,
            self._config,
            self.original,
            progress=lambda done, total: self._view.progress(title, done, total),
            should_stop=self._should_stop,
        ).original_loss

    def _trial_executor(self) -> Executor:
        if self._executor is None:
            self._executor = make_executor(self._config, self._workers)
        return self._executor


def trial_workers(config: StagedConfig) -> int:
    """Return how many trials a training makes at a time; those in parallel share the cores."""
    trainings = min(config.parallel_runs, config.runs_per_stage)
    return worker_count(config.sweep.workers, config.threads * trainings, config.device)


def make_executor(config: StagedConfig, workers: int) -> Executor:
    """
    Return where trials are made.

    :raises ConfigError: if a package that it needs is not installed.
    """
    if config.sweep.executor == RAY:
        # Only where it is asked for: it takes seconds to import, and may not be there.
        from devrobot_training.sweeps.executors.ray import RayExecutor

        return RayExecutor(workers, device=config.device)
    return LocalExecutor(workers)


def check_executor(config: StagedConfig) -> None:
    """
    Refuse at the beginning what the first sweep would need.

    :raises ConfigError: if a package is not installed.
    """
    if config.sweep.when != OFF:
        make_executor(config, 1)


class _BeatingView(View):
    """Lets somebody hear that something goes on, whatever it is."""

    def __init__(self, beat: Callable[[int], None]) -> None:
        self._beat = beat

    def progress(self, title: str, done: int, total: int) -> None:
        self._beat(done)

    def trials(
        self, title: str, ended: int, count: int, running: Mapping[int, int], samples: int
    ) -> None:
        self._beat(ended)


class StageRunner:
    """Makes trainings of stages in a process of their own; see ``executors.worker``."""

    def __init__(self, slot: int) -> None:
        """``slot`` is the number of this process, which chooses its GPU."""
        self._slot = slot

    def __call__(
        self,
        call: Mapping[str, Any],
        beat: Callable[[int], None],
        should_stop: Callable[[], bool],
    ) -> dict[str, Any]:
        """Make one; return its ``RunResult`` as plain data."""
        task, run_folder, config, inputs = from_call(call)
        config = replace(config, device=device_of(config.device, self._slot))
        engine = Engine(
            run_folder,
            config,
            inputs,
            view=_BeatingView(beat),
            journal=Journal(run_folder),
            should_stop=should_stop,
        )
        try:
            return dict(to_plain(engine.run(task)))
        finally:
            with suppress(OSError):
                engine.close()


def title_of(task: RunTask) -> str:
    """Return what people call a training: ``stage 2 run 1``."""
    return task.name.replace('_0', ' ').replace('_', ' ')

"""The trainings of a stage, one after the other or some at a time, whatever becomes of each."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from devrobot_interfaces_py.atomic import write_json
from devrobot_training.evaluation.evaluate import EvaluationStoppedError
from devrobot_training.fit.once import InterruptedTrainingError
from devrobot_training.fit.once import RESULT as TRAINED
from devrobot_training.fit.problems import one_line
from devrobot_training.fit.run_folder import CONFIG
from devrobot_training.fit.training import Data, Inputs
from devrobot_training.records import from_plain, to_plain
from devrobot_training.staged.config import StagedConfig
from devrobot_training.staged.engine import Engine, StageRunner, title_of
from devrobot_training.staged.going_on import check_beginning, take_away, weights_are_gone
from devrobot_training.staged.journal import Journal
from devrobot_training.staged.run_files import (
    call_of,
    read_result,
    RESULT,
    RunResult,
    RunTask,
    TASK,
)
from devrobot_training.staged.view import View
from devrobot_training.sweeps.executors.base import Limits
from devrobot_training.sweeps.executors.disk import disk_problem
from devrobot_training.sweeps.executors.pool import Answer, Call, ProcessPool
from devrobot_training.sweeps.phases import JOURNAL

#: What appears or grows when a training begins, or a part or trial of it begins or ends.
TRACES = (TASK, f'part_*/{CONFIG}', f'part_*/{TRAINED}', f'sweep_*/{JOURNAL}')


class Trainings:
    """Makes the trainings of stages of one run."""

    def __init__(
        self,
        run_folder: Path,
        config: StagedConfig,
        inputs: Inputs,
        *,
        view: View,
        journal: Journal,
        changed: Callable[[], object],
        should_stop: Callable[[], bool],
    ) -> None:
        """
        Prepare.

        :param inputs: how sessions are read; ``train`` is the original session.
        :param changed: called whenever there is something new to report.
        """
        self._folder = run_folder
        self._config = config
        self._inputs = inputs
        self._view = view
        self._journal = journal
        self._changed = changed
        self._should_stop = should_stop
        self._engine = Engine(
            run_folder,
            config,
            inputs,
            view=view,
            journal=journal,
            should_stop=should_stop,
        )

    def make(self, tasks: Sequence[RunTask]) -> list[RunResult]:
        """
        Make all trainings that have not ended; return the results in their order.

        :raises InterruptedTrainingError: if ``should_stop`` said so.
        :raises OSError: if the disk refuses.
        :raises RunError: if what is there of one cannot be used, with the way out.
        """
        for task in tasks:
            self._prepare(task)
        if self._config.parallel_runs > 1 and len(tasks) > 1:
            return self._in_parallel(tasks)
        return [self._one(task) for task in tasks]

    def data_of(self, train: str, validation: str) -> Data:
        """Return the canvases of a stage."""
        return self._engine.data_of(train, validation)

    def close(self) -> None:
        """End the processes."""
        self._engine.close()

    def _prepare(self, task: RunTask) -> None:
        """Let a training that has to go on begin anew if the weights that it needs are gone."""
        if read_result(self._folder / task.key) is not None:
            return
        gone = weights_are_gone(task, self._folder)
        check_beginning(task, self._folder, anew=gone)
        if gone:
            take_away(task, self._folder)
            told = f'{title_of(task)} is made anew: weights that it needs to go on are gone'
            self._journal.note(f'{task.key}/anew', 'training', told)

    def _one(self, task: RunTask) -> RunResult:
        """Make a training; one that breaks is a failed one, and the night goes on."""
        if self._should_stop():
            raise InterruptedTrainingError('stopped on request')
        try:
            return self._engine.run(task, changed=self._changed)
        except (InterruptedTrainingError, EvaluationStoppedError):
            raise
        except Exception as error:  # whatever it is: in parallel, it ends no other training
            if disk_problem(error):
                raise
            return self._broken(task, one_line(f'{type(error).__name__}: {error}'))

    def _broken(self, task: RunTask, reason: str) -> RunResult:
        result = RunResult(
            stop_reason='error', stop_message=reason, learning_rate=task.rate, samples=0,
            seconds=0.0, reason=reason,
        )  # fmt: skip
        write_json(self._folder / task.key / RESULT, to_plain(result))
        self._journal.note(f'{task.key}/broken', 'alert', f'{task.name} failed: {reason}')
        return result

    def _in_parallel(self, tasks: Sequence[RunTask]) -> list[RunResult]:
        done = {t.number: r for t in tasks if (r := read_result(self._folder / t.key)) is not None}

        def answered(call: Call, answer: Answer) -> None:
            task = tasks[call.number - 1]
            if answer.reason:
                done[task.number] = self._broken(task, answer.reason)
            else:
                done[task.number] = from_plain(RunResult, answer.result)
            self._changed()

        first = tasks[0]
        self._view.training(first.stage, 0, baseline=first.baseline)
        title = f'stage {first.stage}: {"baselines" if first.baseline else "runs"}'
        seen: list[dict[str, int]] = [{}]

        def tick(running: Mapping[int, int]) -> None:
            self._view.trainings(title, len(done), len(tasks), running)
            found = self._traces(tasks)
            if found != seen[0]:
                seen[0] = found
                self._changed()

        pool = ProcessPool(self._config.parallel_runs, work=StageRunner)
        try:
            pool.run(
                [
                    Call(
                        number=task.number,
                        data=call_of(task, self._folder, self._config, self._inputs),
                    )
                    for task in tasks
                    if task.number not in done
                ],
                Limits(grace=self._config.sweep.grace),
                ended=answered,
                tick=tick,
                should_stop=self._should_stop,
            )
        finally:
            pool.close()
        return [done[task.number] for task in tasks]

    def _traces(self, tasks: Sequence[RunTask]) -> dict[str, int]:
        """Return the files that tell how far trainings in other processes are, by size."""
        found = (
            path
            for task in tasks
            for pattern in TRACES
            for path in (self._folder / task.key).glob(pattern)
        )
        return {str(path): path.stat().st_size for path in found}

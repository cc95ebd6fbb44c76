"""
A whole staged training: stage after stage, baselines, and the choice.

It can be run again on the same folder at any time: what has ended is read, the rest is done. The
choice is the one that an uninterrupted run would have made.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from devrobot_interfaces_py.atomic import remove_leftovers
from devrobot_training.evaluation.evaluate import EvaluationStoppedError
from devrobot_training.fit.once import InterruptedTrainingError
from devrobot_training.fit.problems import one_line
from devrobot_training.fit.run_folder import BEST, point_to
from devrobot_training.fit.training import Inputs
from devrobot_training.logs.writers import check_writers
from devrobot_training.report.stage_records import (
    COMPLETE,
    FAILED,
    INTERRUPTED,
    TrivialLosses,
)
from devrobot_training.report.summary import RunSummary
from devrobot_training.staged.assessment import trivial_losses
from devrobot_training.staged.begin import Begun
from devrobot_training.staged.choice import best_of, Candidate, final_choice, keep_best
from devrobot_training.staged.collecting import BASELINES, run_key, RUNS, stage_folder
from devrobot_training.staged.engine import check_executor
from devrobot_training.staged.going_on import check_there
from devrobot_training.staged.journal import CHOICE, Journal, last_ending, read_events, RESUMED
from devrobot_training.staged.plan import PlannedStage
from devrobot_training.staged.reporting import note_trivial, Reporter
from devrobot_training.staged.run_files import CHECKPOINTS, RunResult, RunTask
from devrobot_training.staged.trainings import Trainings
from devrobot_training.staged.view import View
from devrobot_training.sweeps.grid import derive_seed
from devrobot_world_model.model.factory import resolve_device

NO_WEIGHTS = 'no stage came to any weights'


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How a run ended; ``choice`` is None if it was not made, ``report`` if it was not written."""

    status: str
    message: str
    summary: RunSummary
    choice: Candidate | None = None
    report: Path | None = None


class StagedTraining:
    """One run folder, worked through from its beginning to its end."""

    def __init__(
        self,
        begun: Begun,
        *,
        view: View | None = None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> None:
        """
        Prepare.

        :raises ConfigError: if the device is not there, or the package of ``sweep.executor``.
        :raises RunError: if a package for ``log_to`` is not.
        """
        config = begun.config
        check_writers(config.log_to)
        check_executor(config)
        self._folder = begun.folder.resolve()
        self._config = config
        self._plan = begun.plan
        self._view = view or View()
        self._journal = Journal(self._folder, self._view.say)
        reading = Inputs(
            train=Path(begun.plan.original),
            namespace=begun.inputs.namespace,
            skip_faulty=begun.inputs.skip_faulty,
        )
        self._checkpoint = begun.inputs.checkpoint
        self._reporter = Reporter(
            self._folder,
            config,
            begun.plan,
            begun.facts,
            view=self._view,
            device=str(resolve_device(config.device)),
        )
        self._trainings = Trainings(
            self._folder,
            config,
            reading,
            view=self._view,
            journal=self._journal,
            changed=self._reporter.update,
            should_stop=should_stop,
        )
        self._candidates: list[Candidate] = []

    def run(self) -> Ending:
        """
        Do what is left; a stop on request is an ending, too.

        The caller holds the lock of the folder: what a killed process left half-written goes.

        :raises OSError: if the disk refuses; the run can be gone on with.
        :raises CheckpointError: the same, or a checkpoint to begin with does not fit.
        """
        try:
            remove_leftovers(self._folder)
            if self._reporter.resumed:
                self._journal.always(RESUMED, self._reporter.resumed)
            self._save_and_report()
            choice = self._all_stages()
        except (InterruptedTrainingError, EvaluationStoppedError):
            self._journal.always(INTERRUPTED, 'stopped on request')
            return self._end(INTERRUPTED, 'stopped on request')
        except BaseException as error:
            self._fail(error)
            raise
        finally:
            self._trainings.close()
        if choice is None:
            self._journal.always(FAILED, NO_WEIGHTS)
            return self._end(FAILED, NO_WEIGHTS)
        return self._end(COMPLETE, '', choice)

    def _all_stages(self) -> Candidate | None:
        start, rate = self._checkpoint, self._config.optimizer.learning_rate
        first, to_report = True, False
        for place, stage in enumerate(self._plan.stages, 1):
            self._reporter.begin_stage(stage.number)
            title = f'stage {stage.number}'
            if stage.problem:
                self._note(stage, 'skipped', 'skipped', f'{title} is skipped: {stage.problem}')
                continue
            sizes = f'{stage.train_size} transitions train, {stage.validation_size} validate'
            self._view.stage(place, len(self._plan.stages), f'{title}: {sizes}')
            begins = self._note(stage, 'begun', 'stage', f'{title} begins: {sizes}')
            if begins or to_report:
                self._save_and_report()
            self._measure_trivial(stage)
            results = self._runs(stage, RUNS, start, rate)
            chosen = best_of(results)
            if self._config.baseline and not (first and not start):
                fresh = self._config.optimizer.learning_rate
                self._runs(stage, BASELINES, '', fresh)
            first = False
            if chosen is not None:
                best = results[chosen]
                start, rate = str(self._folder / best.checkpoint), best.learning_rate
            self._thin_out(start)
            to_report = self._end_stage(stage, results, chosen)
        return self._choose()

    def _runs(self, stage: PlannedStage, kind: str, start: str, rate: float) -> list[RunResult]:
        """Return the results of all trainings of a stage, in their order."""
        tasks = [
            RunTask(
                key=run_key(stage.number, kind, number),
                name=f'stage_{stage.number:02}_{kind}_{number}',
                stage=stage.number,
                number=number,
                seed=derive_seed(self._config.seed, stage.number, kind, number),
                rate=rate,
                start=start,
                train=stage.train,
                validation=stage.validation,
                baseline=kind == BASELINES,
            )
            for number in range(1, self._config.runs_per_stage + 1)
        ]
        results = self._trainings.make(tasks)
        self._candidates += [
            Candidate(stage=stage.number, number=number, baseline=kind == BASELINES, result=result)
            for number, result in enumerate(results, 1)
        ]
        return results

    def _measure_trivial(self, stage: PlannedStage) -> None:
        def measure() -> TrivialLosses:
            data = self._trainings.data_of(stage.train, stage.validation)
            return trivial_losses(data.validation, data.train, self._config.loss)

        note_trivial(self._folder / stage_folder(stage.number), measure)

    def _end_stage(
        self, stage: PlannedStage, results: list[RunResult], chosen: int | None
    ) -> bool:
        """Return whether its end is new: the pages that tell it are those of what comes next."""
        told = 'no weights: ' + '; '.join(dict.fromkeys(r.reason for r in results))
        if chosen is not None:
            loss = results[chosen].original_loss
            shown = 'not measured' if loss is None else f'{loss:.4g}'
            told = f'{shown} on the original session, run {chosen + 1}'
        new = self._note(stage, 'ended', 'stage', f'stage {stage.number} ended: {told}')
        if new:
            self._reporter.update()
        return new

    def _save_and_report(self) -> None:
        """Let people see what there is, also if the run is killed in a moment."""
        self._reporter.update()
        self._reporter.report()

    def _thin_out(self, start: str) -> None:
        """Delete the checkpoints that are neither among the best nor needed to go on."""
        found = [c.result for c in self._candidates if c.result.checkpoint]
        results = {Path(result.checkpoint).name: result for result in found}
        protect = [Path(start).name] if start else []
        keep_best(self._folder, results, self._config.keep_checkpoints, protect)

    def _choose(self) -> Candidate | None:
        choice = final_choice(self._candidates)
        if choice is not None:
            check_there(self._folder, Path(choice.result.checkpoint).name)
            point_to(self._folder / CHECKPOINTS, BEST, Path(choice.result.checkpoint).name)
            kind = 'baseline' if choice.baseline else 'run'
            told = f'stage {choice.stage}, {kind} {choice.number} is the best'
            if not self._journal.note(CHOICE, CHOICE, told):
                last = last_ending(read_events(self._folder))
                if last is not None and last.kind != CHOICE:
                    self._journal.always(CHOICE, told)  # it went on since
        return choice

    def _note(self, stage: PlannedStage, key: str, kind: str, message: str) -> bool:
        return self._journal.note(f'{stage_folder(stage.number)}/{key}', kind, message)

    def _end(self, status: str, message: str, choice: Candidate | None = None) -> Ending:
        summary = self._reporter.save(status, message, choice)
        report = self._reporter.report()
        return Ending(
            status=status, message=message, summary=summary, choice=choice, report=report
        )

    def _fail(self, error: BaseException) -> None:
        """Leave what there is; the disk may be full, and the error matters more than this."""
        status = INTERRUPTED if isinstance(error, KeyboardInterrupt) else FAILED
        reason = one_line(error) or type(error).__name__
        with suppress(OSError):
            self._journal.always(status, reason)
        try:
            self._reporter.save(status, reason)
            self._reporter.report()
        except (OSError, ValueError) as second:
            self._view.say(f'the summary could not be written: {second}')

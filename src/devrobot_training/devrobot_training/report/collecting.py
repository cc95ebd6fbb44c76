"""What a run folder tells, also one whose run died: its summary, brought up to date."""

from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from devrobot_training.fit.problems import RunError
from devrobot_training.records import RecordError
from devrobot_training.report.provenance import is_alive
from devrobot_training.report.ranking import training_samples
from devrobot_training.report.stage_records import (
    INTERRUPTED,
    RUNNING,
    Stage,
    StageRun,
    Sweep,
)
from devrobot_training.report.summary import load_summary, RunSummary
from devrobot_training.report.training_curves import read_training_curves

PartT = TypeVar('PartT', StageRun, Sweep)
DIED = 'its process ended without a word'


def read_run(folder: Path) -> RunSummary:
    """
    Return the summary of a run.

    A run that says that it is running, and whose process is gone, was interrupted; what its
    trainings logged after the last summary is read from their logs.

    :raises RunError: if there is no summary, or it is damaged.
    """
    summary = load_summary(folder)
    if summary.header.status != RUNNING:
        return summary
    stages = tuple(_with_logs(stage, folder) for stage in summary.stages)
    if is_alive(summary.header) is not False:
        return replace(summary, stages=stages)
    header = replace(summary.header, status=INTERRUPTED, status_message=DIED)
    return replace(summary, header=header, stages=tuple(map(_ended, stages)))


def _ended(stage: Stage) -> Stage:
    if stage.state != RUNNING:
        return stage
    return replace(
        stage,
        state=INTERRUPTED,
        reason=stage.reason or DIED,
        runs=tuple(map(_cut_off, stage.runs)),
        baseline_runs=tuple(map(_cut_off, stage.baseline_runs)),
        sweeps=tuple(map(_cut_off, stage.sweeps)),
        baseline_sweeps=tuple(map(_cut_off, stage.baseline_sweeps)),
    )


def _cut_off(part: PartT) -> PartT:
    return replace(part, state=INTERRUPTED) if part.state == RUNNING else part


def _with_logs(stage: Stage, folder: Path) -> Stage:
    runs = tuple(_with_log(run, folder) for run in stage.runs)
    baselines = tuple(_with_log(run, folder) for run in stage.baseline_runs)
    samples = training_samples((*runs, *baselines))
    return replace(stage, runs=runs, baseline_runs=baselines, samples=samples or stage.samples)


def _with_log(run: StageRun, folder: Path) -> StageRun:
    """Return a training that was cut off with the curves of its log."""
    if run.state != RUNNING or not run.folder:
        return run
    try:
        curves = read_training_curves(folder / run.folder)
    except (RunError, RecordError, OSError, ValueError):
        return run  # nothing was logged yet, or the disk was full: the summary has to do
    measured = [value for value in curves.validation.values if value is not None]
    return replace(
        run,
        train=curves.train,
        smoothed=curves.smoothed,
        validation=curves.validation,
        rate=curves.rate,
        resumed=curves.resumed,
        samples=curves.samples or run.samples,
        best_validation=min(measured, default=run.best_validation),
    )

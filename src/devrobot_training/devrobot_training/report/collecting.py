"""What a run folder tells, also one whose run died: its summary, brought up to date."""

from dataclasses import replace
from pathlib import Path

from devrobot_training.fit.problems import RunError
from devrobot_training.logs.run_log import read_log
from devrobot_training.records import RecordError
from devrobot_training.report.provenance import is_alive
from devrobot_training.report.ranking import training_samples
from devrobot_training.report.stage_records import (
    Curve,
    INTERRUPTED,
    RUNNING,
    Stage,
    StageRun,
)
from devrobot_training.report.summary import load_summary, RunSummary
import numpy as np

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
    )


def _cut_off(run: StageRun) -> StageRun:
    return replace(run, state=INTERRUPTED) if run.state == RUNNING else run


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
        log = read_log(folder / run.folder)
        validation = _curve(log.column('samples'), log.validation)
        train = _curve(log.batches['samples'], log.batches['loss'])
    except (RunError, RecordError, OSError, ValueError):
        return run  # nothing was logged yet, or the disk was full: the summary has to do
    measured = [value for value in validation.values if value is not None]
    return replace(
        run,
        train=train,
        validation=validation,
        samples=max((*train.samples, *validation.samples), default=run.samples),
        best_validation=min(measured, default=run.best_validation),
    )


def _curve(samples: np.ndarray, values: np.ndarray) -> Curve:
    known = np.isfinite(samples)
    return Curve(
        samples=tuple(map(int, samples[known])),
        values=tuple(float(v) if np.isfinite(v) else None for v in values[known]),
    )

"""What is known of a stage, made of what lies in its folder."""

from pathlib import Path
from typing import Any

from devrobot_training.fit.run_folder import STAGES
from devrobot_training.report.ranking import training_samples, training_seconds
from devrobot_training.report.stage_records import (
    COMPLETE,
    Example,
    FAILED,
    SKIPPED,
    Stage,
    StageRun,
    Sweep,
    TrivialLosses,
)
from devrobot_training.staged.assessment import read_assessment
from devrobot_training.staged.choice import best_of
from devrobot_training.staged.config import StagedConfig
from devrobot_training.staged.curves import curves_of_parts
from devrobot_training.staged.journal import read_events
from devrobot_training.staged.plan import PlannedStage
from devrobot_training.staged.run_files import read_result, read_task, RunResult
from devrobot_training.staged.sweep_records import sweeps_of

RUNS, BASELINES = 'run', 'baseline'


def stage_folder(number: int) -> str:
    """Return where a stage is, relative to the run folder."""
    return f'{STAGES}/stage_{number:02}'


def run_key(stage: int, kind: str, number: int) -> str:
    """Return where a training of a stage is, relative to the run folder."""
    return f'{stage_folder(stage)}/{kind}_{number}'


def collect_stage(
    planned: PlannedStage,
    run_folder: Path,
    config: StagedConfig,
    *,
    status: str,
    trivial: TrivialLosses | None,
) -> Stage:
    """
    Return all that is known of a stage.

    :param status: of the whole run; that of whatever has not ended.
    :param trivial: the losses on the validation set that need no model.
    """
    common: dict[str, Any] = {
        'number': planned.number,
        'train_size': planned.train_size,
        'validation_size': planned.validation_size,
        'overlap': planned.overlap,
        'folder': stage_folder(planned.number),
        'events': read_events(run_folder, planned.number),
    }
    if planned.problem:
        return Stage(**common, state=SKIPPED, reason=planned.problem)
    numbers = range(1, config.runs_per_stage + 1)
    folders = {n: run_folder / run_key(planned.number, RUNS, n) for n in numbers}
    results = {n: r for n, folder in folders.items() if (r := read_result(folder)) is not None}
    state, reason = _state(results, config, status)
    runs = _runs(run_folder, planned.number, RUNS, config, status)
    baselines = _runs(run_folder, planned.number, BASELINES, config, status)
    common |= {
        'state': state,
        'reason': reason,
        'samples': training_samples((*runs, *baselines)),
        'seconds': training_seconds((*runs, *baselines)),
        'runs': runs,
        'baseline_runs': baselines,
        'sweeps': _sweeps(run_folder, planned.number, RUNS, config, status),
        'baseline_sweeps': _sweeps(run_folder, planned.number, BASELINES, config, status),
        'baseline_examples': _examples_of_best(run_folder, planned.number, config),
        'validation_trivial': trivial,
    }
    chosen = best_of(list(results.values()))
    if chosen is None:
        return Stage(**common)
    number = list(results)[chosen]
    return Stage(**common, **_of_best(number, results[number], folders[number]))


def _of_best(number: int, best: RunResult, folder: Path) -> dict[str, Any]:
    """Return the fields of a stage that are those of its best training."""
    assessed = read_assessment(folder)
    return {
        'chosen_run': number,
        'stop_reason': best.stop_reason,
        'stop_message': best.stop_message,
        'best_validation': best.best_validation,
        'original_loss': best.original_loss,
        'learning_rate': best.learning_rate,
        'original_trivial': assessed.trivial if assessed else None,
        'evaluation': assessed.evaluation if assessed else None,
        'examples': assessed.examples if assessed else (),
        'worst': assessed.worst if assessed else (),
        'missing': {} if assessed else {'evaluation': 'it was not measured'},
    }


def _state(results: dict[int, RunResult], config: StagedConfig, status: str) -> tuple[str, str]:
    if len(results) < config.runs_per_stage:
        return status, ''
    if not any(result.checkpoint for result in results.values()):
        return FAILED, '; '.join(dict.fromkeys(result.reason for result in results.values()))
    return COMPLETE, ''


def _runs(
    run_folder: Path, stage: int, kind: str, config: StagedConfig, status: str
) -> tuple[StageRun, ...]:
    keys = [run_key(stage, kind, number) for number in range(1, config.runs_per_stage + 1)]
    return tuple(
        _run(number, run_folder / key, run_folder, config, status)
        for number, key in enumerate(keys, 1)
        if read_task(run_folder / key) is not None
    )


def _sweeps(
    run_folder: Path, stage: int, kind: str, config: StagedConfig, status: str
) -> tuple[Sweep, ...]:
    return tuple(
        sweep
        for number in range(1, config.runs_per_stage + 1)
        for sweep in sweeps_of(number, run_folder / run_key(stage, kind, number), config, status)
    )


def _examples_of_best(run_folder: Path, stage: int, config: StagedConfig) -> tuple[Example, ...]:
    """Return the canvases of the best baseline."""
    folders = [
        run_folder / run_key(stage, BASELINES, number)
        for number in range(1, config.runs_per_stage + 1)
    ]
    results = {folder: found for folder in folders if (found := read_result(folder)) is not None}
    best = best_of(list(results.values()))
    assessed = None if best is None else read_assessment(list(results)[best])
    return assessed.examples if assessed else ()


def _run(
    number: int, folder: Path, run_folder: Path, config: StagedConfig, status: str
) -> StageRun:
    task, result = read_task(folder), read_result(folder)
    parts = _parts(folder)
    curves, restarts = curves_of_parts(parts, folder, config)
    # The log of a training that was cut off is looked for in this folder.
    place = parts[0] if len(parts) == 1 and result is None else folder
    common: dict[str, Any] = {
        'number': number,
        'seed': task.seed if task else 0,
        'train': curves.train,
        'smoothed': curves.smoothed,
        'validation': curves.validation,
        'rate': curves.rate,
        'restarts': restarts,
        'resumed': curves.resumed,
        'folder': str(place.relative_to(run_folder)),
    }
    if result is not None:
        return StageRun(**common, **_ended(result))
    measured = [loss for loss in curves.validation.values if loss is not None]
    return StageRun(
        **common,
        state=status,
        learning_rate=task.rate if task else None,
        samples=curves.samples,
        best_validation=min(measured, default=None),
        missing={'original_loss': 'the training has not ended'},
    )


def _ended(result: RunResult) -> dict[str, Any]:
    return {
        'state': COMPLETE if result.checkpoint else FAILED,
        'stop_reason': result.stop_reason,
        'stop_message': result.reason or result.stop_message,
        'learning_rate': result.learning_rate,
        'samples': result.samples,
        'seconds': result.seconds,
        'best_validation': result.best_validation,
        'best_samples': result.best_samples,
        'best_rate': result.best_rate,
        'original_loss': result.original_loss,
        'checkpoint': result.checkpoint or None,
    }


def _parts(folder: Path) -> list[Path]:
    found = sorted(folder.glob('part_*'), key=lambda path: int(path.name.partition('_')[2]))
    return [path for path in found if path.is_dir()]

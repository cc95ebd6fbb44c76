"""The sweeps of a training as the report tells them."""

from pathlib import Path

from devrobot_training.fit.once import read_curves, read_trained
from devrobot_training.report.stage_records import (
    COMPLETE,
    Curve,
    DROPPED,
    FAILED,
    INITIAL,
    PLATEAU,
    Sweep,
    SweepCandidate,
    SweepPhase,
    SweepTrial,
)
from devrobot_training.staged.config import StagedConfig
from devrobot_training.staged.rules import Rules
from devrobot_training.staged.run_files import read_task
from devrobot_training.sweeps.config import INITIAL as AT_BEGIN
from devrobot_training.sweeps.ledger import read_trials
from devrobot_training.sweeps.phases import A, B, JOURNAL, read_sweep, trial_folder
from devrobot_training.sweeps.ranking import Ranked, TrialOutcome
from devrobot_training.sweeps.result import PhaseResult, SweepResult

NOT_ENDED = 'the sweep has not ended'


def sweep_folders(folder: Path) -> list[Path]:
    """Return the folders of the sweeps of a training, in order."""
    return sorted(folder.glob('sweep_*'), key=lambda path: int(path.name.partition('_')[2]))


def sweeps_of(run: int, folder: Path, config: StagedConfig, status: str) -> tuple[Sweep, ...]:
    """
    Return the sweeps of a training.

    :param status: of the whole run; that of a sweep that has not ended.
    """
    found = []
    samples, before = 0, None
    task = read_task(folder)
    rate = task.rate if task else config.optimizer.learning_rate
    initial = config.sweep.when == AT_BEGIN
    rules = Rules(sweep=config.sweep, threshold=config.stopping.plateau_threshold)
    for number, place in enumerate(sweep_folders(folder), 1):
        part = read_trained(folder / f'part_{number - initial}')
        if part is not None:
            samples += part.samples
            losses = [loss for loss in (before, part.best_validation) if loss is not None]
            before, rate = min(losses, default=None), part.learning_rate
        trigger = INITIAL if initial and number == 1 else PLATEAU
        result = read_sweep(place)
        if result is None:
            found.append(
                Sweep(number=number, trigger=trigger, state=status, run=run, samples=samples,
                      rate_before=rate, loss_before=before, phases=_so_far(place, config),
                      reason=NOT_ENDED, missing={'rate_after': NOT_ENDED})
            )  # fmt: skip
            continue
        found.append(
            Sweep(
                number=number,
                trigger=trigger,
                state=FAILED if result.failed else COMPLETE,
                reason='every trial failed' if result.failed else '',
                run=run,
                samples=samples,
                seconds=result.seconds,
                rate_before=rate,
                rate_after=result.learning_rate,
                loss_before=before,
                loss_after=result.best,
                fallback=result.failed,
                adopted=not result.failed and rules.after_sweep(before, result.best) is None,
                phases=_phases(result, place, config),
            )
        )
        samples += result.samples
        losses = [loss for loss in (before, result.best) if loss is not None]
        before = min(losses, default=None)
    return tuple(found)


def _phases(result: SweepResult, folder: Path, config: StagedConfig) -> tuple[SweepPhase, ...]:
    return tuple(
        SweepPhase(
            name=phase.name,
            ranking=config.sweep.rank,
            seeds=tuple(dict.fromkeys(trial.seed for trial in phase.trials)),
            budget_samples=phase.samples,
            budget_seconds=phase.seconds or None,
            trials=tuple(
                _trial(
                    trial,
                    phase.name,
                    folder,
                    config,
                    COMPLETE if trial.learning_rate in phase.kept else DROPPED,
                )
                for trial in phase.trials
            ),
            candidates=tuple(_candidate(n, r, phase) for n, r in enumerate(phase.ranked, 1)),
        )
        for phase in result.phases
    )


def _so_far(folder: Path, config: StagedConfig) -> tuple[SweepPhase, ...]:
    """Return the trials of a sweep that has not ended, which only its ledger knows."""
    return tuple(
        SweepPhase(
            name=name,
            ranking=config.sweep.rank,
            seeds=tuple(dict.fromkeys(trial.seed for trial in trials)),
            trials=tuple(_trial(trial, name, folder, config) for trial in trials),
            missing={'candidates': NOT_ENDED},
        )
        for name in (A, B)
        if (trials := read_trials(folder / JOURNAL, name))
    )


def _trial(
    trial: TrialOutcome, phase: str, folder: Path, config: StagedConfig, state: str = COMPLETE
) -> SweepTrial:
    curves = read_curves(trial_folder(folder, phase, trial.number), config.loss.kind)
    return SweepTrial(
        number=trial.number,
        learning_rate=trial.learning_rate,
        seed=trial.seed,
        state=FAILED if trial.failed else state,
        reason=trial.reason,
        best_validation=trial.best,
        samples=trial.samples,
        seconds=trial.seconds,
        curve=Curve(samples=curves.samples, values=curves.validation),
    )


def _candidate(place: int, ranked: Ranked, phase: PhaseResult) -> SweepCandidate:
    kept = ranked.learning_rate in phase.kept
    reason = '; '.join(dict.fromkeys(ranked.failures))
    if not kept and not reason:
        many = f'{len(phase.kept)} best' if phase.name == A else 'best'
        reason = f'not among the {many}' if phase.name == A else 'another rate was better'
    return SweepCandidate(
        rank=place,
        learning_rate=ranked.learning_rate,
        score=ranked.score,
        kept=kept,
        reason=reason,
    )

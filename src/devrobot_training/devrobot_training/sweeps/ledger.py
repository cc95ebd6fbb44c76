"""
The trials of a sweep in an Optuna study, kept in a journal file (Akiba et al., arXiv 1907.10902).

Each phase is a study; what has ended is in the journal, and is never done again. The journal can
be looked at with the tools of Optuna.
"""

from collections.abc import Sequence
from pathlib import Path

from devrobot_training.sweeps.ranking import TrialOutcome
import optuna
from optuna.distributions import FloatDistribution, IntDistribution
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

RATE, SEED = 'learning_rate', 'seed'
REASON, SAMPLES, SECONDS = 'reason', 'samples', 'seconds'
BOUNDS = {
    RATE: FloatDistribution(1e-9, 1.0, log=True),
    SEED: IntDistribution(0, 2**31 - 1),
}


class Ledger:
    """Knows which trials of a phase have ended, and how; one process at a time may use it."""

    def __init__(self, path: Path, phase: str) -> None:
        """Open the journal, or begin one."""
        path.parent.mkdir(parents=True, exist_ok=True)
        _mend(path)
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._storage = JournalStorage(JournalFileBackend(str(path)))
        self._study = optuna.create_study(
            storage=self._storage, study_name=phase, direction='minimize', load_if_exists=True
        )
        self._identity = self._storage.get_study_id_from_name(phase)

    def plan(self, points: Sequence[tuple[float, int]]) -> None:
        """Note the (rate, seed) of all trials; number i is the i-th, also after a crash."""
        trials = self._study.trials
        for rate, seed in points[len(trials) :]:
            self._study.enqueue_trial({RATE: rate, SEED: seed})
        for trial in self._study.trials:
            if trial.state == TrialState.WAITING:
                self._study.ask(fixed_distributions=dict(BOUNDS))

    def record(self, outcome: TrialOutcome) -> None:
        """Write down how a trial ended."""
        trial = self._storage.get_trial_id_from_study_id_trial_number(
            self._identity, outcome.number
        )
        about = {REASON: outcome.reason, SAMPLES: outcome.samples, SECONDS: outcome.seconds}
        for name, value in about.items():
            self._storage.set_trial_user_attr(trial, name, value)
        if outcome.best is None:
            self._study.tell(outcome.number, state=TrialState.FAIL)
        else:
            self._study.tell(outcome.number, outcome.best)

    def ended(self, points: Sequence[tuple[float, int]]) -> dict[int, TrialOutcome]:
        """Return the trials that have ended, by number."""
        return {
            trial.number: _outcome(trial, *points[trial.number])
            for trial in self._study.trials
            if trial.state.is_finished()
        }


def read_trials(path: Path, phase: str) -> tuple[TrialOutcome, ...]:
    """Return the trials of a phase that have ended; nothing is written, whoever else writes."""
    if not path.exists():
        return ()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = JournalStorage(JournalFileBackend(str(path)))
    try:
        study = storage.get_study_id_from_name(phase)
    except KeyError:
        return ()
    return tuple(
        _outcome(trial, trial.params[RATE], trial.params[SEED])
        for trial in storage.get_all_trials(study)
        if trial.state.is_finished()
    )


def _outcome(trial: FrozenTrial, rate: float, seed: int) -> TrialOutcome:
    about = trial.user_attrs
    return TrialOutcome(
        number=trial.number,
        learning_rate=rate,
        seed=seed,
        best=trial.value if trial.state == TrialState.COMPLETE else None,
        reason=about.get(REASON, ''),
        samples=about.get(SAMPLES),
        seconds=about.get(SECONDS),
    )


def _mend(path: Path) -> None:
    """Take away what a process that was killed may leave: half a line, and its lock."""
    Path(f'{path}.lock').unlink(missing_ok=True)
    if path.exists():
        with path.open('r+b') as file:
            file.truncate(file.read().rfind(b'\n') + 1)

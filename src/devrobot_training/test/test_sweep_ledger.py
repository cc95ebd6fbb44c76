"""The journal of trials: each is done once, whatever was killed when."""

from pathlib import Path

from devrobot_training.sweeps.ledger import Ledger
from devrobot_training.sweeps.ranking import TrialOutcome
import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
import pytest

POINTS = [(1e-4, 5), (2e-4, 5), (4e-4, 6)]


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / 'sweep' / 'trials.journal'


def ended(number: int, best: float | None, reason: str = '') -> TrialOutcome:
    rate, seed = POINTS[number]
    return TrialOutcome(
        number=number, learning_rate=rate, seed=seed, best=best, reason=reason, samples=40,
        seconds=1.5,
    )  # fmt: skip


def test_what_ended_is_known_after_opening_anew(path):
    ledger = Ledger(path, 'A')
    ledger.plan(POINTS)
    assert ledger.ended(POINTS) == {}
    for outcome in (ended(2, 0.25), ended(0, None, 'killed: no step for 9 s')):
        ledger.record(outcome)
    again = Ledger(path, 'A')
    again.plan(POINTS)
    assert again.ended(POINTS) == {
        2: ended(2, 0.25),
        0: ended(0, None, 'killed: no step for 9 s'),
    }
    assert Ledger(path, 'B').ended(POINTS) == {}


def test_a_plan_that_was_cut_short_is_finished(path):
    first = Ledger(path, 'A')
    first.plan(POINTS[:1])
    second = Ledger(path, 'A')
    second.plan(POINTS)
    second.plan(POINTS)
    second.record(ended(2, 0.5))
    assert Ledger(path, 'A').ended(POINTS) == {2: ended(2, 0.5)}


def test_half_a_line_and_a_lock_of_a_killed_process_do_no_harm(path):
    ledger = Ledger(path, 'A')
    ledger.plan(POINTS)
    ledger.record(ended(0, 0.5))
    with path.open('ab') as file:
        file.write(b'{"op_code": 6, "wor')
    Path(f'{path}.lock').symlink_to(path)
    again = Ledger(path, 'A')
    again.plan(POINTS)
    again.record(ended(1, 0.25))
    assert set(Ledger(path, 'A').ended(POINTS)) == {0, 1}


def test_the_journal_is_one_that_optuna_reads(path):
    ledger = Ledger(path, 'A')
    ledger.plan(POINTS)
    ledger.record(ended(1, 0.5))
    storage = JournalStorage(JournalFileBackend(str(path)))
    study = optuna.load_study(study_name='A', storage=storage)
    assert study.best_value == 0.5
    assert study.best_params == {'learning_rate': 2e-4, 'seed': 5}

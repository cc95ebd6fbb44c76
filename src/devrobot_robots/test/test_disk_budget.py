"""Rules of the disk budget: oldest first, none that is protected, no more than needed."""

from pathlib import Path

from devrobot_robots.recording.disk_budget import choose_deletions, StoredSession
from hypothesis import given, strategies

SESSIONS = strategies.lists(
    strategies.builds(
        StoredSession,
        path=strategies.uuids().map(lambda name: Path('sessions', str(name))),
        size_bytes=strategies.integers(0, 50),
        written_ns=strategies.integers(0, 9),
        protected=strategies.sampled_from(['', 'being written']),
    ),
    max_size=12,
    unique_by=lambda session: session.path,
)
BUDGETS = strategies.integers(0, 300)


def total(sessions) -> int:
    return sum(session.size_bytes for session in sessions)


@given(SESSIONS, BUDGETS)
def test_a_protected_session_is_never_deleted(sessions, budget):
    assert not any(s.protected for s in choose_deletions(sessions, budget_bytes=budget))


@given(SESSIONS, BUDGETS)
def test_the_oldest_go_first(sessions, budget):
    chosen = choose_deletions(sessions, budget_bytes=budget)
    kept = [s for s in sessions if s not in chosen and not s.protected and s.size_bytes]
    newest_chosen = max((s.written_ns for s in chosen), default=-1)
    assert all(session.written_ns >= newest_chosen for session in kept)
    assert list(chosen) == sorted(chosen, key=lambda session: session.written_ns)


@given(SESSIONS, BUDGETS)
def test_the_rest_fits_as_far_as_protection_allows(sessions, budget):
    chosen = choose_deletions(sessions, budget_bytes=budget)
    rest = [session for session in sessions if session not in chosen]
    assert total(rest) <= budget or not any(s.size_bytes and not s.protected for s in rest)


@given(SESSIONS, BUDGETS)
def test_no_more_is_deleted_than_needed(sessions, budget):
    chosen = choose_deletions(sessions, budget_bytes=budget)
    if chosen:
        assert total(sessions) - total(chosen[:-1]) > budget


@given(SESSIONS, BUDGETS)
def test_the_choice_does_not_depend_on_the_order_of_the_folder(sessions, budget):
    backwards = list(reversed(sessions))
    assert choose_deletions(sessions, budget_bytes=budget) == choose_deletions(
        backwards, budget_bytes=budget
    )

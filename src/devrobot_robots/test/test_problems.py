"""The log tells what is wrong, not how often it was noticed."""

from devrobot_robots.problems import AGAIN_AFTER_S, Problems
import pytest
from robots_fakes import FakeClock


@pytest.fixture
def bench():
    clock, told = FakeClock(), []
    return Problems(told.append, clock), clock, told


def test_what_goes_on_is_told_when_it_begins_and_once_a_minute(bench):
    problems, clock, told = bench
    for _ in range(int(2 * AGAIN_AFTER_S)):
        problems.note('action', 'no connection', f'at {clock.now():g}')
        clock.sleep(1.0)
    assert told == ['at 0', 'at 60']


def test_another_cause_or_one_after_things_went_well_is_news(bench):
    problems, _, told = bench
    for cause in ('refused', 'refused', 'timed out', '', '', 'timed out'):
        problems.note('camera', cause)
    assert told == ['refused', 'timed out', 'timed out']


def test_parts_do_not_hide_each_other(bench):
    problems, _, told = bench
    problems.note('camera', 'gone')
    problems.note('action', '')
    problems.note('stop', 'gone')
    problems.note('camera', 'gone')
    assert told == ['gone', 'gone']


def test_what_somebody_else_has_told_is_told_only_when_it_goes_on(bench):
    problems, clock, told = bench
    problems.know('gone')
    problems.note('camera', 'gone', 'no frame: gone')
    problems.note('action', 'gone')
    problems.note('camera', 'dark')
    assert told == ['dark']
    clock.sleep(AGAIN_AFTER_S)
    problems.note('action', 'gone')
    assert told == ['dark', 'gone']

"""No two stamps are equal, so that before and after can always be told apart."""

from devrobot_robots.clock import LARGEST_STEP_BACK_NS, StrictStamps, wait_unless_stopped
import pytest
from robots_fakes import FakeClock

S = 1_000_000_000


def stamps(*times: int) -> list[int]:
    clock = iter(times)
    stamp = StrictStamps(lambda: next(clock))
    return [stamp() for _ in times]


def test_a_running_clock_is_taken_as_it_is():
    assert stamps(5, 8, 9) == [5, 8, 9]


def test_a_clock_that_stands_still_gives_growing_stamps():
    assert stamps(5, 5, 5, 6, 9) == [5, 6, 7, 8, 9]


def test_a_small_step_back_is_bridged():
    assert stamps(10 * S, 10 * S - 1000, 10 * S + 5) == [10 * S, 10 * S + 1, 10 * S + 5]


def test_a_large_step_back_is_followed():
    late = 10 * S
    assert stamps(late, late - LARGEST_STEP_BACK_NS) == [late, late - LARGEST_STEP_BACK_NS]


def test_waiting_takes_its_time_or_ends_when_told():
    clock = FakeClock()
    assert wait_unless_stopped(clock, 0.5, lambda: False)
    assert clock.time == pytest.approx(0.5)
    assert not wait_unless_stopped(clock, 0.5, lambda: clock.time > 0.7)
    assert clock.time < 0.8

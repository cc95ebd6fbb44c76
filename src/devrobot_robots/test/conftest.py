"""An executor with a fake robot, a fake clock and a record of what it tells."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from robots_fakes import FakeClock, FakeRobot, make_executor, Record


@pytest.fixture
def bench() -> Iterator[Any]:
    robot, record, clock = FakeRobot(), Record(), FakeClock()
    executor = make_executor(robot, record, clock, max_duration_s=10.0)
    executor.start()
    record.wait(lambda: record.stamps)
    yield SimpleNamespace(robot=robot, record=record, clock=clock, executor=executor)
    robot.on_execute = lambda should_stop: None
    assert executor.shutdown()


@pytest.fixture
def jetbots(tmp_path) -> Iterator[Any]:
    """Make simulated JetBots and robots that drive them; all are ended afterwards."""
    from jetbot_worlds import make_bench

    with make_bench(tmp_path) as bench:
        yield bench

"""Worker processes cannot hang, kill or outlive what waits for them."""

from pathlib import Path
import subprocess
import sys
import time

from devrobot_training.fit.once import InterruptedTrainingError
from devrobot_training.sweeps.executors.base import Limits, worker_count
from devrobot_training.sweeps.executors.pool import Answer, Call, ProcessPool
from hanging_work import Awkward
import pytest
from team_runs import environment

DEADLINE_S = 120.0


@pytest.fixture(scope='module')
def pool():
    made = ProcessPool(2, work=Awkward)
    yield made
    made.close()


def do(pool: ProcessPool, calls: list[dict], limits: Limits | None = None, **settings):
    answers: dict[int, Answer] = {}
    pool.run(
        [Call(number=number, data=call) for number, call in enumerate(calls)],
        limits or Limits(grace=DEADLINE_S),
        ended=lambda call, answer: answers.setdefault(call.number, answer),
        **settings,
    )
    return [answers[number] for number in range(len(calls))]


def test_every_call_ends_whatever_becomes_of_the_others(pool):
    wishes = ['answer', 'raise', 'die', 'answer', 'leave', 'answer']
    answers = do(pool, [{'do': wish} for wish in wishes])
    assert [bool(answer.result) for answer in answers] == [
        True, False, False, True, False, True,
    ]  # fmt: skip
    assert answers[1].reason == 'RuntimeError: no luck'
    assert answers[2].reason == 'its process died, signal 11'
    assert answers[4].reason == 'its process died, exit code 3'


def test_a_process_is_used_again(pool):
    answers = do(pool, [{'do': 'answer'}] * 5)
    assert len({answer.result['pid'] for answer in answers}) <= 2
    assert {answer.result['slot'] for answer in answers} <= {0, 1}


def test_one_that_makes_no_step_is_killed_and_the_others_go_on(pool, tmp_path):
    file = tmp_path / 'pid'
    do(pool, [{'do': 'answer'}] * 2)  # the processes are there before the time counts
    answers = do(pool, [{'do': 'hang', 'file': str(file)}, {'do': 'answer'}], Limits(grace=2.0))
    assert 'killed: no step for' in answers[0].reason and answers[1].result
    assert not Path(f'/proc/{file.read_text()}').exists()


def test_one_that_is_over_its_time_is_killed_though_it_makes_steps(pool):
    do(pool, [{'do': 'answer'}] * 2)
    (answer,) = do(pool, [{'do': 'talk'}], Limits(seconds=1.0, grace=1.5))
    assert answer.reason.startswith('killed: not at an end') and 'budget of 1 s' in answer.reason


def test_a_stop_ends_what_runs(pool):
    ticks: list[dict] = []
    with pytest.raises(InterruptedTrainingError):
        do(pool, [{'do': 'talk'}], tick=ticks.append, should_stop=lambda: {0: 1} in ticks)
    assert do(pool, [{'do': 'answer'}])[0].result  # and it can be used again


@pytest.mark.parametrize(
    ('seconds', 'elapsed', 'silent', 'broken'),
    [(0, 1e9, 0, False), (10, 14, 0, False), (10, 16, 0, True), (0, 0, 4, False), (0, 0, 6, True)],
)
def test_limits_are_budget_plus_grace_and_silence(seconds, elapsed, silent, broken):
    limits = Limits(seconds=seconds, grace=5.0)
    assert bool(limits.broken(elapsed=elapsed, silent=silent)) is broken


def test_workers_are_never_more_than_asked_for():
    assert worker_count(3, 1, 'cpu') == 3
    assert 1 <= worker_count(0, 1, 'cpu') <= 8
    assert worker_count(0, 10**6, 'cpu') == 1


PARENT = """
import sys, time
from devrobot_training.sweeps.executors.base import Limits
from devrobot_training.sweeps.executors.pool import Call, ProcessPool
from hanging_work import Awkward

if __name__ == '__main__':
    call = Call(number=0, data={'do': 'hang', 'file': sys.argv[1]})
    ProcessPool(1, work=Awkward).run([call], Limits(), ended=print)
"""


def test_a_worker_ends_when_the_process_that_waits_for_it_is_killed(tmp_path):
    file = tmp_path / 'pid'
    script = tmp_path / 'parent.py'
    script.write_text(PARENT)
    parent = subprocess.Popen(
        [sys.executable, script, file],
        env=environment(),
    )
    deadline = time.monotonic() + DEADLINE_S
    try:
        while not (file.exists() and file.read_text()):
            assert time.monotonic() < deadline and parent.poll() is None
            time.sleep(0.05)
    finally:
        parent.kill()
        parent.wait()
    worker = Path(f'/proc/{file.read_text()}/stat')
    while worker.exists() and ') Z ' not in worker.read_text():
        assert time.monotonic() < deadline, 'the worker outlived its parent'
        time.sleep(0.05)

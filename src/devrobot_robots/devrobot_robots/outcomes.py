"""What the executor answers and tells: plain data, and how an exception becomes one line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from devrobot_interfaces_py.actions import ActionEvent
from devrobot_robots.robot import Frames, RobotError


class Answer(IntEnum):
    """Whether an action was accepted; the values of ``ExecuteAction.srv``."""

    ACCEPTED = 0
    UNKNOWN_ACTION = 1
    BUSY = 2
    INACTIVE = 3


@dataclass(frozen=True, kw_only=True)
class Submission:
    """The answer to a submitted action; ``sequence`` is 0 unless it was accepted."""

    answer: Answer
    message: str = ''
    sequence: int = 0


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a stop or a reset went."""

    success: bool
    message: str


@dataclass(frozen=True)
class WaitingReset:
    """A reset that was asked for; ``done`` is called once."""

    seed: int | None
    done: Callable[[Outcome], None]


@dataclass(frozen=True, kw_only=True)
class ExecutionHealth:
    """What diagnostics want to know."""

    active: bool
    finished: int
    aborted: int
    frames: int
    busy_for_s: float  # 0.0 while no action runs
    overdue: bool
    camera_problem: str  # '' while observing works
    last_abort: str  # '' before the first


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """
    Where the executor tells what happens.

    Called from several threads: events one at a time and in the order of their stamps, frames
    one at a time. None of them may call back into the executor.
    """

    event: Callable[[ActionEvent], None]
    frames: Callable[[Frames, int], None]  # frames, stamp [ns]
    problem: Callable[[str], None]  # one line for the log


def describe(error: BaseException) -> str:
    """Return an exception as part of a line: its text, and its type unless it is a RobotError."""
    text = ' '.join(str(error).split())
    if isinstance(error, RobotError) and text:
        return text
    return f'{type(error).__name__}: {text}' if text else type(error).__name__

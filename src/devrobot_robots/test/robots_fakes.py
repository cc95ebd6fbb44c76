"""A clock that moves when told, a robot that does what a test says, a record of what was told."""

from collections.abc import Callable
import threading
import time
from typing import Any

from devrobot_interfaces_py.actions import ActionDefinition, ActionEvent, ActionSpace, Phase
from devrobot_robots.execution import ActionExecutor
from devrobot_robots.outcomes import Outputs
import numpy as np

DEADLINE_S = 20.0
ACTIONS = ActionSpace(
    robot_name='fake',
    robot_type='fake',
    actions=(
        ActionDefinition(label='stay', separator_color=(255, 0, 0)),
        ActionDefinition(label='go', separator_color=(0, 255, 0)),
    ),
)


class FakeClock:
    """Stands still except when somebody sleeps or a test moves it."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds

    def now_ns(self) -> int:
        return round(self.time * 1e9)


class FakeRobot:
    """Its motor runs from the begin of an action until the end, or until it is stopped."""

    def __init__(self) -> None:
        self.action_space = ACTIONS
        self.camera_names = ('',)
        self.motor_runs = False
        self.stops = 0
        self.resets: list[int | None] = []
        self.executed: list[int] = []
        self.camera_error: Exception | None = None
        self.stop_error: Exception | None = None
        self.reset_error: Exception | None = None
        self.on_execute: Callable[[Callable[[], bool]], None] = lambda should_stop: None

    def connect(self) -> None: ...

    def observe(self) -> dict[str, Any]:
        if self.camera_error is not None:
            raise self.camera_error
        return {'': np.zeros((4, 6, 3), np.uint8)}

    def execute(self, action: int, should_stop: Callable[[], bool]) -> None:
        self.motor_runs = True
        self.executed.append(action)
        self.on_execute(should_stop)  # an error leaves the motor running, as a real one would
        if not should_stop():
            self.motor_runs = False

    def stop(self) -> None:
        self.stops += 1
        if self.stop_error is not None:
            raise self.stop_error
        self.motor_runs = False

    def reset(self, seed: int | None = None) -> None:
        if self.reset_error is not None:
            raise self.reset_error
        self.resets.append(seed)

    def close(self) -> None: ...

    def hold(self) -> threading.Event:
        """Let the next actions last until the event is set or they are told to stop."""
        release = threading.Event()

        def wait(should_stop: Callable[[], bool]) -> None:
            while not should_stop() and not release.wait(0.001):
                pass

        self.on_execute = wait
        return release


class Record:
    """Everything an executor told, in order; frames as their stamps."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self.told: list[Any] = []
        self.hook: Callable[[Any], None] = lambda item: None
        self.outputs = Outputs(
            event=self.add, frames=lambda _, stamp: self.add(stamp), problem=self.add
        )

    def add(self, item: Any) -> None:
        with self._changed:
            self.told.append(item)
            self._changed.notify_all()
        self.hook(item)

    @property
    def events(self) -> list[ActionEvent]:
        return [item for item in self.told if isinstance(item, ActionEvent)]

    @property
    def stamps(self) -> list[int]:
        return [item for item in self.told if isinstance(item, int)]

    @property
    def problems(self) -> list[str]:
        return [item for item in self.told if isinstance(item, str)]

    def phases(self, sequence: int) -> list[Phase]:
        return [event.phase for event in self.events if event.sequence == sequence]

    def wait(self, condition: Callable[[], Any]) -> Any:
        with self._changed:
            assert self._changed.wait_for(condition, DEADLINE_S), self.told
        return condition()

    def wait_for_phase(self, phase: Phase, sequence: int = 1) -> ActionEvent:
        def found() -> list[ActionEvent]:
            return [e for e in self.events if e.phase is phase and e.sequence == sequence]

        return self.wait(found)[0]


def make_executor(robot: Any, record: Record, clock: Any, **settings: Any) -> ActionExecutor:
    settings = {'stamp_ns': time.time_ns, **settings}
    return ActionExecutor(robot, record.outputs, clock=clock, **settings)

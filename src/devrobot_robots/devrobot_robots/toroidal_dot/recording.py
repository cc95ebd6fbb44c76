"""
Record sessions of the toroidal dot as fast as it goes: no ROS graph, a clock of its own.

The stamps are those of a robot that does two actions a second, from the same moment in every
session: with equal settings, equal frames and events are recorded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, UTC
from pathlib import Path

from devrobot_interfaces_py.actions import Phase, SessionInfo
from devrobot_interfaces_py.bags import BagWriter
from devrobot_robots.driver_config import DriverConfig
from devrobot_robots.events import AcceptedAction, EventStream
from devrobot_robots.selectors.random_duration import RandomDurationSelector
from devrobot_robots.session import make_session_info
from devrobot_robots.toroidal_dot.recording_config import RecordToroidalConfig
from devrobot_robots.toroidal_dot.robot import ROBOT_TYPE, ToroidalDotRobot
import numpy as np

TRAIN, VALIDATION = 'train', 'validation'
SELECTOR = 'random_duration'
FIRST_MOMENT = datetime(2000, 1, 1, tzinfo=UTC)
ACTION_S = 0.4
PAUSE_S = 0.1
COMPRESSION = 'zstd_chunks'


class VirtualClock:
    """Time that passes only when somebody waits."""

    def __init__(self) -> None:
        self._elapsed_ns = 0

    def now(self) -> float:
        """Return seconds since the start."""
        return self._elapsed_ns / 1e9

    def now_ns(self) -> int:
        """Return the moment as a stamp."""
        return round(FIRST_MOMENT.timestamp()) * 1_000_000_000 + self._elapsed_ns

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self._elapsed_ns += round(seconds * 1e9)


@dataclass(frozen=True, kw_only=True)
class SessionPlan:
    """One session that is to be recorded."""

    name: str
    purpose: str
    steps: int
    initial_x: int
    world_seed: int
    action_seed: int


@dataclass(frozen=True, kw_only=True)
class RecordedSession:
    """What is in a session that was recorded."""

    bag: Path
    plan: SessionPlan
    frames: int
    events: int
    resets: int


def plan_sessions(config: RecordToroidalConfig) -> list[SessionPlan]:
    """Return all sessions, each with seeds of its own."""
    groups = (
        (TRAIN, config.num_train_sessions, config.train_steps, config.train_initial_x),
        (VALIDATION, config.num_val_sessions, config.val_steps, config.val_initial_x),
    )
    plans = []
    for group, (purpose, count, steps, initial_x) in enumerate(groups):
        for number in range(1, count + 1):
            seeds = np.random.SeedSequence([config.seed, group, number]).generate_state(2)
            plans.append(
                SessionPlan(
                    name=f'{purpose}_{number:02}',
                    purpose=purpose,
                    steps=steps,
                    initial_x=initial_x,
                    world_seed=int(seeds[0]),
                    action_seed=int(seeds[1]),
                )
            )
    return plans


def record_session(
    plan: SessionPlan, config: RecordToroidalConfig, *, on_step: Callable[[], object]
) -> RecordedSession:
    """
    Record one session; the bag appears when it is complete.

    :param on_step: called after each action.
    :raises BagError: if the bag exists or cannot be written.
    """
    clock = VirtualClock()
    robot_config = config.world(plan.initial_x, seed=plan.world_seed)
    robot = ToroidalDotRobot(robot_config, clock=clock, name=ROBOT_TYPE)
    selector = RandomDurationSelector(
        action_count=len(robot.action_space),
        min_duration=config.min_duration,
        max_duration=config.max_duration,
        seed=plan.action_seed,
    )
    info: SessionInfo = make_session_info(
        DriverConfig(session_id=plan.name, selector=SELECTOR),
        action_space=robot.action_space,
        robot_config=robot_config,
        image_topics=(),  # filled in by the writer
        now=FIRST_MOMENT,
    )
    path = config.output_dir / plan.name
    with BagWriter(
        path, action_space=robot.action_space, session_info=info, compression=COMPRESSION
    ) as bag:
        session = _Session(robot, bag, clock)
        session.observe()
        for done in range(plan.steps):
            if config.reinit_interval and done and done % config.reinit_interval == 0:
                session.reset()
            session.act(selector.next_action())
            on_step()
    return RecordedSession(
        bag=path,
        plan=plan,
        frames=session.frames,
        events=session.events,
        resets=session.resets,
    )


class _Session:
    """A robot at work, in the order in which a driver tells of it."""

    def __init__(self, robot: ToroidalDotRobot, bag: BagWriter, clock: VirtualClock) -> None:
        self._robot = robot
        self._bag = bag
        self._clock = clock
        self._stream = EventStream(bag.event, clock.now_ns)
        self.frames = self.events = self.resets = 0

    def observe(self) -> None:
        """Record a frame."""
        self._bag.frame(self._stream.stamp(), *self._robot.observe().values())
        self.frames += 1

    def act(self, index: int) -> None:
        """Record an action from its acceptance to the frame after it."""
        action = AcceptedAction(self._stream.next_sequence(), index, f'selector:{SELECTOR}')
        self._clock.sleep(PAUSE_S)
        self._stream.tell(Phase.ACCEPTED, action)
        self._stream.tell(Phase.STARTED, action)
        self._robot.execute(index, lambda: False)
        self._clock.sleep(ACTION_S)
        self._stream.tell(Phase.FINISHED, action)
        self.events += 3
        self.observe()

    def reset(self) -> None:
        """Record that the dot is put at a new start."""
        self._clock.sleep(PAUSE_S)
        self._robot.reset()
        self._stream.tell_reset()
        self.events += 1
        self.resets += 1
        self.observe()

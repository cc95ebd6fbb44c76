"""Small bags with known sessions, right and faulty."""

from dataclasses import dataclass, field
from pathlib import Path

from devrobot_interfaces_py.actions import (
    ActionDefinition,
    ActionEvent,
    ActionSpace,
    Phase,
    SessionInfo,
)
from devrobot_interfaces_py.bags import BagWriter
import numpy as np

START_NS = 1_700_000_000_000_000_000
STEP_NS = 100_000_000
SPACE = ActionSpace(
    robot_name='bot',
    robot_type='toroidal_dot',
    actions=(
        ActionDefinition(label='stay', separator_color=(255, 0, 0)),
        ActionDefinition(label='move', separator_color=(0, 255, 0)),
    ),
)
INFO = SessionInfo(
    session_id='monday',
    robot_name='bot',
    robot_type='toroidal_dot',
    action_space_digest='',
    image_topics=(),
)


def picture(number: int, height: int = 4, width: int = 6) -> np.ndarray:
    """Return an image that tells its number in every pixel."""
    return np.full((height, width, 3), number % 256, np.uint8)


@dataclass
class Tape:
    """What is going to be recorded, in order; a test may spoil it."""

    items: list = field(default_factory=list)
    now_ns: int = START_NS
    number: int = 0
    sequence: int = 0

    def frame(self, image: np.ndarray | None = None, stamp_ns: int | None = None) -> None:
        image = picture(self.number) if image is None else image
        self.items.append((self.now_ns if stamp_ns is None else stamp_ns, image))
        self.number += 1
        self.now_ns += STEP_NS

    def event(self, phase: Phase, action: int = 0, sequence: int | None = None) -> None:
        self.items.append(
            ActionEvent(
                stamp_ns=self.now_ns,
                sequence=self.sequence if sequence is None else sequence,
                phase=phase,
                action=action,
            )
        )
        self.now_ns += STEP_NS

    def act(self, action: int) -> None:
        """One whole action, and the frame after it."""
        self.sequence += 1
        self.event(Phase.STARTED, action)
        self.event(Phase.FINISHED, action)
        self.frame()

    def reset(self) -> None:
        self.sequence += 1
        self.event(Phase.RESET)
        self.frame()

    def write(self, path: Path, **settings) -> Path:
        """Write the tape in its order, whatever the stamps say."""
        settings = {'action_space': SPACE, 'session_info': INFO, **settings}
        with BagWriter(path, **settings) as writer:
            for number, item in enumerate(self.items):
                log_ns = START_NS + number * 1_000_000
                if isinstance(item, ActionEvent):
                    writer.event(item, log_ns=log_ns)
                else:
                    writer.frame(*item, log_ns=log_ns)
        return path


def tape(actions: list[int | None]) -> Tape:
    """Return a tape of these actions; None sets the robot anew."""
    made = Tape()
    made.frame()
    for action in actions:
        if action is None:
            made.reset()
        else:
            made.act(action)
    return made


def driver_anew(made: Tape) -> None:
    """Go on as after a new start of the driver, which counts its actions anew."""
    made.sequence = 0
    made.act(1)
    made.act(0)

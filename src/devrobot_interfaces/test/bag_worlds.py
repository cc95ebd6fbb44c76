"""Small sessions to be written and read by the tests of bags."""

from collections.abc import Iterator
from pathlib import Path

from devrobot_interfaces_py.actions import (
    ActionDefinition,
    ActionEvent,
    ActionSpace,
    Phase,
    SessionInfo,
)
from devrobot_interfaces_py.bags import Bag, BagFrame, BagWriter
import numpy as np

START_NS = 1_700_000_000_000_000_000
STEP_NS = 100_000_000
SPACE = ActionSpace(
    robot_name='bot',
    robot_type='toroidal_dot',
    actions=(
        ActionDefinition(label='stay', separator_color=(255, 0, 0), duration_s=0.2),
        ActionDefinition(
            label='move',
            separator_color=(0, 255, 0),
            duration_s=0.26,
            parameters=(('step_px', 13.0), ('gain', 0.5)),
        ),
    ),
)
INFO = SessionInfo(
    session_id='monday',
    robot_name='bot',
    robot_type='toroidal_dot',
    action_space_digest='',
    image_topics=(),
    selector='alternate',
    software_version='0.1.0',
    parameters=(('radius', '3'), ('name', 'ü')),
)


def images(count: int, height: int = 4, width: int = 6, seed: int = 0) -> np.ndarray:
    """Return (count, height, width, 3) random images."""
    return np.random.default_rng(seed).integers(0, 256, (count, height, width, 3), np.uint8)


def events(sequence: int, start_ns: int, action: int = 1) -> Iterator[ActionEvent]:
    """Yield the events of one action of 20 ms."""
    for offset, phase in enumerate((Phase.ACCEPTED, Phase.STARTED, Phase.FINISHED)):
        yield ActionEvent(
            stamp_ns=start_ns + offset * 10_000_000,
            sequence=sequence,
            phase=phase,
            action=action,
            source='selector:alternate',
            message='é' if phase is Phase.FINISHED else '',
        )


def write_bag(path: Path, frames: np.ndarray, **settings) -> Path:
    """Write a frame, an action, a frame, an action, …: one transition between two frames each."""
    settings = {'action_space': SPACE, 'session_info': INFO, **settings}
    cameras = len(settings.get('cameras', ('',)))
    with BagWriter(path, **settings) as writer:
        for number, frame in enumerate(frames):
            stamp = START_NS + number * STEP_NS
            writer.frame(stamp, *([frame] * cameras))
            if number + 1 < len(frames):
                for event in events(number + 1, stamp + STEP_NS // 2, number % 2):
                    writer.event(event)
    return path


def frames_of(bag: Bag) -> list[BagFrame]:
    return [item for item in bag.items() if isinstance(item, BagFrame)]


def events_of(bag: Bag) -> list[ActionEvent]:
    return [item for item in bag.items() if isinstance(item, ActionEvent)]

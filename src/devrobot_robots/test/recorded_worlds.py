"""Small bags as a robot would leave them."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from devrobot_interfaces_py.actions import ActionEvent, ActionSpace, Phase, SessionInfo
from devrobot_interfaces_py.bags import BagWriter
import numpy as np
from robots_fakes import ACTIONS

START_NS = 1_700_000_000_000_000_000
STEP_NS = 100_000_000
DONE = (Phase.ACCEPTED, Phase.STARTED, Phase.FINISHED)
BROKEN_OFF = (Phase.ACCEPTED, Phase.STARTED, Phase.ABORTED)


def session_facts(space: ActionSpace = ACTIONS, **changes: Any) -> SessionInfo:
    facts = {
        'session_id': 'recorded',
        'robot_name': space.robot_name,
        'robot_type': space.robot_type,
        'action_space_digest': '',
        'image_topics': (),
        'selector': 'test',
        **changes,
    }
    return SessionInfo(**facts)


def picture(value: int) -> np.ndarray:
    """Return a (4, 6, 3) image that tells its number."""
    return np.full((4, 6, 3), value % 256, np.uint8)


def write_bag(
    path: Path,
    actions: Iterable[int],
    *,
    aborted: Sequence[int] = (),
    space: ActionSpace = ACTIONS,
    **settings: Any,
) -> Path:
    """Write a bag: a frame, then the events and the frame of each action; ``aborted`` by index."""
    cameras = settings.get('cameras', ('',))
    stamp = START_NS
    with BagWriter(path, action_space=space, session_info=session_facts(space), **settings) as bag:
        bag.frame(stamp, *(picture(10 * camera) for camera in range(len(cameras))))
        for index, action in enumerate(actions):
            for phase in BROKEN_OFF if index in aborted else DONE:
                stamp += STEP_NS
                event = ActionEvent(
                    stamp_ns=stamp, sequence=index + 1, phase=phase, action=action, source='test'
                )
                bag.event(event)
            stamp += STEP_NS
            value = index + 1
            bag.frame(stamp, *(picture(10 * camera + value) for camera in range(len(cameras))))
    return path

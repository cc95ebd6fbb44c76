"""
What each action would have shown, where a simulator can tell.

Shapes: B canvases, A actions; positions are (x, y) in px of the model's frame.
"""

from collections.abc import Callable, Mapping
import math
from types import MappingProxyType
from typing import TypeAlias

from devrobot_training.sessions.session import Session
from devrobot_world_model.measures.dots import dot_distances, dot_positions
import numpy as np

#: (B, H, W, 3) uint8 last frames, and the session → (B, A, 2) positions, NaN without a dot.
Oracle: TypeAlias = Callable[[np.ndarray, Session], np.ndarray]

MOVE = 1


def toroidal_dot(frames: np.ndarray, session: Session) -> np.ndarray:
    """Return where the dot is after each action: action 1 moves it right, all others do not."""
    parameters = dict(session.info.parameters)
    width = frames.shape[2]
    step = float(parameters['step']) * width / float(parameters['width'])
    positions = np.repeat(dot_positions(frames)[:, None], len(session.action_space), axis=1)
    positions[:, MOVE, 0] = (positions[:, MOVE, 0] + step) % width
    return positions


ORACLES: Mapping[str, Oracle] = MappingProxyType({'toroidal_dot': toroidal_dot})


def oracle_of(session: Session) -> Oracle | None:
    """Return who knows the truth of a session's robot; None for a real one."""
    oracle = ORACLES.get(session.info.robot_type)
    if oracle is toroidal_dot and not _tells_its_world(session):
        return None
    return oracle


def dot_errors(found: np.ndarray, truth: np.ndarray, height: int, width: int) -> np.ndarray:
    """
    Return how far (B, 2) dots are from where they should be, in px.

    Infinite where none was found; NaN where the truth has none, which says nothing about a model.
    """
    return np.where(
        np.isnan(truth).any(axis=1), np.nan, dot_distances(found, truth, height, width)
    )


def _tells_its_world(session: Session) -> bool:
    """Return whether the settings of the world were recorded, and make sense."""
    known = dict(session.info.parameters)
    try:
        width, step = float(known['width']), float(known['step'])
    except (KeyError, ValueError):
        return False
    return len(session.action_space) > MOVE and 0 < width < math.inf and 0 <= step < math.inf

"""Say what a robot can do and what happened: action spaces, action events, session facts."""

from dataclasses import dataclass, field
from enum import IntEnum
import hashlib
import json
import math

Rgb = tuple[int, int, int]

STAY = 0
"""Index of the action that does nothing, in every action space."""

_INDEX_COLORS: tuple[Rgb, ...] = ((255, 0, 0), (0, 255, 0), (0, 0, 255))
_OTHER_COLOR: Rgb = (255, 255, 0)


class UnknownActionError(ValueError):
    """An action index that the action space does not have."""


class Phase(IntEnum):
    """
    What happened; the same numbers as ``ActionEvent.PHASE_*``.

    RESET means that the robot was put into a new state without an action: no transition may cross
    it.
    """

    ACCEPTED = 0
    STARTED = 1
    FINISHED = 2
    ABORTED = 3
    RESET = 4


@dataclass(frozen=True, kw_only=True)
class ActionDefinition:
    """
    One discrete action of a robot.

    :param label: short name for people.
    :param duration_s: how long the motion lasts; 0 = until it is done.
    :param separator_color: colour of the bar that stands for the action on a canvas.
    :param parameters: native command values by name.
    """

    label: str
    duration_s: float = 0.0
    separator_color: Rgb
    parameters: tuple[tuple[str, float], ...] = ()

    def __post_init__(self) -> None:
        if not self.label:
            raise ValueError('an action needs a label')
        if not (math.isfinite(self.duration_s) and self.duration_s >= 0):
            raise ValueError(f'duration_s of {self.label} is {self.duration_s}, must be 0 or more')
        _check_color(self.separator_color)
        names = [name for name, _ in self.parameters]
        if len(set(names)) != len(names):
            raise ValueError(f'parameters of {self.label} have a name twice: {names}')

    def parameter(self, name: str) -> float:
        """
        Return one native command value.

        :raises ValueError: if the action has no such value; names those it has.
        """
        values = dict(self.parameters)
        if name not in values:
            known = ', '.join(values) or 'none'
            raise ValueError(f'action {self.label} has no parameter {name}; it has: {known}')
        return values[name]


@dataclass(frozen=True, kw_only=True)
class ActionSpace:
    """All actions of a robot; ``actions[0]`` does nothing."""

    robot_name: str
    robot_type: str
    actions: tuple[ActionDefinition, ...]

    def __post_init__(self) -> None:
        if not self.actions:
            raise ValueError(f'the action space of {self.robot_name} is empty')
        labels = [action.label for action in self.actions]
        if len(set(labels)) != len(labels):
            raise ValueError(f'the actions of {self.robot_name} have a label twice: {labels}')

    def __len__(self) -> int:
        return len(self.actions)

    @property
    def digest(self) -> str:
        """
        16 hex characters that stand for the robot type and the actions, not for the name.

        Sessions with different digests cannot be mixed.
        """
        content = {
            'robot_type': self.robot_type,
            'actions': [
                {
                    'label': action.label,
                    'duration_ns': round(action.duration_s * 1e9),
                    'separator_color': [int(channel) for channel in action.separator_color],
                    'parameters': [[name, float(value)] for name, value in action.parameters],
                }
                for action in self.actions
            ],
        }
        text = json.dumps(content, sort_keys=True, separators=(',', ':'))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def check(self, index: int) -> ActionDefinition:
        """
        Return the definition of an action.

        :raises UnknownActionError: if there is no such action; lists those there are.
        """
        if not 0 <= index < len(self.actions):
            known = ', '.join(f'{i} ({action.label})' for i, action in enumerate(self.actions))
            raise UnknownActionError(
                f'action {index} is not in the action space of {self.robot_name}: {known}'
            )
        return self.actions[index]


@dataclass(frozen=True, kw_only=True)
class ActionEvent:
    """
    What happened to an action, at the moment it happened.

    :param stamp_ns: moment of the phase, on the driver's clock.
    :param sequence: one number for each accepted action and each reset, rising by 1.
    """

    stamp_ns: int
    sequence: int
    phase: Phase
    action: int = STAY
    source: str = ''
    message: str = ''


@dataclass(frozen=True, kw_only=True)
class SessionInfo:
    """
    What a recorded session is about.

    :param image_topics: camera topics in stacking order, top to bottom.
    :param parameters: settings of the robot as text, by name.
    """

    session_id: str
    robot_name: str
    robot_type: str
    action_space_digest: str
    image_topics: tuple[str, ...]
    selector: str = ''
    software_version: str = ''
    parameters: tuple[tuple[str, str], ...] = field(default=())


def motor_fraction_color(fraction: float) -> Rgb:
    """Return a colour between red (0 = motor off) and green (1 = full power)."""
    if not 0.0 <= fraction <= 1.0:
        raise ValueError(f'motor fraction is {fraction}, must be between 0.0 and 1.0')
    return (round(255 * (1 - fraction)), round(255 * fraction), 0)


def default_separator_color(index: int) -> Rgb:
    """Return red, green, blue for actions 0, 1, 2 and yellow for every other one."""
    return _INDEX_COLORS[index] if 0 <= index < len(_INDEX_COLORS) else _OTHER_COLOR


def _check_color(color: Rgb) -> None:
    """Refuse what is not three whole numbers from 0 to 255."""
    if len(color) != 3 or any(int(c) != c or not 0 <= c <= 255 for c in color):
        raise ValueError(f'separator_color is {color}, must be three whole numbers from 0 to 255')

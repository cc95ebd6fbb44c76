"""The actions of a JetBot, declared as texts: ``LABEL LEFT RIGHT [SECONDS]``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
import math

from devrobot_interfaces_py.actions import (
    ActionDefinition,
    ActionSpace,
    default_separator_color,
    Rgb,
)
from devrobot_interfaces_py.configs import ConfigError

ROBOT_TYPE = 'jetbot'
FORM = "'LABEL LEFT RIGHT [SECONDS]', such as 'left 0 0.12' or 'back -0.1 -0.1 0.3'"
# After red, green, blue and yellow: colours that are far from those and from each other.
MORE_COLORS: tuple[Rgb, ...] = ((0, 255, 255), (255, 0, 255), (255, 255, 255), (128, 128, 128))
SHORTEST_S, LONGEST_S = 0.02, 10.0
MOST_ACTIONS = 4 + len(MORE_COLORS)


@dataclass(frozen=True, kw_only=True)
class MotorAction:
    """Both motor speeds (-1..1), and for how long [s]."""

    label: str
    left: float
    right: float
    duration_s: float


def parse_actions(texts: Sequence[str], *, duration_s: float) -> tuple[MotorAction, ...]:
    """
    Return the declared actions.

    :param duration_s: of an action that does not name its own.
    :raises ConfigError: if a text has another form, an action is too short or too long, the first
        one moves, or labels repeat.
    """
    if not 1 <= len(texts) <= MOST_ACTIONS:
        raise ConfigError(f'actions: {len(texts)} are declared, must be 1 to {MOST_ACTIONS}')
    actions = tuple(_parse(text, duration_s) for text in texts)
    if actions[0].left or actions[0].right:
        raise ConfigError(
            f"actions: the first is {texts[0]!r}, but action 0 must stand still: 'stay 0 0'"
        )
    labels = [action.label for action in actions]
    if len(set(labels)) != len(labels):
        raise ConfigError(f'actions: a label stands twice: {", ".join(labels)}')
    return actions


def action_space(actions: Sequence[MotorAction], *, robot_name: str) -> ActionSpace:
    """Return the action space; motor speeds are the parameters of an action."""
    return ActionSpace(
        robot_name=robot_name,
        robot_type=ROBOT_TYPE,
        actions=tuple(
            ActionDefinition(
                label=action.label,
                duration_s=action.duration_s,
                separator_color=_color(index),
                parameters=(('motor_left', action.left), ('motor_right', action.right)),
            )
            for index, action in enumerate(actions)
        ),
    )


def _parse(text: str, duration_s: float) -> MotorAction:
    label, *words = text.split() or ['']
    try:
        numbers = [float(word) for word in words]
        left, right, duration = (*numbers, duration_s) if len(numbers) == 2 else numbers
    except ValueError:
        raise ConfigError(f'actions: {text!r} must look like {FORM}') from None
    if not all(map(math.isfinite, numbers)):
        raise ConfigError(f'actions: {text!r} has a number that is not finite')
    if not SHORTEST_S <= duration <= LONGEST_S:
        raise ConfigError(
            f'actions: {text!r} lasts {duration:g} s, must be {SHORTEST_S:g} to {LONGEST_S:g} s'
        )
    return MotorAction(label=label, left=left, right=right, duration_s=duration)


def _color(index: int) -> Rgb:
    return default_separator_color(index) if index < 4 else MORE_COLORS[index - 4]

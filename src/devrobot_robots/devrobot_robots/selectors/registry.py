"""Selectors by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from devrobot_interfaces_py.actions import ActionSpace, UnknownActionError
from devrobot_robots.selectors.base import Selector, SelectorError
from devrobot_robots.selectors.constant import ConstantSelector
from devrobot_robots.selectors.random_duration import RandomDurationSelector
from devrobot_robots.selectors.recorded import read_actions, RecordedSelector
from devrobot_robots.selectors.sequence import SequenceSelector

if TYPE_CHECKING:
    from devrobot_robots.selectors.config import SelectorConfig

NAMED_SEQUENCES: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {
        'always_move': (1,),
        'always_stay': (0,),
        'alternate': (0, 1),
        'double_move': (1, 1, 0),
        'triple_move': (1, 1, 1, 0),
    }
)
SELECTOR_NAMES = ('constant', 'sequence', 'random_duration', 'recorded', *NAMED_SEQUENCES)


def make_selector(config: SelectorConfig, action_space: ActionSpace) -> Selector:
    """
    Build the selector that ``config`` names for a robot with this action space.

    :raises SelectorError: if it would choose an action that the robot does not have, or the bag
        of recorded actions cannot be used.
    """
    if config.selector == 'random_duration':
        return RandomDurationSelector(
            action_count=len(action_space),
            min_duration=config.min_duration,
            max_duration=config.max_duration,
            seed=config.seed,
        )
    if config.selector == 'recorded':
        return RecordedSelector(
            read_actions(
                config.bag,
                action_space,
                keep=config.keep_actions,
                namespace=config.bag_namespace,
                any_action_space=config.any_action_space,
            )
        )
    if config.selector == 'constant':
        _check((config.action,), config.selector, action_space)
        return ConstantSelector(config.action)
    actions = NAMED_SEQUENCES.get(config.selector, tuple(config.sequence))
    _check(actions, config.selector, action_space)
    return SequenceSelector(actions)


def _check(actions: Sequence[int], name: str, action_space: ActionSpace) -> None:
    try:
        for action in actions:
            action_space.check(action)
    except UnknownActionError as error:
        raise SelectorError(f'selector {name}: {error}') from error

"""The actions of a recorded session once more."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

from devrobot_interfaces_py.actions import ActionEvent, ActionSpace, Phase, UnknownActionError
from devrobot_interfaces_py.bags import BagError, open_bag
from devrobot_robots.selectors.base import SelectorError


class RecordedSelector:
    """Goes through a list of actions once."""

    def __init__(self, actions: Iterable[int]) -> None:
        self._actions = iter(tuple(actions))

    def next_action(self) -> int | None:
        """Return the next action, or None behind the last one."""
        return next(self._actions, None)


def read_actions(
    bag_path: Path | str,
    action_space: ActionSpace,
    *,
    keep: Collection[int] = (),
    namespace: str = '',
    any_action_space: bool = False,
) -> tuple[int, ...]:
    """
    Return the actions that a recorded robot carried out to their end, in order.

    :param keep: leave out all others; empty = keep all.
    :param namespace: of the robot, if the bag has several.
    :param any_action_space: also take a bag of other actions, index by index.
    :raises SelectorError: if the bag cannot be read or does not fit the robot.
    """
    try:
        with open_bag(bag_path, namespace=namespace) as bag:
            recorded = bag.action_space
            if recorded.digest != action_space.digest and not any_action_space:
                raise SelectorError(_differ(bag_path, recorded, action_space))
            for action in keep:
                recorded.check(action)
            actions = tuple(
                item.action
                for item in bag.items()
                if isinstance(item, ActionEvent)
                and item.phase is Phase.FINISHED
                and (not keep or item.action in keep)
            )
        for action in sorted(set(actions)):
            action_space.check(action)
    except (BagError, UnknownActionError) as error:
        raise SelectorError(f'selector recorded: {error}') from error
    if not actions:
        raise SelectorError(
            f'selector recorded: {bag_path}: no finished action '
            + (f'among {sorted(keep)}, see keep_actions' if keep else 'in it')
        )
    return actions


def _differ(bag_path: Path | str, recorded: ActionSpace, own: ActionSpace) -> str:
    return (
        f'selector recorded: {bag_path} has the actions {_shown(recorded)}, {own.robot_name} has '
        f'{_shown(own)}: set any_action_space to repeat them by index all the same'
    )


def _shown(space: ActionSpace) -> str:
    labels = ', '.join(action.label for action in space.actions)
    return f'{space.digest} ({space.robot_type}: {labels})'

"""What commands that train have in common: a recipe to begin with, or a run to go on with."""

import argparse
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from devrobot_interfaces_py.configs import ConfigError
from devrobot_training.fit.config import DEFAULT_PRESET

ConfigT = TypeVar('ConfigT')
POSITIONAL = ('session', 'validation')


def recipe_of(
    arguments: argparse.Namespace,
    preset: Callable[[str], ConfigT],
    read: Callable[[Any], ConfigT],
) -> ConfigT:
    """
    Return what the options change: the settings of a file, or those of a preset.

    :param preset: makes those of a preset from its name.
    :param read: reads what ``--config`` names, a path or what else the command takes there.
    :raises ConfigError: if both are named.
    """
    if arguments.config is None:
        return preset(arguments.preset or DEFAULT_PRESET)
    if arguments.preset is not None:
        raise ConfigError(
            f'--config {arguments.config} and --preset {arguments.preset} exclude each other, for '
            'they are both whole recipes: leave one out'
        )
    return read(arguments.config)


def refuse_beside_resume(arguments: argparse.Namespace, names: Sequence[str]) -> None:
    """
    Refuse what a run that goes on has already, also where a default was given by hand.

    :param names: of the arguments, which are None unless they were given.
    :raises ConfigError: naming the first of them.
    """
    given = [name for name in names if getattr(arguments, name) is not None]
    if given:
        word = given[0].replace('_', '-')
        shown = word if word in POSITIONAL else f'--{word}'
        raise ConfigError(
            f'{shown} cannot be given with --resume: the run has its own; leave it out, or start '
            'a new run without --resume'
        )

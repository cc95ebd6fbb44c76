"""
The settings of a run that goes on.

People read config.yaml, and it can be torn or edited: a run would go on as another one, with
defaults in place of what is missing. So inputs.json holds the settings as well, and both have to
agree.
"""

from collections.abc import Mapping
from typing import Any, TypeVar

from devrobot_interfaces_py.configs import (
    config_from_dict,
    config_to_dict,
    ConfigError,
    flatten,
    load_config,
)
from devrobot_training.fit.problems import RunError
from devrobot_training.fit.run_folder import CONFIG, INPUTS, RunFolder

SETTINGS = 'settings'
ConfigT = TypeVar('ConfigT')


def begin_settings(folder: RunFolder, config: Any, inputs: Mapping[str, Any]) -> None:
    """
    Write the settings of a run, and its inputs, which keep them as well.

    In this order: whenever the process is killed, config.yaml is there or made anew.
    """
    folder.write_inputs({**inputs, SETTINGS: config_to_dict(config)})
    folder.write_config(config)


def change_settings(folder: RunFolder, config: Any) -> None:
    """Write what is another in a run that goes on; at no moment do the two disagree."""
    inputs = folder.read_inputs()
    (folder.path / CONFIG).unlink(missing_ok=True)
    begin_settings(folder, config, inputs)


def differences(before: Any, after: Any) -> dict[str, tuple[Any, Any]]:
    """Return the dotted names of settings that differ, with both values."""
    old = {info.name: info.default for info in flatten(before)}
    return {
        info.name: (old[info.name], info.default)
        for info in flatten(after)
        if info.default != old[info.name]
    }


def read_settings(folder: RunFolder, cls: type[ConfigT]) -> ConfigT:
    """
    Return the settings of a run; config.yaml is made anew if it is gone.

    :raises RunError: if config.yaml is damaged, or says what the run did not begin with.
    """
    kept = _kept(folder, cls)
    path = folder.path / CONFIG
    if kept is not None and not path.exists():
        folder.write_config(kept)
        return kept
    way_out = f'delete it, and the run goes on with the settings that {INPUTS} keeps'
    try:
        found = load_config(cls, path)
    except ConfigError as error:
        hint = '' if kept is None else f'; {way_out}'
        raise RunError(f'{folder.path} cannot be resumed: {error}{hint}') from error
    changed = {} if kept is None else differences(kept, found)
    if changed:
        name, (own, told) = next(iter(changed.items()))
        raise RunError(
            f'{path} says {name} {told}, but the run was made with {own}: {way_out}; or start a '
            f'new run with --config {path}'
        )
    return found


def _kept(folder: RunFolder, cls: type[ConfigT]) -> ConfigT | None:
    """Return the settings that inputs.json keeps; None if it is older than that."""
    plain = folder.read_part(SETTINGS)
    if not plain:
        return None
    try:
        return config_from_dict(cls, plain)
    except ConfigError as error:
        raise RunError(f'{folder.path / INPUTS} is damaged: {SETTINGS}: {error}') from error

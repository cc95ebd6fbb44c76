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
    """Write the settings of a new run, and its inputs, which keep them as well."""
    folder.write_config(config)
    folder.write_inputs({**inputs, SETTINGS: config_to_dict(config)})


def change_settings(folder: RunFolder, config: Any) -> None:
    """
    Write what is another in a run that goes on.

    Whenever the process is killed, the two do not disagree: config.yaml is there or made anew.
    """
    inputs = folder.read_inputs()
    (folder.path / CONFIG).unlink(missing_ok=True)
    folder.write_inputs({**inputs, SETTINGS: config_to_dict(config)})
    folder.write_config(config)


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
    if kept is not None:
        own = {info.name: info.default for info in flatten(kept)}
        for info in flatten(found):
            if info.default != own[info.name]:
                raise RunError(
                    f'{path} says {info.name} {info.default}, but the run was made with '
                    f'{own[info.name]}: {way_out}; or start a new run with --config {path}'
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

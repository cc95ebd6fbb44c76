"""
How the settings of a run differ from the defaults, and from what was committed.

The committed file is read as data: ``git cat-file`` runs no filter, the safe YAML loader no code.
"""

from pathlib import Path
from typing import Any

from devrobot_interfaces_py.configs import config_from_dict, config_to_dict, ConfigError
from devrobot_training.report.provenance import ask_git, GitError
from devrobot_training.report.summary import Difference
import yaml


def against_defaults(config: Any, defaults: Any = None) -> tuple[Difference, ...]:
    """
    Return the settings of ``config`` that are not the default.

    :param defaults: an instance to compare with, by default the one the class makes.
    """
    return compare(config_to_dict(config), config_to_dict(defaults or type(config)()))


def against_commit(
    config: Any, path: Path | None, base: Any = None
) -> tuple[tuple[Difference, ...] | None, str]:
    """
    Return how ``config`` differs from the settings file as last committed; or None, and why.

    :param path: the YAML file that was given; None if there was none.
    :param base: where settings that the file does not name come from, by default the class.
    """
    if path is None:
        return None, 'no settings file was given, so there is nothing to compare with'
    path = path.resolve()  # an installed file may be a link into the sources
    try:
        text = ask_git(path.parent, 'cat-file', 'blob', f'HEAD:./{path.name}')
    except GitError as error:
        return None, f'{path.name} cannot be compared with a commit: {error}'
    try:
        content = yaml.safe_load(text)
        committed = config_from_dict(type(config), {} if content is None else content, base=base)
    except (yaml.YAMLError, ConfigError) as error:
        reason = ' '.join(str(error).split())
        return None, f'the committed {path.name} is not readable by this release: {reason}'
    return compare(config_to_dict(config), config_to_dict(committed)), ''


def compare(own: dict[str, Any], other: dict[str, Any]) -> tuple[Difference, ...]:
    """Return where two nested settings differ, by dotted names."""
    left, right = leaves(own), leaves(other)
    return tuple(
        Difference(name=name, value=shown_value(left, name), other=shown_value(right, name))
        for name in (left | right)
        if left.get(name) != right.get(name)
    )


def leaves(values: dict[str, Any], prefix: str = '') -> dict[str, Any]:
    """Return nested settings by their dotted names."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            found |= leaves(value, f'{prefix}{key}.')
        else:
            found[f'{prefix}{key}'] = value
    return found


def shown_value(values: dict[str, Any], name: str) -> str:
    """Return a value as it stands in YAML."""
    if name not in values:
        return 'not there'
    text = yaml.safe_dump(values[name], default_flow_style=True, width=10_000)
    return text.removesuffix('...\n').strip()

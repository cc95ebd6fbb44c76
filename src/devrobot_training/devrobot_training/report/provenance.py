"""With what a run was made: commit, versions, machine."""

from importlib import metadata
import os
from pathlib import Path
import platform
import subprocess

from devrobot_training.report.summary import Header
import numpy as np
import torch

TIMEOUT_S = 10
# Nothing of the repository's own settings may run a program.
HARMLESS = ('-c', 'core.fsmonitor=false', '-c', f'core.hooksPath={os.devnull}')
PACKAGES = ('devrobot_training', 'devrobot_world_model', 'rclpy', 'optuna', 'ray')


class GitError(RuntimeError):
    """Git is not there, or says no; the message is what people read."""


def ask_git(folder: Path, *words: str) -> str:
    """
    Return what git prints, asked in ``folder``.

    :raises GitError: in one line.
    """
    command = ['git', *HARMLESS, '-C', str(folder), *words]
    environment = {**os.environ, 'GIT_OPTIONAL_LOCKS': '0', 'LC_ALL': 'C'}
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=TIMEOUT_S, env=environment, check=False
        )
    except FileNotFoundError:
        raise GitError('git is not installed') from None
    except subprocess.TimeoutExpired:
        raise GitError(f'git gave no answer within {TIMEOUT_S} s') from None
    if done.returncode:
        said = done.stderr.decode(errors='replace').strip().splitlines()
        if any('not a git repository' in line for line in said):
            raise GitError('no git repository')
        raise GitError(said[0].removeprefix('fatal: ') if said else f'git {words[0]} failed')
    return done.stdout.decode(errors='replace')


def software_commit(source: Path = Path(__file__)) -> tuple[str | None, bool | None, str]:
    """
    Return the commit of the software, whether there are changes beside it, and why if neither.

    :param source: a file of the software; one that git does not know has no commit.
    """
    source = source.resolve()
    try:
        ask_git(source.parent, 'ls-files', '--error-unmatch', source.name)
        commit = ask_git(source.parent, 'rev-parse', '--short=12', 'HEAD').strip()
        dirty = bool(ask_git(source.parent, 'status', '--porcelain', '--untracked-files=no'))
    except GitError as error:
        return None, None, f'the software has no commit: {error}'
    return commit, dirty, ''


def versions() -> dict[str, str]:
    """Return the versions of what decides the result, by name."""
    found = {
        'python': platform.python_version(),
        'torch': torch.__version__,
        'numpy': np.__version__,
        'ROS': os.environ.get('ROS_DISTRO', 'ROS_DISTRO is not set'),
        'system': f'{platform.system()} {platform.machine()}',
    }
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def is_alive(header: Header) -> bool | None:
    """Return whether the process of a run is there; None if it was on another machine."""
    if header.process_id is None or header.host != platform.node():
        return None
    try:
        os.kill(header.process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

"""Names that come over the network: plain, relative, and never out of their folders."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from devrobot_world_model.checkpoints import CheckpointError, CheckpointInfo, list_checkpoints


class UnusableNameError(ValueError):
    """A name leads out of its folder, or to nothing; the message is one line."""


def find(name: str, folders: Sequence[Path], what: str) -> Path:
    """
    Return what ``name`` means in the first of ``folders`` that has it.

    :param what: what it names, for the message.
    :raises UnusableNameError: for absolute names, ``..``, links that lead out, and nothing there.
    """
    parts = PurePosixPath(name)
    if not parts.parts or parts.is_absolute() or '..' in parts.parts or not name.isprintable():
        raise UnusableNameError(
            f'{what} {name!r} must be a relative name without ".." in {_listed(folders)}'
        )
    for folder in folders:
        path = folder / name
        try:
            if not path.exists():
                continue
            inside = folder.resolve() in path.resolve().parents
        except (OSError, RuntimeError) as error:
            raise UnusableNameError(f'{what} {name!r} cannot be used: {error}') from error
        if not inside:
            raise UnusableNameError(f'{what} {name!r} leads out of {folder}: it is not used')
        return path
    raise UnusableNameError(f'{what} {name!r} is not in {_listed(folders)}')


def _listed(folders: Sequence[Path]) -> str:
    return ' or '.join(map(str, folders))


def named_checkpoint(folder: Path, link: str, root: Path) -> CheckpointInfo | None:
    """Return a checkpoint of ``folder``, named from ``root`` as requests name it; None without."""
    try:
        found = list_checkpoints(folder).checkpoints
    except CheckpointError:
        return None
    name = str((folder / link).absolute().relative_to(root.absolute()))
    return next((replace(info, name=name) for info in found if info.name == link), None)

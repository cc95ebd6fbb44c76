"""Write files and folders so that a crash cannot halve them: temporary name, then rename."""

from collections.abc import Iterator
from contextlib import contextmanager
import json
import os
from pathlib import Path
import re
import secrets
import shutil
from typing import Any

_OLD = '.old'
_TEMPORARY = re.compile(r'\..*\.[0-9a-f]{8}\.tmp(\..*)?')


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """
    Yield a temporary path beside ``path``; what is written there takes the place of ``path``.

    A file or a folder may be made there; missing parent folders are created. On an error the
    temporary is removed and ``path`` stays as it was. The suffix is kept, for writers that look at
    it.

    :raises FileNotFoundError: if nothing was written to the temporary path.
    :raises OSError: if the disk refuses; it names ``path`` in any case.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f'.{target.stem}.{secrets.token_hex(4)}.tmp{target.suffix}')
    try:
        yield temporary
        if temporary.is_dir():
            _replace_folder(temporary, target)
        else:
            _flush_to_disk(temporary)
            temporary.replace(target)
    except OSError as error:
        # A write that fails names no file, and other calls the temporary one.
        if error.errno is not None and error.filename in (None, str(temporary)):
            raise OSError(error.errno, error.strerror, str(target)) from error
        raise
    finally:
        _remove(temporary)


def remove_leftovers(folder: str | os.PathLike[str]) -> None:
    """
    Remove the temporaries that a process which was killed left anywhere in ``folder``.

    Only for a folder that nobody is writing to. A folder that was just taking the place of
    another one stays, and so does that one.
    """
    for path in list(Path(folder).rglob('.*.tmp*')):
        between = path.name.endswith(_OLD) or path.with_name(path.name + _OLD).exists()
        if _TEMPORARY.fullmatch(path.name) and not between:
            _remove(path)


def write_bytes(path: str | os.PathLike[str], data: bytes) -> None:
    """Write ``data`` to ``path``, all or nothing."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write ``text`` to ``path`` as UTF-8, all or nothing."""
    write_bytes(path, text.encode('utf-8'))


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write ``value`` to ``path`` as indented JSON, all or nothing."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + '\n')


def _replace_folder(temporary: Path, target: Path) -> None:
    """Put a folder in place; a folder cannot replace a filled one, so the old one moves away."""
    if not target.exists():
        temporary.replace(target)
        return
    old = target.with_name(temporary.name + _OLD)
    target.replace(old)
    try:
        temporary.replace(target)
    except OSError:
        old.replace(target)
        raise
    _remove(old)


def _flush_to_disk(path: Path) -> None:
    """Wait until the file's content is on the disk, so that the new name never shows a hole."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(path: Path) -> None:
    """Remove a file or folder if it is there."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)

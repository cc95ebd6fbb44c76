"""The two files of a checkpoint: written so that a crash cannot halve them, then checked."""

from collections.abc import Mapping
from contextlib import suppress
import hashlib
import json
import math
import os
from pathlib import Path
import shutil
import time
from typing import Any
import uuid

from devrobot_world_model.checkpoint_names import CheckpointError, require_inside
from safetensors.torch import save_file
from torch import Tensor

FORMAT = 1
TENSOR_FILE = 'tensors.safetensors'
#: Where a run keeps its checkpoints.
RUN_FOLDER = 'checkpoints'
JSON_FILE = 'checkpoint.json'
_LEFTOVER_AGE_S = 3600.0
_MAX_JSON_BYTES = 64 * 1024 * 1024
_END_OF_TIME_NS = 2**31 * 10**9  # what a ROS stamp can hold
_FIELDS = {
    'format': int, 'run_id': str, 'note': str, 'config_digest': str, 'software_version': str,
    'created_ns': int, 'counters': dict, 'metrics': dict, 'config': dict, 'state': dict,
    'tensors_sha256': str, 'tensors_bytes': int,
}  # fmt: skip


def write_folder(path: Path, tensors: Mapping[str, Tensor], document: Mapping[str, Any]) -> None:
    """Make the folder ``path`` with both files by one rename, replacing an older one."""
    staging = path.with_name(f'.saving-{uuid.uuid4().hex}')
    try:
        staging.mkdir(parents=True)
        _write_files(staging, tensors, dict(document))
        _swap_in(staging, path)
        _sweep(path.parent)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def delete_folder(path: Path) -> None:
    """Remove a checkpoint; it is gone from lists before its first byte is deleted."""
    doomed = path.with_name(f'.deleting-{uuid.uuid4().hex}')
    path.rename(doomed)
    shutil.rmtree(doomed, ignore_errors=True)


def read_document(path: Path, name: str) -> dict[str, Any]:
    """
    Return the checked JSON of the checkpoint folder ``path``.

    :raises CheckpointError: if a file is missing, cut short, leads elsewhere or is not ours.
    """
    try:
        return _read_document(path, name)
    except OSError as error:  # no permission, a path that is too long, deleted in this moment
        raise CheckpointError(f'checkpoint {name!r} cannot be read: {error}') from error


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal digits."""
    with path.open('rb') as file:
        return hashlib.file_digest(file, 'sha256').hexdigest()


def finite_or_none(value: float) -> float | None:
    """Return a number JSON can hold: None stands for NaN and infinity."""
    value = float(value)
    return value if math.isfinite(value) else None


def _read_document(path: Path, name: str) -> dict[str, Any]:
    if not path.is_dir():
        raise CheckpointError(f'there is no checkpoint {name!r} in {path.parent}')
    for file in (path / JSON_FILE, path / TENSOR_FILE):
        require_inside(file, path, name)
        if not file.is_file():
            inner = path / RUN_FOLDER
            if inner.is_dir():
                raise CheckpointError(
                    f'{path} is the folder of a run, whose checkpoints are in {inner}: name one '
                    f'of them, for example {inner / "best"}'
                )
            raise CheckpointError(f'checkpoint {name!r} is incomplete: {file.name} is missing')
    document = _parse(path / JSON_FILE, name)
    size = (path / TENSOR_FILE).stat().st_size
    if size != document['tensors_bytes']:
        raise CheckpointError(
            f'checkpoint {name!r} is damaged: {TENSOR_FILE} has {size} bytes, '
            f'{document["tensors_bytes"]} were written'
        )
    return document


def _write_files(staging: Path, tensors: Mapping[str, Tensor], document: dict[str, Any]) -> None:
    # Copies: safetensors refuses tensors that share memory.
    copies = {name: t.detach().to('cpu', copy=True).contiguous() for name, t in tensors.items()}
    save_file(copies, staging / TENSOR_FILE)
    document['tensors_sha256'] = sha256_of(staging / TENSOR_FILE)
    document['tensors_bytes'] = (staging / TENSOR_FILE).stat().st_size
    text = json.dumps(document, indent=2, allow_nan=False)
    (staging / JSON_FILE).write_text(text + '\n', encoding='utf-8')
    for name in (TENSOR_FILE, JSON_FILE):
        with (staging / name).open('rb') as file:
            os.fsync(file.fileno())


def _sweep(folder: Path) -> None:
    """Remove what saves and deletions that were cut off left behind; others may be at work."""
    for pattern in ('.saving-*', '.deleting-*'):
        for leftover in folder.glob(pattern):
            with suppress(OSError):
                if time.time() - leftover.stat().st_mtime > _LEFTOVER_AGE_S:
                    shutil.rmtree(leftover, ignore_errors=True)


def _swap_in(staging: Path, path: Path) -> None:
    """Rename ``staging`` to ``path``; the old one goes only when the new one is in its place."""
    retired = path.with_name(f'.retired-{uuid.uuid4().hex}')
    with suppress(FileNotFoundError):
        path.rename(retired)
    try:
        staging.rename(path)
    except OSError:
        with suppress(FileNotFoundError):
            retired.rename(path)
        raise
    shutil.rmtree(retired, ignore_errors=True)


def _parse(path: Path, name: str) -> dict[str, Any]:
    if path.stat().st_size > _MAX_JSON_BYTES:
        raise CheckpointError(f'checkpoint {name!r}: {JSON_FILE} is too large to be ours')
    try:
        document = json.loads(path.read_text(encoding='utf-8'))
    except (ValueError, RecursionError) as error:  # also numbers with thousands of digits
        raise CheckpointError(
            f'checkpoint {name!r} is damaged: {JSON_FILE} cannot be read ({error})'
        ) from error
    if not isinstance(document, dict) or document.get('format') != FORMAT:
        found = document.get('format') if isinstance(document, dict) else None
        raise CheckpointError(
            f'checkpoint {name!r} has format {found!r}, this software reads format {FORMAT}'
        )
    for key, kind in _FIELDS.items():
        if not isinstance(document.get(key), kind):
            raise CheckpointError(
                f'checkpoint {name!r} is damaged: {JSON_FILE} has no valid {key!r}'
            )
    _check_numbers(document, name)
    return document


def _check_numbers(document: Mapping[str, Any], name: str) -> None:
    if not 0 <= document['created_ns'] < _END_OF_TIME_NS:
        raise CheckpointError(
            f'checkpoint {name!r} is damaged: created_ns is {document["created_ns"]!r}'
        )
    for key, value in document['counters'].items():
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not whole or not 0 <= value < 2**64:
            raise CheckpointError(f'checkpoint {name!r} is damaged: counter {key} is {value!r}')
    for key, value in document['metrics'].items():
        if value is not None and not (isinstance(value, (int, float)) and abs(value) < 1e300):
            raise CheckpointError(f'checkpoint {name!r} is damaged: metric {key} is {value!r}')

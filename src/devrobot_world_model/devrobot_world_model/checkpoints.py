"""
Save, load, list and thin out checkpoints: a folder of safetensors plus JSON, no code in it.

``<folder>/<name>/tensors.safetensors`` holds every tensor (``model.…``, ``optimizer.…``,
``rng.…``); ``checkpoint.json`` holds configuration, metrics, counters and the digest of the
tensor file. A checkpoint appears by one rename, so it is whole or it is not there.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
import hashlib
import json
import math
import os
from pathlib import Path
import time
from typing import Any
import uuid

from devrobot_world_model.checkpoint_files import (
    delete_folder,
    finite_or_none,
    FORMAT,
    read_document,
    sha256_of,
    TENSOR_FILE,
    write_folder,
)
from devrobot_world_model.checkpoint_names import checkpoint_path, CheckpointError, unique_name
from devrobot_world_model.compatibility import check_compatible, IncompatibleCheckpointError
from devrobot_world_model.software import software_version
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

__all__ = [
    'CheckpointError', 'CheckpointInfo', 'CheckpointListing', 'IncompatibleCheckpointError',
    'LoadedCheckpoint', 'best_checkpoint', 'check_compatible', 'config_digest', 'keep_best',
    'list_checkpoints', 'load_checkpoint', 'save_checkpoint', 'unique_name',
]  # fmt: skip

VALIDATION_LOSS = 'validation_loss'


@dataclass(frozen=True, kw_only=True)
class CheckpointInfo:
    """What a list of checkpoints says about one of them; NaN is a loss nobody measured."""

    name: str
    path: str
    run_id: str = ''
    config_digest: str = ''
    software_version: str = ''
    created_ns: int = 0
    optimizer_step: int = 0
    samples_seen: int = 0
    validation_loss: float = math.nan
    metrics: Mapping[str, float] = field(default_factory=dict)
    note: str = ''


@dataclass(frozen=True, kw_only=True)
class LoadedCheckpoint:
    """Everything a checkpoint holds, verified, with its tensors on the CPU."""

    info: CheckpointInfo
    config: Mapping[str, Any]
    tensors: Mapping[str, Tensor]
    metrics: Mapping[str, float]
    counters: Mapping[str, int]
    state: Mapping[str, Any]

    def part(self, prefix: str) -> dict[str, Tensor]:
        """Return the tensors whose names begin with ``prefix``, without it."""
        names = [name for name in self.tensors if name.startswith(prefix)]
        return {name.removeprefix(prefix): self.tensors[name] for name in names}


@dataclass(frozen=True, kw_only=True)
class CheckpointListing:
    """The checkpoints of a folder, newest first, and why others are not among them."""

    checkpoints: tuple[CheckpointInfo, ...] = ()
    skipped: tuple[str, ...] = ()


def save_checkpoint(
    folder: Path,
    name: str,
    *,
    tensors: Mapping[str, Tensor],
    config: Mapping[str, Any],
    metrics: Mapping[str, float],
    counters: Mapping[str, int],
    state: Mapping[str, Any] | None = None,
    note: str = '',
    run_id: str = '',
    overwrite: bool = False,
    now_ns: Callable[[], int] = time.time_ns,
) -> CheckpointInfo:
    """
    Write a checkpoint and return what the list will say about it.

    :param name: '' makes a unique one from the folder's name, the time and ``run_id``.
    :param config: architecture, canvas and optimiser settings; they travel with the weights.
    :param counters: whole numbers, among them ``optimizer_step`` and ``samples_seen``.
    :param state: small JSON data that is no tensor, as an optimiser's parameter groups.
    :raises CheckpointError: if the name is bad or taken, or the disk refuses.
    """
    created = now_ns()
    if not name:
        name = _free_name(folder, run_id or uuid.uuid4().hex[:8], counters, created)
    path = checkpoint_path(folder, name)
    if not overwrite and os.path.lexists(path):
        raise CheckpointError(f'checkpoint {name!r} exists already in {folder}: use another name')
    try:
        document = {
            'format': FORMAT, 'name': name, 'run_id': run_id, 'note': note,
            'config_digest': config_digest(config), 'software_version': software_version(),
            'created_ns': created, 'counters': {k: int(v) for k, v in counters.items()},
            'metrics': {k: finite_or_none(v) for k, v in metrics.items()},
            'config': config, 'state': state or {},
        }  # fmt: skip
        write_folder(path, tensors, document)
    except (OSError, SafetensorError, TypeError, ValueError) as error:
        raise CheckpointError(f'cannot save checkpoint {name!r} in {folder}: {error}') from error
    return _read_info(path, name)[0]


def load_checkpoint(folder: Path, name: str) -> LoadedCheckpoint:
    """
    Read a checkpoint and verify every byte of it.

    :raises CheckpointError: if it is missing, cut short, altered or not ours; one line says why.
    """
    path = checkpoint_path(folder, name)
    info, document = _read_info(path, name)
    tensor_path = path / TENSOR_FILE
    try:
        if sha256_of(tensor_path) != document['tensors_sha256']:
            raise CheckpointError(
                f'checkpoint {name!r} is damaged: {TENSOR_FILE} does not match its digest'
            )
        tensors = load_file(tensor_path)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f'checkpoint {name!r} cannot be read: {error}') from error
    return LoadedCheckpoint(
        info=info,
        config=document['config'],
        tensors=tensors,
        metrics=info.metrics,
        counters=document['counters'],
        state=document['state'],
    )


def list_checkpoints(folder: Path) -> CheckpointListing:
    """
    Return the sound checkpoints of ``folder``, newest first; the tensors are not read.

    :raises CheckpointError: if the folder is there and cannot be read.
    """
    found, skipped = [], []
    try:
        entries = sorted(folder.iterdir()) if folder.is_dir() else []
    except OSError as error:
        raise CheckpointError(f'cannot list the checkpoints in {folder}: {error}') from error
    for entry in entries:
        if entry.name.startswith('.') or not (entry.is_dir() or entry.is_symlink()):
            continue
        try:
            found.append(_read_info(checkpoint_path(folder, entry.name), entry.name)[0])
        except CheckpointError as error:
            skipped.append(str(error))
    newest_first = sorted(found, key=lambda info: (info.created_ns, info.name), reverse=True)
    return CheckpointListing(checkpoints=tuple(newest_first), skipped=tuple(skipped))


def best_checkpoint(folder: Path, key: str = VALIDATION_LOSS) -> CheckpointInfo | None:
    """Return the checkpoint with the lowest ``key``; None if none of them measured it."""
    ranked = _best_first(list_checkpoints(folder).checkpoints, key)
    return ranked[0] if ranked and math.isfinite(_metric(ranked[0], key)) else None


def keep_best(
    folder: Path, keep: int, key: str = VALIDATION_LOSS, *, protect: Collection[str] = ()
) -> tuple[str, ...]:
    """
    Delete the worst checkpoints beyond ``keep`` and return their names.

    Lower is better and unmeasured is worst. The best, the newest and ``protect`` always stay.
    """
    if keep < 1:
        raise CheckpointError(f'at least 1 checkpoint must be kept, got {keep}')
    newest_first = list_checkpoints(folder).checkpoints
    ranked = _best_first(newest_first, key)
    kept = {info.name for info in (*newest_first[:1], *ranked[:1])}
    kept |= {info.name for info in ranked if info.name in protect}
    for info in ranked:
        if len(kept) < keep:
            kept.add(info.name)
    doomed = [info.name for info in reversed(ranked) if info.name not in kept]
    for name in doomed:
        try:
            delete_folder(checkpoint_path(folder, name))
        except OSError as error:
            raise CheckpointError(f'cannot delete checkpoint {name!r}: {error}') from error
    return tuple(doomed)


def config_digest(config: Mapping[str, Any]) -> str:
    """Return 16 hexadecimal digits that are the same for equal configurations."""
    text = json.dumps(config, sort_keys=True, separators=(',', ':'))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _best_first(infos: Collection[CheckpointInfo], key: str) -> list[CheckpointInfo]:
    """Sort by ``key``, lowest first, unmeasured last; equal ones stay newest first."""

    def rank(info: CheckpointInfo) -> float:
        value = _metric(info, key)
        return value if math.isfinite(value) else math.inf

    return sorted(infos, key=rank)


def _metric(info: CheckpointInfo, key: str) -> float:
    return info.metrics.get(key, math.nan)


def _free_name(folder: Path, instance: str, counters: Mapping[str, int], now_ns: int) -> str:
    robot, counter = folder.resolve().name, int(counters.get('samples_seen', 0))
    while True:
        name = unique_name(robot, instance=instance, counter=counter, now_ns=now_ns)
        if not os.path.lexists(folder / name):
            return name
        counter += 1


def _read_info(path: Path, name: str) -> tuple[CheckpointInfo, dict[str, Any]]:
    document = read_document(path, name)
    counters, metrics = document['counters'], document['metrics']
    metrics = {k: math.nan if v is None else float(v) for k, v in metrics.items()}
    info = CheckpointInfo(
        name=name,
        path=str(path),
        run_id=document['run_id'],
        config_digest=document['config_digest'],
        software_version=document['software_version'],
        created_ns=document['created_ns'],
        optimizer_step=counters.get('optimizer_step', 0),
        samples_seen=counters.get('samples_seen', 0),
        validation_loss=metrics.get(VALIDATION_LOSS, math.nan),
        metrics=metrics,
        note=document['note'],
    )
    return info, document

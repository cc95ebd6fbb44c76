"""
Built sessions beside their bags: found again by what the bag contains.

``<bag>/.devrobot_cache/<key>/`` holds ``frames.bin``, ``transitions.npy``, ``stamps.npy`` and
``session.json``. It appears complete or not at all: it is built under another name and renamed.
The key is a digest of the bag's bytes; the sizes and times of its files tell without reading them
that nothing has changed.
"""

from collections.abc import Iterator, Mapping
import contextlib
import json
import os
from pathlib import Path
import shutil
from typing import Any

from devrobot_interfaces_py.atomic import write_json
from devrobot_interfaces_py.bag_storage import storage_files
import xxhash

FOLDER = '.devrobot_cache'
INFO = 'session.json'
VERSION = 1
BLOCK = 1 << 22

Signature = list[list[Any]]


def bag_files(bag: Path) -> list[Path]:
    """Return the files that hold the messages of a bag."""
    return storage_files(bag) if bag.is_dir() else [bag]


def signature(bag: Path) -> Signature:
    """Return name, size and time of change of each file of a bag."""
    facts = ((path.name, path.stat()) for path in bag_files(bag))
    return [[name, stat.st_size, stat.st_mtime_ns] for name, stat in facts]


def content_digest(bag: Path) -> str:
    """Return 32 hex digits that stand for every byte of the bag's messages."""
    digest = xxhash.xxh3_128()
    for path in bag_files(bag):
        digest.update(path.stat().st_size.to_bytes(8, 'little'))
        with path.open('rb', buffering=0) as file:
            while block := file.read(BLOCK):
                digest.update(block)
    return digest.hexdigest()


class SessionCache:
    """The built sessions of one bag, for one way of reading it."""

    def __init__(self, bag: Path, variant: Mapping[str, Any], home: Path) -> None:
        """``variant`` says how the bag is read; ``home`` is used where its folder is read-only."""
        self._bag = bag
        self._variant = {'version': VERSION, **variant}
        self._home = home

    @property
    def folders(self) -> tuple[Path, Path]:
        """The place beside the bag, and the one in the user's home."""
        beside = self._bag / FOLDER if self._bag.is_dir() else self._named_beside()
        return beside, self._home

    def find(self, files: Signature) -> Path | None:
        """Return what was built of a bag with these files, None if there is nothing."""
        for path, info in self._built():
            if info['signature'] == files:
                return path
        return None

    def find_digest(self, digest: str, files: Signature) -> Path | None:
        """Return what was built of a bag of these contents, and note its new signature."""
        for path, info in self._built():
            if info['digest'] == digest:
                with contextlib.suppress(OSError):
                    write_json(path / INFO, {**info, 'signature': files})
                return path
        return None

    def workshop(self) -> Path:
        """Return a new empty folder to build in; beside the bag if that can be written."""
        for folder in self.folders:
            try:
                folder.mkdir(parents=True, exist_ok=True)
                sweep(folder)
                path = folder / f'.{os.getpid()}-{os.urandom(4).hex()}.partial'
                path.mkdir()
            except OSError:
                continue
            return path
        raise PermissionError(f'neither {self.folders[0]} nor {self._home} can be written')

    def publish(self, workshop: Path, info: Mapping[str, Any]) -> Path:
        """Name what was built, and drop what was built of older contents; return its place."""
        write_json(workshop / INFO, {**self._variant, **info})
        target = workshop.parent / f'{info["digest"]}-{_tag(self._variant)}'
        try:
            workshop.rename(target)
        except OSError:
            if not (target / INFO).exists():
                raise
            shutil.rmtree(workshop, ignore_errors=True)  # another process was faster
        for path, other in list(self._built()):
            if other['digest'] != info['digest'] and path.parent != self._home:
                shutil.rmtree(path, ignore_errors=True)
        return target

    def _built(self) -> Iterator[tuple[Path, dict[str, Any]]]:
        for folder in self.folders:
            # Hidden ones are still being built.
            for path in sorted(folder.glob(f'[!.]*/{INFO}')):
                with contextlib.suppress(OSError, ValueError):
                    info = json.loads(path.read_text(encoding='utf-8'))
                    if all(info.get(name) == value for name, value in self._variant.items()):
                        yield path.parent, info

    def _named_beside(self) -> Path:
        return self._bag.with_name(f'{self._bag.name}{FOLDER}')


def sweep(folder: Path) -> None:
    """Remove what builds of processes that are gone have left."""
    for path in folder.glob('.*.partial'):
        number = path.name[1:].partition('-')[0]
        if not (number.isdigit() and Path('/proc', number).exists()):
            shutil.rmtree(path, ignore_errors=True)


def _tag(variant: Mapping[str, Any]) -> str:
    """Return a short name for a way of reading."""
    return xxhash.xxh3_64(json.dumps(variant, sort_keys=True).encode()).hexdigest()

"""Open a session: from the cache if the bag was built before, else by building it."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
import json
from pathlib import Path
import shutil
from typing import Any

from devrobot_interfaces_py.actions import ActionDefinition, ActionSpace, SessionInfo
from devrobot_interfaces_py.bags import Bag, BagError, open_bag
from devrobot_interfaces_py.session_files import (
    read_session_file,
    SessionFileError,
    SUFFIX,
)
from devrobot_training.sessions.building import build, Built, Progress
from devrobot_training.sessions.cache import (
    content_digest,
    FOLDER,
    INFO,
    SessionCache,
    signature,
)
from devrobot_training.sessions.frame_file import map_frames
from devrobot_training.sessions.session import Session, SessionError
import numpy as np

FRAMES, STAMPS, TRANSITIONS = 'frames.bin', 'stamps.npy', 'transitions.npy'


def open_session(
    path: Path | str,
    *,
    namespace: str = '',
    skip_faulty: bool = False,
    progress: Progress | None = None,
    cache_home: Path | None = None,
) -> Session:
    """
    Open a bag, or the part of one that a ``*.session.json`` file names.

    The first time the bag is read once from end to end; afterwards it opens at once.

    :param namespace: of the robot, if the bag has several.
    :param skip_faulty: leave out what a fault touches, and count it, instead of refusing the bag.
    :param progress: called with the messages read and their number, while the bag is read.
    :param cache_home: where to build if the bag's folder is read-only; in ~/.cache by default.
    :raises SessionError: one line that says what is wrong and what to do.
    """
    path = Path(path)
    home = cache_home or Path.home() / '.cache' / 'devrobot' / 'sessions'
    try:
        if path.name.endswith(SUFFIX):
            return _open_part(path, namespace, skip_faulty, progress, home)
        return _open(path, namespace, skip_faulty, progress, home)
    except (BagError, SessionFileError) as error:
        raise SessionError(str(error)) from error
    except OSError as error:
        raise SessionError(f'{path}: {error}') from error


def _open_part(
    path: Path, namespace: str, skip: bool, progress: Progress | None, home: Path
) -> Session:
    part = read_session_file(path)
    if not part.bag.exists():
        raise SessionError(f'{path}: its bag {part.bag} is gone; put it back, or make it anew')
    # The ranges count what was read in the way that the file tells.
    skip = skip or bool(part.made_by.get('skip_faulty', False))
    namespace = namespace or str(part.made_by.get('namespace', ''))
    session = _open(part.bag, namespace, skip, progress, home)
    if session.digest != part.digest:
        raise SessionError(
            f'{path}: {part.bag} has changed since (digest {session.digest}, then '
            f'{part.digest}); make this file anew'
        )
    name = path.name.removesuffix(SUFFIX)
    return session.select(
        part.ranges if part.ranges is not None else [(0, len(session))], name=name
    )


def _open(
    path: Path, namespace: str, skip: bool, progress: Progress | None, home: Path
) -> Session:
    bag = path.resolve()
    if not bag.exists():
        raise SessionError(f'{path}: there is no such bag')
    cache = SessionCache(bag, {'namespace': namespace.strip('/'), 'skip_faulty': skip}, home)
    files = signature(bag)
    found = cache.find(files) if files else None
    if found is None and any(folder.is_dir() for folder in cache.folders):
        found = cache.find_digest(content_digest(bag), files)
    return _load(found or _build(bag, cache, namespace, skip, progress), bag)


def _build(
    path: Path, cache: SessionCache, namespace: str, skip: bool, progress: Progress | None
) -> Path:
    with open_bag(path, namespace=namespace) as bag, ThreadPoolExecutor(1) as side:
        files = signature(path)
        digest = side.submit(content_digest, path)
        workshop = cache.workshop()
        try:
            built = build(bag, workshop / FRAMES, skip_faulty=skip, progress=progress)
            np.save(workshop / STAMPS, built.frame_stamps)
            np.save(workshop / TRANSITIONS, built.transitions)
            info = _describe(bag, built)
            if signature(path) != files:
                raise SessionError(f'{path}: has changed while it was read: is it being written?')
            return cache.publish(workshop, {**info, 'digest': digest.result(), 'signature': files})
        except BaseException:
            shutil.rmtree(workshop, ignore_errors=True)
            _remove_if_empty(workshop.parent)
            raise


def _describe(bag: Bag, built: Built) -> dict[str, Any]:
    return {
        'frame_shape': list(built.shape),
        'frame_count': len(built.frame_stamps),
        'action_space': asdict(bag.action_space),
        'info': asdict(bag.session_info),
        'unpaired': built.unpaired,
        'observed_frames': built.observed_frames,
        'start_ns': bag.start_ns,
        'end_ns': bag.end_ns,
        'notes': [*bag.notes, *built.notes],
    }


def _load(folder: Path, bag: Path) -> Session:
    """Return the session that was built into ``folder``; frames stay on disk."""
    facts = json.loads((folder / INFO).read_text(encoding='utf-8'))
    frames = map_frames(folder / FRAMES, facts['frame_count'], tuple(facts['frame_shape']))
    return Session(
        name=bag.name,
        bag=bag,
        digest=facts['digest'],
        info=_session_info(facts['info']),
        action_space=_action_space(facts['action_space']),
        frames=frames,
        frame_stamps=np.load(folder / STAMPS, allow_pickle=False),
        transitions=np.load(folder / TRANSITIONS, allow_pickle=False),
        unpaired=facts['unpaired'],
        observed_frames=facts['observed_frames'],
        start_ns=facts['start_ns'],
        end_ns=facts['end_ns'],
        notes=tuple(facts['notes']),
    )


def _action_space(facts: dict[str, Any]) -> ActionSpace:
    actions = tuple(
        ActionDefinition(
            label=action['label'],
            duration_s=action['duration_s'],
            separator_color=tuple(action['separator_color']),
            parameters=tuple((name, value) for name, value in action['parameters']),
        )
        for action in facts['actions']
    )
    return ActionSpace(
        robot_name=facts['robot_name'], robot_type=facts['robot_type'], actions=actions
    )


def _session_info(facts: dict[str, Any]) -> SessionInfo:
    pairs = tuple((name, value) for name, value in facts['parameters'])
    return SessionInfo(
        **{**facts, 'image_topics': tuple(facts['image_topics']), 'parameters': pairs}
    )


def _remove_if_empty(folder: Path) -> None:
    """Leave no trace of a build that failed."""
    if folder.name.endswith(FOLDER) and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()

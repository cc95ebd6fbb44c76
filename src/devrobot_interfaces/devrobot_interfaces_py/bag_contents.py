"""Find the parts of a session among the topics of a bag, and say what is missing."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from devrobot_interfaces_py import topics as names
from devrobot_interfaces_py.actions import ActionEvent, ActionSpace, SessionInfo
from devrobot_interfaces_py.bag_errors import BagError, one_line
from devrobot_interfaces_py.bag_images import image_reader, IMAGE_TYPES, ImageReader
from devrobot_interfaces_py.bag_messages import event_reader, info_from_bag, space_from_bag
from devrobot_interfaces_py.bag_storage import Storage, Topic
from devrobot_interfaces_py.bag_types import (
    ACTION_EVENT,
    ACTION_SPACE,
    bag_typestore,
    differences,
    IMAGE,
    make_typestore,
    SESSION_INFO,
)
from rosbags.typesys.store import Typestore

PARTS = {
    names.ACTION_EVENTS: ACTION_EVENT,
    names.ACTION_SPACE: ACTION_SPACE,
    names.SESSION_INFO: SESSION_INFO,
}
HINT = 'record all topics of the robot, for example with `ros2 bag record -a`'


@dataclass(frozen=True, kw_only=True)
class Camera:
    """One topic that is read for pixels."""

    topic: str
    type: str
    count: int
    read: ImageReader


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What a bag has of one robot."""

    path: Path
    namespace: str
    action_space: ActionSpace
    session_info: SessionInfo
    cameras: tuple[Camera, ...]
    event_count: int
    event: Callable[[bytes], ActionEvent]
    notes: tuple[str, ...]
    types: Typestore
    topic_types: Mapping[str, str]

    def read_event(self, raw: bytes) -> ActionEvent:
        """
        Return an action event.

        :raises BagError: if the bytes are none.
        """
        try:
            return self.event(raw)
        except Exception as error:  # generated code: any of struct, index and type errors
            raise BagError(f'{self.path}: damaged action event: {one_line(error)}') from error

    def read(self, raw: bytes, topic: str) -> Any:
        """
        Return a message as the bag defines it.

        :raises BagError: if the bytes are no such message.
        """
        return _read(self.path, self.types, raw, topic, self.topic_types[topic])


def find_contents(path: Path, storage: Storage, namespace: str) -> Contents:
    """
    Read what the bag is about.

    :raises BagError: naming what is missing or of the wrong kind.
    """
    if not storage.message_count:
        raise BagError(f'{path}: is empty: no message was recorded')
    space_name = _namespace(path, storage, namespace)
    parts = _parts(path, storage, space_name)
    own = make_typestore()
    cameras = [t for t in storage.topics.values() if t.type in IMAGE_TYPES and t.count]
    used = [*parts.values(), *cameras]
    types = bag_typestore([t.connections[0] for t in used], own)
    notes = [
        line for kind in sorted({t.type for t in used}) for line in _differ(path, own, types, kind)
    ]
    space, stored = space_from_bag(_first(path, storage, types, parts[names.ACTION_SPACE]))
    if stored and stored != space.digest:
        notes.append(f'{path}: the stored action space digest {stored} is not that of its actions')
    info = _session_info(path, storage, types, parts.get(names.SESSION_INFO), notes)
    topics = _image_topics(path, cameras, space_name, info, notes)
    info = info or SessionInfo(
        session_id=path.stem,
        robot_name=space.robot_name,
        robot_type=space.robot_type,
        action_space_digest=space.digest,
        image_topics=tuple(topic.name for topic in topics),
    )
    return Contents(
        path=path,
        namespace=space_name,
        action_space=space,
        session_info=replace(info, action_space_digest=space.digest),
        cameras=tuple(
            Camera(topic=t.name, type=t.type, count=t.count, read=image_reader(t.type, types, own))
            for t in topics
        ),
        event_count=parts[names.ACTION_EVENTS].count,
        event=event_reader(types, own),
        notes=tuple(notes),
        types=types,
        topic_types={topic.name: topic.type for topic in used},
    )


def _namespace(path: Path, storage: Storage, wanted: str) -> str:
    """Return the robot's namespace without a slash at its end."""
    found = sorted(
        topic.name.removesuffix(f'/{names.ACTION_EVENTS}')
        for topic in storage.topics.values()
        if topic.name.endswith(f'/{names.ACTION_EVENTS}')
    )
    if wanted:
        wanted = '/' + wanted.strip('/')
        if wanted not in found:
            raise BagError(f'{path}: no robot {wanted} in it, only {", ".join(found) or "none"}')
        return wanted
    recorded = [name for name in found if storage.topics[f'{name}/{names.ACTION_EVENTS}'].count]
    if not recorded:
        raise BagError(f'{path}: no action events in it: {HINT}')
    if len(recorded) > 1:
        raise BagError(
            f'{path}: {len(recorded)} robots in it, {", ".join(recorded)}: name one as namespace'
        )
    return recorded[0]


def _parts(path: Path, storage: Storage, namespace: str) -> dict[str, Topic]:
    parts = {}
    for name, kind in PARTS.items():
        topic = storage.topics.get(f'{namespace}/{name}')
        if topic is not None and topic.type != kind:
            raise BagError(f'{path}: {topic.name} has messages of {topic.type}, not of {kind}')
        if topic is not None and topic.count:
            parts[name] = topic
    for name in (names.ACTION_EVENTS, names.ACTION_SPACE):
        if name not in parts:
            raise BagError(f'{path}: no message on {namespace}/{name}: {HINT}')
    return parts


def _differ(path: Path, own: Typestore, types: Typestore, kind: str) -> Iterator[str]:
    try:
        for line in differences(own, types, kind):
            yield f'{path}: {line}'
    except BagError as error:
        raise BagError(f'{path}: {error}') from error


def _session_info(
    path: Path, storage: Storage, types: Typestore, topic: Topic | None, notes: list[str]
) -> SessionInfo | None:
    if topic is not None:
        return info_from_bag(_first(path, storage, types, topic))
    notes.append(f'{path}: no {names.SESSION_INFO} in it: the cameras are taken in order of name')
    return None


def _image_topics(
    path: Path,
    cameras: list[Topic],
    namespace: str,
    info: SessionInfo | None,
    notes: list[str],
) -> list[Topic]:
    """Return one recorded topic per camera, raw pixels before compressed ones."""
    by_name = {topic.name: topic for topic in cameras}
    wanted = list(info.image_topics) if info is not None else _guess(by_name, namespace)
    if not wanted:
        raise BagError(f'{path}: no images of {namespace or "a robot"} in it: {HINT}')
    found = []
    for name in wanted:
        # A bag that was played under another name has its topics elsewhere.
        moved = f'{namespace}/{_within(name)}'
        candidates = [c for base in (name, moved) for c in (base, base + names.COMPRESSED_SUFFIX)]
        topic = next((by_name[c] for c in candidates if c in by_name), None)
        if topic is None:
            raise BagError(f'{path}: no images on {name} nor on its compressed topic: {HINT}')
        found.append(topic)
    compressed = [topic.name for topic in found if topic.type != IMAGE]
    if compressed:
        notes.append(f'{path}: read from compressed images: {", ".join(compressed)}')
    return found


def _within(name: str) -> str:
    """Return the part of an image topic that is the robot's own: image_raw, left/image_raw."""
    parts = name.strip('/').split('/')
    return '/'.join(parts[1:]) or name


def _guess(by_name: Mapping[str, Topic], namespace: str) -> list[str]:
    bases = {name.removesuffix(names.COMPRESSED_SUFFIX) for name in by_name}
    return sorted(
        base
        for base in bases
        if base.startswith(f'{namespace}/') and base.rpartition('/')[2] == names.IMAGE_RAW
    )


def _first(path: Path, storage: Storage, types: Typestore, topic: Topic) -> Any:
    for name, _, raw in storage.messages({topic.name}):
        return _read(path, types, raw, name, topic.type)
    raise BagError(f'{path}: no message can be read on {topic.name}')


def _read(path: Path, types: Typestore, raw: bytes, topic: str, msgtype: str) -> Any:
    try:
        return types.deserialize_cdr(raw, msgtype)
    except Exception as error:  # generated code: any of struct, index and type errors
        raise BagError(f'{path}: damaged message on {topic}: {one_line(error)}') from error

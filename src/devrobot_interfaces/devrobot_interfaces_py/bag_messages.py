"""Our dataclasses from and to the messages that ``rosbags`` reads and writes."""

from collections.abc import Callable
from typing import Any

from devrobot_interfaces_py.actions import (
    ActionDefinition,
    ActionEvent,
    ActionSpace,
    Phase,
    SessionInfo,
)
from devrobot_interfaces_py.bag_decode import LITTLE_ENDIAN_CDR, read_action_event
from devrobot_interfaces_py.bag_errors import BagError
from devrobot_interfaces_py.bag_types import (
    ACTION_EVENT,
    ACTION_SPACE,
    fields_of,
    PACKAGE,
    SESSION_INFO,
)
import numpy as np
from rosbags.typesys.store import Typestore

DISCRETE_ACTION = f'{PACKAGE}/msg/DiscreteAction'
NS = 1_000_000_000


def event_reader(bag_types: Typestore, own_types: Typestore) -> Callable[[bytes], ActionEvent]:
    """
    Return the function that makes an event of its bytes; what an older definition lacks is empty.

    It raises BagError for an unknown phase, and whatever its reader raises for damaged bytes.
    """
    kinds = (ACTION_EVENT, DISCRETE_ACTION)
    usual = all(
        kind in bag_types.fielddefs and fields_of(bag_types, kind) == fields_of(own_types, kind)
        for kind in kinds
    )

    def read(raw: bytes) -> ActionEvent:
        if usual and bytes(raw[:2]) == LITTLE_ENDIAN_CDR:
            return _event(*read_action_event(raw))
        message: Any = bag_types.deserialize_cdr(raw, ACTION_EVENT)
        action = getattr(message, 'action', None)
        return _event(
            message.header.stamp.sec * NS + message.header.stamp.nanosec,
            int(message.sequence),
            getattr(message, 'phase', 0),
            int(action.index) if action is not None else 0,
            getattr(message, 'source', ''),
            getattr(message, 'message', ''),
        )

    return read


def _event(
    stamp_ns: int, sequence: int, phase: int, action: int, source: str, message: str
) -> ActionEvent:
    if phase not in Phase._value2member_map_:
        raise BagError(f'action event {sequence} has the unknown phase {phase}')
    return ActionEvent(
        stamp_ns=stamp_ns,
        sequence=sequence,
        phase=Phase(phase),
        action=action,
        source=source,
        message=message,
    )


def space_from_bag(message: Any) -> tuple[ActionSpace, str]:
    """
    Return the action space and the digest that was stored beside it.

    :raises BagError: if it is no possible action space.
    """
    try:
        space = ActionSpace(
            robot_name=getattr(message, 'robot_name', ''),
            robot_type=getattr(message, 'robot_type', ''),
            actions=tuple(_definition(action) for action in message.actions),
        )
    except ValueError as error:
        raise BagError(f'the action space in the bag cannot be used: {error}') from error
    return space, getattr(message, 'digest', '')


def info_from_bag(message: Any) -> SessionInfo:
    """Return the facts about the session; what an older definition lacks is empty."""
    return SessionInfo(
        session_id=getattr(message, 'session_id', ''),
        robot_name=getattr(message, 'robot_name', ''),
        robot_type=getattr(message, 'robot_type', ''),
        action_space_digest=getattr(message, 'action_space_digest', ''),
        image_topics=tuple(getattr(message, 'image_topics', ())),
        selector=getattr(message, 'selector', ''),
        software_version=getattr(message, 'software_version', ''),
        parameters=tuple((item.key, item.value) for item in getattr(message, 'parameters', ())),
    )


class MessageMaker:
    """Serialises our dataclasses and images as the nodes do."""

    def __init__(self, store: Typestore) -> None:
        self._store = store

    def event(self, event: ActionEvent) -> memoryview:
        """Return a serialised ``ActionEvent``."""
        kind = self._store.types
        message = kind[ACTION_EVENT](
            header=self._header(event.stamp_ns),
            sequence=event.sequence,
            phase=int(event.phase),
            action=kind[DISCRETE_ACTION](index=event.action),
            source=event.source,
            message=event.message,
        )
        return self._store.serialize_cdr(message, ACTION_EVENT)

    def space(self, space: ActionSpace, stamp_ns: int) -> memoryview:
        """Return a serialised ``ActionSpace``."""
        message = self._store.types[ACTION_SPACE](
            header=self._header(stamp_ns),
            robot_name=space.robot_name,
            robot_type=space.robot_type,
            digest=space.digest,
            actions=[self._action(action) for action in space.actions],
        )
        return self._store.serialize_cdr(message, ACTION_SPACE)

    def info(self, info: SessionInfo, stamp_ns: int) -> memoryview:
        """Return a serialised ``SessionInfo``."""
        kind = self._store.types
        message = kind[SESSION_INFO](
            header=self._header(stamp_ns),
            session_id=info.session_id,
            robot_name=info.robot_name,
            robot_type=info.robot_type,
            action_space_digest=info.action_space_digest,
            image_topics=list(info.image_topics),
            selector=info.selector,
            software_version=info.software_version,
            parameters=[
                kind['diagnostic_msgs/msg/KeyValue'](key=key, value=value)
                for key, value in info.parameters
            ],
        )
        return self._store.serialize_cdr(message, SESSION_INFO)

    def image(self, image: np.ndarray, stamp_ns: int, frame_id: str) -> memoryview:
        """Return an (H, W, 3) uint8 RGB image as a serialised ``Image``."""
        height, width = image.shape[:2]
        message = self._store.types['sensor_msgs/msg/Image'](
            header=self._header(stamp_ns, frame_id),
            height=height,
            width=width,
            encoding='rgb8',
            is_bigendian=0,
            step=3 * width,
            data=np.ascontiguousarray(image).reshape(-1),
        )
        return self._store.serialize_cdr(message, 'sensor_msgs/msg/Image')

    def compressed(self, data: bytes, name: str, stamp_ns: int, frame_id: str) -> memoryview:
        """Return an image file as a serialised ``CompressedImage``."""
        message = self._store.types['sensor_msgs/msg/CompressedImage'](
            header=self._header(stamp_ns, frame_id),
            format=name,
            data=np.frombuffer(data, np.uint8),
        )
        return self._store.serialize_cdr(message, 'sensor_msgs/msg/CompressedImage')

    def _header(self, stamp_ns: int, frame_id: str = '') -> Any:
        seconds, nanoseconds = divmod(stamp_ns, NS)
        stamp = self._store.types['builtin_interfaces/msg/Time'](sec=seconds, nanosec=nanoseconds)
        return self._store.types['std_msgs/msg/Header'](stamp=stamp, frame_id=frame_id)

    def _action(self, action: ActionDefinition) -> Any:
        kind = self._store.types
        seconds, nanoseconds = divmod(round(action.duration_s * NS), NS)
        red, green, blue = (channel / 255 for channel in action.separator_color)
        return kind[f'{PACKAGE}/msg/ActionDefinition'](
            label=action.label,
            duration=kind['builtin_interfaces/msg/Duration'](sec=seconds, nanosec=nanoseconds),
            separator_color=kind['std_msgs/msg/ColorRGBA'](r=red, g=green, b=blue, a=1.0),
            parameter_names=[name for name, _ in action.parameters],
            parameter_values=np.array([value for _, value in action.parameters], np.float64),
        )


def _definition(message: Any) -> ActionDefinition:
    color = getattr(message, 'separator_color', None)
    duration = getattr(message, 'duration', None)
    names = getattr(message, 'parameter_names', ())
    values = getattr(message, 'parameter_values', ())
    return ActionDefinition(
        label=message.label,
        duration_s=(duration.sec * NS + duration.nanosec) / 1e9 if duration is not None else 0.0,
        separator_color=(
            (round(color.r * 255), round(color.g * 255), round(color.b * 255))
            if color is not None
            else (255, 255, 0)
        ),
        parameters=tuple((name, float(value)) for name, value in zip(names, values, strict=True)),
    )

"""Dataclasses and numpy images to ROS messages and back."""

import array

from builtin_interfaces.msg import Duration, Time
from devrobot_interfaces.msg import ActionDefinition as ActionDefinitionMsg
from devrobot_interfaces.msg import ActionEvent as ActionEventMsg
from devrobot_interfaces.msg import ActionSpace as ActionSpaceMsg
from devrobot_interfaces.msg import SessionInfo as SessionInfoMsg
from devrobot_interfaces_py.actions import (
    ActionDefinition,
    ActionEvent,
    ActionSpace,
    Phase,
    SessionInfo,
)
from devrobot_interfaces_py.images import (
    check_image,
    decode_compressed,
    encode_jpeg,
    encode_png,
    Image,
    image_to_array,
    ImageError,
)
from diagnostic_msgs.msg import KeyValue
import numpy as np
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image as ImageMsg
from std_msgs.msg import ColorRGBA

_NS_PER_S = 1_000_000_000


def stamp_to_ns(stamp: Time) -> int:
    """Return a time as nanoseconds."""
    return stamp.sec * _NS_PER_S + stamp.nanosec


def ns_to_stamp(stamp_ns: int) -> Time:
    """Return nanoseconds as a time."""
    return Time(sec=stamp_ns // _NS_PER_S, nanosec=stamp_ns % _NS_PER_S)


def duration_to_msg(duration_s: float) -> Duration:
    """Return seconds as a duration, rounded to nanoseconds."""
    duration_ns = round(duration_s * 1e9)
    return Duration(sec=duration_ns // _NS_PER_S, nanosec=duration_ns % _NS_PER_S)


def duration_to_s(duration: Duration) -> float:
    """Return a duration as seconds."""
    return (duration.sec * _NS_PER_S + duration.nanosec) / 1e9


def action_space_to_msg(space: ActionSpace, stamp_ns: int = 0) -> ActionSpaceMsg:
    """Return an action space as a message, with its digest."""
    message = ActionSpaceMsg(
        robot_name=space.robot_name,
        robot_type=space.robot_type,
        digest=space.digest,
        actions=[_definition_to_msg(action) for action in space.actions],
    )
    message.header.stamp = ns_to_stamp(stamp_ns)
    return message


def action_space_from_msg(message: ActionSpaceMsg) -> ActionSpace:
    """
    Return the action space in a message.

    :raises ValueError: if the message's digest does not belong to its actions.
    """
    space = ActionSpace(
        robot_name=message.robot_name,
        robot_type=message.robot_type,
        actions=tuple(_definition_from_msg(action) for action in message.actions),
    )
    if message.digest and message.digest != space.digest:
        raise ValueError(
            f'the action space of {space.robot_name} says digest {message.digest}, '
            f'but its actions have {space.digest}'
        )
    return space


def action_event_to_msg(event: ActionEvent) -> ActionEventMsg:
    """Return an action event as a message."""
    message = ActionEventMsg(
        sequence=event.sequence,
        phase=int(event.phase),
        source=event.source,
        message=event.message,
    )
    message.header.stamp = ns_to_stamp(event.stamp_ns)
    message.action.index = event.action
    return message


def action_event_from_msg(message: ActionEventMsg) -> ActionEvent:
    """
    Return the action event in a message.

    :raises ValueError: if the phase is unknown.
    """
    return ActionEvent(
        stamp_ns=stamp_to_ns(message.header.stamp),
        sequence=message.sequence,
        phase=Phase(message.phase),
        action=message.action.index,
        source=message.source,
        message=message.message,
    )


def session_info_to_msg(info: SessionInfo, stamp_ns: int = 0) -> SessionInfoMsg:
    """Return session facts as a message."""
    message = SessionInfoMsg(
        session_id=info.session_id,
        robot_name=info.robot_name,
        robot_type=info.robot_type,
        action_space_digest=info.action_space_digest,
        image_topics=list(info.image_topics),
        selector=info.selector,
        software_version=info.software_version,
        parameters=[KeyValue(key=key, value=value) for key, value in info.parameters],
    )
    message.header.stamp = ns_to_stamp(stamp_ns)
    return message


def session_info_from_msg(message: SessionInfoMsg) -> SessionInfo:
    """Return the session facts in a message."""
    return SessionInfo(
        session_id=message.session_id,
        robot_name=message.robot_name,
        robot_type=message.robot_type,
        action_space_digest=message.action_space_digest,
        image_topics=tuple(message.image_topics),
        selector=message.selector,
        software_version=message.software_version,
        parameters=tuple((item.key, item.value) for item in message.parameters),
    )


def image_to_msg(image: Image, stamp_ns: int, frame_id: str = '') -> ImageMsg:
    """Return an (H, W, 3) uint8 RGB image as an rgb8 message."""
    height, width = check_image(image).shape[:2]
    message = ImageMsg(height=height, width=width, encoding='rgb8', step=3 * width)
    message.data = _byte_array(np.ascontiguousarray(image))
    message.header.stamp = ns_to_stamp(stamp_ns)
    message.header.frame_id = frame_id
    return message


def image_from_msg(message: ImageMsg) -> Image:
    """
    Return the (H, W, 3) RGB pixels of a message; a view on its data for rgb8.

    :raises ImageError: if the message cannot be used.
    """
    return image_to_array(
        encoding=message.encoding,
        height=message.height,
        width=message.width,
        step=message.step,
        data=message.data,
    )


def compressed_to_msg(
    image: Image,
    stamp_ns: int,
    frame_id: str = '',
    *,
    format: str = 'jpeg',  # noqa: A002 - name of the field
    quality: int = 90,
) -> CompressedImage:
    """
    Return an (H, W, 3) RGB image as a compressed message.

    :param format: ``jpeg`` or ``png``.
    :param quality: of the JPEG, 1 to 100.
    """
    if format not in ('jpeg', 'png'):
        raise ImageError(f'compressed image format {format!r} is neither jpeg nor png')
    content = encode_png(image) if format == 'png' else encode_jpeg(image, quality)
    message = CompressedImage(format=format, data=array.array('B', content))
    message.header.stamp = ns_to_stamp(stamp_ns)
    message.header.frame_id = frame_id
    return message


def compressed_from_msg(message: CompressedImage) -> Image:
    """Return the (H, W, 3) RGB pixels of a compressed message."""
    return decode_compressed(message.data.tobytes(), message.format)


def _definition_to_msg(action: ActionDefinition) -> ActionDefinitionMsg:
    """Return one action as a message."""
    red, green, blue = (channel / 255 for channel in action.separator_color)
    return ActionDefinitionMsg(
        label=action.label,
        duration=duration_to_msg(action.duration_s),
        separator_color=ColorRGBA(r=red, g=green, b=blue, a=1.0),
        parameter_names=[name for name, _ in action.parameters],
        parameter_values=[float(value) for _, value in action.parameters],
    )


def _definition_from_msg(message: ActionDefinitionMsg) -> ActionDefinition:
    """Return one action of a message."""
    color = message.separator_color
    return ActionDefinition(
        label=message.label,
        duration_s=duration_to_s(message.duration),
        separator_color=(round(color.r * 255), round(color.g * 255), round(color.b * 255)),
        parameters=tuple(zip(message.parameter_names, message.parameter_values, strict=True)),
    )


def _byte_array(pixels: Image) -> array.array:
    """Return pixels as the array that rclpy takes as it is; it checks anything else by element."""
    data = array.array('B')
    data.frombytes(pixels.data.cast('B'))
    return data

"""
Read the fields of images and events straight from their CDR bytes, without copying the pixels.

``rosbags`` generates readers for every type; these are written out because nearly all messages of
a session are of these types. They hold for today's definitions, little endian; for anything else
the caller takes the reader of ``rosbags``. CDR aligns each value to its size, from byte 4 on.
"""

from dataclasses import dataclass
import struct

_STAMP = struct.Struct('<iI')
_U32 = struct.Struct('<I')
_EVENT = struct.Struct('<QBxH')
_SIZE = struct.Struct('<II')
_ORIGIN = 4  # after the encapsulation header
LITTLE_ENDIAN_CDR = b'\x00\x01'


class CdrError(ValueError):
    """The bytes are no such message."""


@dataclass(frozen=True, slots=True)
class RawImage:
    """The fields of a ``sensor_msgs/Image``; ``data`` is a view on the message."""

    height: int
    width: int
    encoding: str
    step: int
    data: memoryview


@dataclass(frozen=True, slots=True)
class RawCompressedImage:
    """The fields of a ``sensor_msgs/CompressedImage``; ``data`` is a view on the message."""

    format: str
    data: memoryview


def stamp_ns(raw: bytes | memoryview) -> int:
    """
    Return the header stamp of a message that begins with a header [ns].

    :raises CdrError: if there is none.
    """
    if len(raw) < _ORIGIN + 8 or bytes(raw[:2]) != LITTLE_ENDIAN_CDR:
        raise CdrError(f'{len(raw)} bytes are no little-endian CDR message with a header')
    seconds, nanoseconds = _STAMP.unpack_from(raw, _ORIGIN)
    return seconds * 1_000_000_000 + nanoseconds


def read_image(raw: bytes | memoryview) -> RawImage:
    """
    Return the fields of a serialised ``sensor_msgs/Image``.

    :raises CdrError: if the bytes end before the message does.
    """
    view = memoryview(raw)
    try:
        _, position = _string(view, _ORIGIN + 8)
        height, width = _SIZE.unpack_from(view, position)
        encoding, position = _string(view, position + 8, aligned=False)
        (step,) = _U32.unpack_from(view, _align(position + 1))
        data = _bytes(view, _align(position + 1) + 4)
    except (struct.error, UnicodeDecodeError) as error:
        raise CdrError(f'{len(raw)} bytes are no sensor_msgs/Image') from error
    return RawImage(height, width, encoding, step, data)


def read_compressed_image(raw: bytes | memoryview) -> RawCompressedImage:
    """
    Return the fields of a serialised ``sensor_msgs/CompressedImage``.

    :raises CdrError: if the bytes end before the message does.
    """
    view = memoryview(raw)
    try:
        _, position = _string(view, _ORIGIN + 8)
        name, position = _string(view, position)
        data = _bytes(view, position)
    except (struct.error, UnicodeDecodeError) as error:
        raise CdrError(f'{len(raw)} bytes are no sensor_msgs/CompressedImage') from error
    return RawCompressedImage(name, data)


def read_action_event(raw: bytes | memoryview) -> tuple[int, int, int, int, str, str]:
    """
    Return stamp [ns], sequence, phase, action, source and message of a serialised ``ActionEvent``.

    :raises CdrError: if the bytes end before the message does.
    """
    view = memoryview(raw)
    stamp = stamp_ns(view)
    try:
        _, position = _string(view, _ORIGIN + 8)
        position = _align(position, 8)
        sequence, phase, action = _EVENT.unpack_from(view, position)
        source, position = _string(view, position + _EVENT.size)
        message, _ = _string(view, position)
    except (struct.error, UnicodeDecodeError) as error:
        raise CdrError(f'{len(raw)} bytes are no action event') from error
    return stamp, sequence, phase, action, source, message


def _align(position: int, size: int = 4) -> int:
    """Return the next multiple of ``size`` from the origin."""
    return position + (-(position - _ORIGIN)) % size


def _string(view: memoryview, position: int, *, aligned: bool = True) -> tuple[str, int]:
    """Return a string and the position after it."""
    (length,) = _U32.unpack_from(view, position)
    end = position + 4 + length
    if end > len(view):
        raise CdrError(f'a text of {length} bytes is longer than its message')
    text = bytes(view[position + 4 : max(end - 1, position + 4)]).decode()
    return text, _align(end) if aligned else end


def _bytes(view: memoryview, position: int) -> memoryview:
    (length,) = _U32.unpack_from(view, position)
    end = position + 4 + length
    if end > len(view):
        raise CdrError(f'{length} bytes of pixels are more than the message has')
    return view[position + 4 : end]

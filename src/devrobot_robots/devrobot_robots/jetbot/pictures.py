"""Take nothing for a picture but a JPEG of sensible size, and notice when it stays the same."""

from __future__ import annotations

import binascii
from collections.abc import Iterator
import re

from devrobot_interfaces_py.images import decode_compressed, ImageError
from devrobot_robots.robot import Frame, JpegFrame, RobotError
import numpy as np

LARGEST_BYTES = 4 * 1024 * 1024
LARGEST_SIDE = 4096
START, END = b'\xff\xd8', b'\xff\xd9'
SCAN = 0xDA
# Neither a stuffed zero nor a restart, which both stand within the data of a scan.
MARKER = re.compile(rb'\xff+([^\x00\xff\xd0-\xd7])')
GRAY, NEARLY = 128, 8
FILLING = b'\x55' * 64
FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


class PictureError(RobotError):
    """What the camera sent is no picture."""


def picture_from(answer: object) -> JpegFrame:
    """
    Return the picture in the answer of a camera: base64 of a JPEG, as text or bytes.

    :raises PictureError: if it is anything else.
    """
    if type(answer) not in (str, bytes):
        raise PictureError(f'the camera sent a {type(answer).__name__}, not text')
    assert isinstance(answer, str | bytes)
    if len(answer) > 2 * LARGEST_BYTES:
        raise PictureError(f'the camera sent {len(answer)} characters, at most 8 MiB are taken')
    try:
        jpeg = binascii.a2b_base64(answer)
    except ValueError as error:
        raise PictureError(f'the camera sent no base64: {error}') from error
    height, width = jpeg_size(jpeg)
    if not (0 < height <= LARGEST_SIDE and 0 < width <= LARGEST_SIDE):
        raise PictureError(f'the camera sent {width}x{height} pixels, at most 4096x4096 are taken')
    _check_end(jpeg)
    try:
        pixels = decode_compressed(jpeg, 'jpeg')
        if _is_cut_short(jpeg, pixels):
            raise PictureError(f'the camera sent a JPEG whose end is missing ({len(jpeg)} bytes)')
    except ImageError as error:
        raise PictureError(f'the camera sent a damaged picture: {error}') from error
    return JpegFrame(pixels=pixels, jpeg=jpeg)


def jpeg_size(jpeg: bytes) -> tuple[int, int]:
    """
    Return height and width from the header, before anything is decoded.

    :raises PictureError: if it is not a JPEG.
    """
    if not (jpeg.startswith(START) and END in jpeg):
        raise PictureError(f'the camera sent {len(jpeg)} bytes that are no JPEG')
    for marker, place in _segments(jpeg):
        if marker in FRAME_HEADERS:
            sides = jpeg[place + 3 : place + 7]
            return int.from_bytes(sides[:2], 'big'), int.from_bytes(sides[2:], 'big')
    raise PictureError('the camera sent a JPEG without a size')


def _segments(jpeg: bytes) -> Iterator[tuple[int, int]]:
    """Give each marker and where what it marks begins, up to the end of the picture."""
    found = MARKER.match(jpeg, len(START))
    while found is not None:
        marker, place = found[1][0], found.end()
        yield marker, place
        if marker == END[1]:
            return
        place += int.from_bytes(jpeg[place : place + 2], 'big')
        # After the head of a scan come its data, which have no length.
        found = MARKER.search(jpeg, place) if marker == SCAN else MARKER.match(jpeg, place)


def _check_end(jpeg: bytes) -> None:
    marker, place = list(_segments(jpeg))[-1]
    if marker != END[1]:
        raise PictureError(f'the camera sent a JPEG whose end is missing ({len(jpeg)} bytes)')
    if place < len(jpeg):
        raise PictureError(f'the camera sent {len(jpeg) - place} bytes after the end of a JPEG')


def _is_cut_short(jpeg: bytes, pixels: Frame) -> bool:
    """
    Tell whether an end was put behind half a picture.

    The decoder fills what is missing with gray, and says nothing. Where the last pixel is gray,
    more data before the end decide: they change a picture only if it has room for them.
    """
    if np.any(np.abs(pixels[-1, -1].astype(int) - GRAY) > NEARLY):
        return False
    filled = jpeg[: -len(END)] + FILLING + END
    return not np.array_equal(decode_compressed(filled, 'jpeg'), pixels)


class FrozenCamera:
    """Notices a camera that sends the same picture on and on; a real one has noise."""

    def __init__(self, frozen_after_s: float) -> None:
        self._frozen_after_s = frozen_after_s
        self._last = b''
        self._since_s = 0.0

    def check(self, jpeg: bytes, now_s: float) -> None:
        """
        Take the newest picture.

        :raises PictureError: if it has been the same for too long.
        """
        if jpeg != self._last:
            self._last, self._since_s = jpeg, now_s
        elif now_s - self._since_s >= self._frozen_after_s:
            raise PictureError(
                f'the camera is frozen: the same picture for over {self._frozen_after_s:g} s'
            )

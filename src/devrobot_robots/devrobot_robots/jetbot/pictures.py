"""Take nothing for a picture but a JPEG of sensible size, and notice when it stays the same."""

from __future__ import annotations

import binascii

from devrobot_interfaces_py.images import decode_compressed, ImageError
from devrobot_robots.robot import JpegFrame, RobotError

LARGEST_BYTES = 4 * 1024 * 1024
LARGEST_SIDE = 4096
START, END = b'\xff\xd8', b'\xff\xd9'
STANDALONE = frozenset([0x01, *range(0xD0, 0xD9)])
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
    try:
        return JpegFrame(pixels=decode_compressed(jpeg, 'jpeg'), jpeg=jpeg)
    except ImageError as error:
        raise PictureError(f'the camera sent a damaged picture: {error}') from error


def jpeg_size(jpeg: bytes) -> tuple[int, int]:
    """
    Return height and width from the header, before anything is decoded.

    :raises PictureError: if it is not a JPEG.
    """
    if not (jpeg.startswith(START) and END in jpeg):
        raise PictureError(f'the camera sent {len(jpeg)} bytes that are no JPEG')
    place = len(START)
    while place + 9 <= len(jpeg) and jpeg[place] == 0xFF:
        marker = jpeg[place + 1]
        if marker in FRAME_HEADERS:
            sides = jpeg[place + 5 : place + 9]
            return int.from_bytes(sides[:2], 'big'), int.from_bytes(sides[2:], 'big')
        length = int.from_bytes(jpeg[place + 2 : place + 4], 'big')
        place += 2 + (0 if marker in STANDALONE else length)
    raise PictureError('the camera sent a JPEG without a size')


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

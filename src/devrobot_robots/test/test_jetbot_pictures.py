"""Only JPEGs of sensible size are taken for pictures."""

import base64

import cv2
from devrobot_interfaces_py.images import encode_jpeg, encode_png
from devrobot_robots.jetbot.pictures import (
    FrozenCamera,
    jpeg_size,
    picture_from,
    PictureError,
)
import numpy as np
import pytest

IMAGE = np.arange(24 * 40 * 3, dtype=np.uint8).reshape(24, 40, 3)
JPEG = encode_jpeg(IMAGE, 95)
TEXT = base64.b64encode(JPEG).decode()


@pytest.mark.parametrize('answer', [TEXT, TEXT.encode()])
def test_a_picture_keeps_its_jpeg_and_its_own_size(answer):
    frame = picture_from(answer)
    assert frame.jpeg == JPEG
    assert frame.pixels.shape == (24, 40, 3)
    assert jpeg_size(JPEG) == (24, 40)


END = b'\xff\xd9'


def encoded(jpeg: bytes) -> str:
    return base64.b64encode(jpeg).decode()


@pytest.mark.parametrize('gray', [0, 127, 128, 255])
def test_a_whole_picture_is_taken_whatever_it_shows(gray):
    jpeg = encode_jpeg(np.full((37, 51, 3), gray, np.uint8))
    assert picture_from(encoded(jpeg)).jpeg == jpeg


@pytest.mark.parametrize(
    'options', [[cv2.IMWRITE_JPEG_PROGRESSIVE, 1], [cv2.IMWRITE_JPEG_RST_INTERVAL, 2]]
)
def test_a_whole_picture_of_another_kind_is_taken(options):
    done, jpeg = cv2.imencode('.jpg', IMAGE, options)
    assert done and picture_from(encoded(jpeg.tobytes())).pixels.shape == (24, 40, 3)


class Text(str):
    """Claims to be text."""


def bomb() -> str:
    place = JPEG.index(b'\xff\xc0') + 5
    return base64.b64encode(JPEG[:place] + b'\xff\xff\xff\xff' + JPEG[place + 4 :]).decode()


@pytest.mark.parametrize(
    ('answer', 'reason'),
    [
        (None, 'a NoneType, not text'),
        (Text(TEXT), 'a Text, not text'),
        ([TEXT], 'a list, not text'),
        ('A', 'no base64'),
        ('ä', 'no base64'),
        (base64.b64encode(b'hello').decode(), '5 bytes that are no JPEG'),
        (base64.b64encode(encode_png(IMAGE)).decode(), 'no JPEG'),
        (base64.b64encode(JPEG[:-2]).decode(), 'no JPEG'),
        (base64.b64encode(b'\xff\xd8' + b'x' * 50 + b'\xff\xd9').decode(), 'without a size'),
        (base64.b64encode(b'\xff\xd8\xff\xd9').decode(), 'without a size'),
        (encoded(JPEG[: len(JPEG) // 2] + END), 'end is missing'),
        (encoded(JPEG[:-40] + END), 'end is missing'),
        (encoded(JPEG[:-2] + b'x' * 9), 'no JPEG'),
        (encoded(JPEG + b'x' * 4096), '4096 bytes after the end of a JPEG'),
        (encoded(JPEG + b'x' * 4094 + END), '4096 bytes after the end of a JPEG'),
        (bomb(), '65535x65535 pixels, at most'),
        ('A' * (9 * 1024 * 1024), 'at most 8 MiB'),
    ],
    ids=lambda value: str(value)[:20],
)
def test_anything_else_is_refused_in_one_line(answer, reason):
    with pytest.raises(PictureError, match=reason) as refusal:
        picture_from(answer)
    assert '\n' not in str(refusal.value)


def test_a_camera_that_repeats_its_picture_is_called_frozen_and_may_recover():
    camera = FrozenCamera(2.0)
    camera.check(b'a', 0.0)
    camera.check(b'a', 1.9)
    with pytest.raises(PictureError, match='the same picture for over 2 s'):
        camera.check(b'a', 2.0)
    camera.check(b'b', 2.1)
    camera.check(b'b', 4.0)

"""
Turn image bytes into numpy arrays and back, resize and stack.

Shapes: H and W are height and width in pixels. Images are (H, W, 3) uint8 RGB.
"""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]

_CHANNELS = {'rgb8': 3, 'bgr8': 3, 'rgba8': 4, 'bgra8': 4, 'mono8': 1}
_COMPRESSED = ('jpeg', 'jpg', 'png')
_JPEG_START = b'\xff\xd8'
_JPEG_END = b'\xff\xd9'


class ImageError(ValueError):
    """Image data that cannot be used; the message says why."""


def image_to_array(*, encoding: str, height: int, width: int, step: int, data: Any) -> Image:
    """
    Return the pixels of a raw image message as (H, W, 3) RGB.

    rgb8 is a view on ``data``, without a copy, also when rows are padded; other encodings are
    converted.

    :param step: bytes from the start of one row to the start of the next.
    :param data: any buffer: bytes, ``array('B')``, numpy array.
    :raises ImageError: if the encoding is not supported or the numbers do not fit.
    """
    channels = _CHANNELS.get(encoding)
    if channels is None:
        raise ImageError(f'image encoding {encoding!r} is not one of {", ".join(_CHANNELS)}')
    if height < 1 or width < 1:
        raise ImageError(f'image is {height}x{width} pixels, both must be at least 1')
    if step < width * channels:
        raise ImageError(
            f'image step is {step}, a row of {width} {encoding} pixels needs {width * channels}'
        )
    length = memoryview(data).nbytes
    if length != height * step:
        raise ImageError(
            f'image data has {length} bytes, {height} rows of {step} bytes need {height * step}'
        )
    pixels: Image = np.ndarray(
        (height, width, channels), np.uint8, buffer=data, strides=(step, channels, 1)
    )
    return pixels if encoding == 'rgb8' else _to_rgb(pixels, encoding)


def decode_compressed(data: bytes, format: str) -> Image:  # noqa: A002 - name of the field
    """
    Return the (H, W, 3) RGB pixels of a JPEG or PNG.

    :param format: ``CompressedImage.format``, for example ``jpeg`` or ``rgb8; jpeg compressed``.
    :raises ImageError: if the format is not supported or the data is damaged.
    """
    if not any(name in format.lower() for name in _COMPRESSED):
        raise ImageError(f'compressed image format {format!r} is neither jpeg nor png')
    content = bytes(data)
    if content.startswith(_JPEG_START) and _JPEG_END not in content:
        raise ImageError(f'compressed image of {len(content)} bytes is cut off: no end of JPEG')
    pixels = None
    if content:
        flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
        pixels = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    if pixels is None:
        raise ImageError(f'compressed image of {len(content)} bytes is not a readable {format}')
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)


def encode_jpeg(image: Image, quality: int = 90) -> bytes:
    """
    Return the JPEG file of an (H, W, 3) image.

    :param quality: 1 (small) to 100 (good).
    """
    if not 1 <= quality <= 100:
        raise ImageError(f'JPEG quality is {quality}, must be between 1 and 100')
    return _encode(image, '.jpg', [cv2.IMWRITE_JPEG_QUALITY, quality])


def encode_png(image: Image) -> bytes:
    """Return the PNG file of an (H, W, 3) image; no pixel is changed."""
    return _encode(image, '.png', [])


def resize(image: Image, height: int, width: int) -> Image:
    """
    Return the image as (height, width, 3): averaged when shrinking, bilinear when growing.

    An image that has that size already is returned as it is, not copied.
    """
    if height < 1 or width < 1:
        raise ImageError(f'cannot resize to {height}x{width} pixels, both must be at least 1')
    old_height, old_width = image.shape[:2]
    if (old_height, old_width) == (height, width):
        return image
    shrinks = height <= old_height and width <= old_width
    resized = cv2.resize(
        np.ascontiguousarray(image),
        (width, height),
        interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR,
    )
    return np.asarray(resized, np.uint8)


def stack_vertical(images: Sequence[Image]) -> Image:
    """
    Return the images one below the other, first on top.

    :raises ImageError: if there is none or if the widths differ.
    """
    if not images:
        raise ImageError('no image to stack')
    if len(images) == 1:
        return images[0]
    widths = [image.shape[1] for image in images]
    if len(set(widths)) != 1:
        raise ImageError(f'cannot stack images of different widths: {widths}')
    return np.concatenate(images, axis=0)


def check_image(image: Image) -> Image:
    """Return ``image`` if it is (H, W, 3) uint8, else raise ImageError."""
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
        raise ImageError(f'image is {image.shape} {image.dtype}, must be (height, width, 3) uint8')
    return image


def _to_rgb(pixels: Image, encoding: str) -> Image:
    """Return (H, W, C) pixels of an encoding as contiguous (H, W, 3) RGB."""
    if encoding == 'mono8':
        return np.repeat(pixels, 3, axis=2)
    if encoding.startswith('bgr'):
        return np.ascontiguousarray(pixels[:, :, 2::-1])
    return np.ascontiguousarray(pixels[:, :, :3])


def _encode(image: Image, suffix: str, options: list[int]) -> bytes:
    """Return the image file that OpenCV makes of an RGB image."""
    bgr = cv2.cvtColor(np.ascontiguousarray(check_image(image)), cv2.COLOR_RGB2BGR)
    done, data = cv2.imencode(suffix, bgr, options)
    if not done:
        raise ImageError(f'image {image.shape} cannot be written as {suffix}')
    return data.tobytes()

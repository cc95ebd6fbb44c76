"""Turn serialised camera messages into pixels."""

from collections.abc import Callable
from typing import Any, TypeAlias

from devrobot_interfaces_py.bag_decode import (
    LITTLE_ENDIAN_CDR,
    read_compressed_image,
    read_image,
)
from devrobot_interfaces_py.bag_types import COMPRESSED_IMAGE, fields_of, IMAGE
from devrobot_interfaces_py.images import decode_compressed, image_to_array
import numpy as np
from rosbags.typesys.store import Typestore

ImageReader: TypeAlias = Callable[[bytes], np.ndarray]
IMAGE_TYPES = (IMAGE, COMPRESSED_IMAGE)


def image_reader(msgtype: str, bag_types: Typestore, own_types: Typestore) -> ImageReader:
    """
    Return the function that makes (H, W, 3) uint8 RGB of messages of ``msgtype``.

    It raises CdrError or ImageError for what it cannot use.
    """
    decode, view = {IMAGE: (_raw, _pixels), COMPRESSED_IMAGE: (_compressed, _picture)}[msgtype]
    usual = fields_of(bag_types, msgtype) == fields_of(own_types, msgtype)

    def read(raw: bytes) -> np.ndarray:
        if usual and bytes(raw[:2]) == LITTLE_ENDIAN_CDR:
            return decode(raw)
        return view(bag_types.deserialize_cdr(raw, msgtype))

    return read


def _raw(raw: bytes) -> np.ndarray:
    return _pixels(read_image(raw))


def _pixels(message: Any) -> np.ndarray:
    return image_to_array(
        encoding=message.encoding,
        height=message.height,
        width=message.width,
        step=message.step,
        data=message.data,
    )


def _compressed(raw: bytes) -> np.ndarray:
    return _picture(read_compressed_image(raw))


def _picture(message: Any) -> np.ndarray:
    return decode_compressed(bytes(message.data), message.format)

"""Write a session as a bag without ROS; real ``ros2 bag info`` and ``play`` read it."""

from collections.abc import Sequence
from dataclasses import replace
import os
from pathlib import Path
import shutil
from types import TracebackType
from typing import Any, Final, Self

from devrobot_interfaces_py import topics as names
from devrobot_interfaces_py.actions import ActionEvent, ActionSpace, SessionInfo
from devrobot_interfaces_py.bag_errors import BagError
from devrobot_interfaces_py.bag_messages import MessageMaker
from devrobot_interfaces_py.bag_types import (
    ACTION_EVENT,
    ACTION_SPACE,
    COMPRESSED_IMAGE,
    IMAGE,
    make_typestore,
    SESSION_INFO,
)
from devrobot_interfaces_py.images import check_image, encode_jpeg, encode_png
import numpy as np
from rosbags.interfaces import (
    Connection,
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer

VERSION: Final = 9  # of metadata.yaml, that of ROS 2 Jazzy
STORAGES = {'mcap': StoragePlugin.MCAP, 'sqlite3': StoragePlugin.SQLITE3}
COMPRESSIONS = {
    'none': CompressionMode.NONE,
    'zstd_chunks': CompressionMode.STORAGE,
    'file': CompressionMode.FILE,
    'message': CompressionMode.MESSAGE,
}
IMAGE_FORMATS = ('raw', 'jpeg', 'png')
_FOR_EVER = QosTime(9223372036, 854775807)


class BagWriter:
    """
    Writes one session; use it as a context manager.

    The bag appears under its name when it is complete; after an error nothing of it is left.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        action_space: ActionSpace,
        session_info: SessionInfo,
        namespace: str | None = None,
        cameras: Sequence[str] = ('',),
        storage: str = 'mcap',
        compression: str = 'none',
        image_format: str = 'raw',
        jpeg_quality: int = 90,
    ) -> None:
        """
        Check the settings; nothing is written before the context is entered.

        :param namespace: of the topics; the robot's name if not given.
        :param cameras: names in the order of stacking; the only camera of a robot has none.
        :param compression: none, zstd_chunks (MCAP), file or message.
        :param image_format: raw for ``Image``, jpeg or png for ``CompressedImage`` messages.
        :raises BagError: if a setting is unknown, or the bag exists.
        """
        self.path = Path(path)
        for value, known in (
            (storage, STORAGES),
            (compression, COMPRESSIONS),
            (image_format, IMAGE_FORMATS),
        ):
            if value not in known:
                raise BagError(f'{value!r} is not one of {", ".join(known)}')
        if compression == 'zstd_chunks' and storage != 'mcap':
            raise BagError('compression zstd_chunks needs the storage mcap')
        if not cameras or len(set(cameras)) != len(cameras):
            raise BagError(f'cameras {list(cameras)}: give different names, at least one')
        name = action_space.robot_name if namespace is None else namespace
        self.namespace = f'/{name.strip("/")}' if name.strip('/') else ''
        self._space = action_space
        self._topics = [f'{self.namespace}/{names.camera_topic(camera)}' for camera in cameras]
        self._frame_ids = [f'{camera or "camera"}_optical_frame' for camera in cameras]
        self._info = replace(
            session_info,
            image_topics=tuple(self._topics),
            action_space_digest=action_space.digest,
        )
        self._storage, self._compression = storage, compression
        self._image_format, self._quality = image_format, jpeg_quality
        self._writer: Writer | None = None
        self._begun = False

    def __enter__(self) -> Self:
        if self.path.exists():
            raise BagError(f'{self.path}: exists already, nothing is overwritten')
        # The files carry the folder's name, so it must be the final one already here.
        self._folder = self.path.parent / f'.{self.path.name}.{os.getpid()}.partial'
        self.path.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir()
        try:
            self._start()
        except BaseException:
            self._discard()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self._discard()
            return
        try:
            self._opened.close()
            (self._folder / self.path.name).rename(self.path)
        except OSError as problem:
            raise BagError(f'{self.path}: cannot be written: {problem}') from problem
        finally:
            self._discard()

    def frame(self, stamp_ns: int, *images: np.ndarray | bytes, log_ns: int | None = None) -> None:
        """
        Write one image per camera, all of the same moment.

        An image is (H, W, 3) uint8 RGB; with a compressed ``image_format`` it may be the bytes of
        such a file, which are written as they are.

        :raises BagError: if their number is wrong, or bytes come where pixels are written.
        :raises ImageError: if one is no such image.
        """
        if len(images) != len(self._topics):
            raise BagError(f'{len(images)} images for {len(self._topics)} cameras')
        for topic, frame_id, image in zip(self._topics, self._frame_ids, images, strict=True):
            if isinstance(image, bytes) and self._image_format == 'raw':
                raise BagError('an image file can only be written as jpeg or png')
            self._write(topic, stamp_ns, log_ns, self._pixels(image, stamp_ns, frame_id))

    def event(self, event: ActionEvent, *, log_ns: int | None = None) -> None:
        """Write one action event."""
        raw = self._maker.event(event)
        self._write(f'{self.namespace}/{names.ACTION_EVENTS}', event.stamp_ns, log_ns, raw)

    @property
    def _opened(self) -> Writer:
        if self._writer is None:
            raise BagError(f'{self.path}: a bag is written inside its context, with BagWriter(…)')
        return self._writer

    def _start(self) -> None:
        store = make_typestore()
        self._maker = MessageMaker(store)
        self._writer = Writer(
            self._folder / self.path.name,
            version=VERSION,
            storage_plugin=STORAGES[self._storage],
        )
        self._writer.set_compression(COMPRESSIONS[self._compression], CompressionFormat.ZSTD)
        self._writer.open()
        image_type = IMAGE if self._image_format == 'raw' else COMPRESSED_IMAGE
        suffix = '' if self._image_format == 'raw' else names.COMPRESSED_SUFFIX
        kinds = {
            f'{self.namespace}/{names.ACTION_SPACE}': (ACTION_SPACE, _qos(1, latched=True)),
            f'{self.namespace}/{names.SESSION_INFO}': (SESSION_INFO, _qos(1, latched=True)),
            f'{self.namespace}/{names.ACTION_EVENTS}': (ACTION_EVENT, _qos(100)),
            **{topic: (image_type, _qos(30)) for topic in self._topics},
        }
        self._connections: dict[str, Connection] = {
            topic: self._writer.add_connection(
                topic + (suffix if kind == image_type else ''),
                kind,
                typestore=store,
                offered_qos_profiles=[profile],
            )
            for topic, (kind, profile) in kinds.items()
        }

    def _pixels(self, image: np.ndarray | bytes, stamp_ns: int, frame_id: str) -> Any:
        if isinstance(image, bytes):
            return self._maker.compressed(image, self._image_format, stamp_ns, frame_id)
        check_image(image)
        if self._image_format == 'raw':
            return self._maker.image(image, stamp_ns, frame_id)
        if self._image_format == 'png':
            return self._maker.compressed(encode_png(image), 'png', stamp_ns, frame_id)
        data = encode_jpeg(image, self._quality)
        return self._maker.compressed(data, 'jpeg', stamp_ns, frame_id)

    def _write(self, topic: str, stamp_ns: int, log_ns: int | None, raw: Any) -> None:
        when = stamp_ns if log_ns is None else log_ns
        if not self._begun:
            self._begun = True
            for name, make in (
                (names.ACTION_SPACE, self._maker.space(self._space, when)),
                (names.SESSION_INFO, self._maker.info(self._info, when)),
            ):
                self._opened.write(self._connections[f'{self.namespace}/{name}'], when, make)
        self._opened.write(self._connections[topic], when, raw)

    def _discard(self) -> None:
        if self._writer is not None and self._writer.storage is not None:
            self._writer.abort()
        shutil.rmtree(self._folder, ignore_errors=True)


def _qos(depth: int, *, latched: bool = False) -> Qos:
    """Return the profile that the nodes offer, as in ``qos.py``."""
    return Qos(
        history=QosHistory.KEEP_LAST,
        depth=depth,
        reliability=QosReliability.RELIABLE,
        durability=QosDurability.TRANSIENT_LOCAL if latched else QosDurability.VOLATILE,
        deadline=_FOR_EVER,
        lifespan=_FOR_EVER,
        liveliness=QosLiveliness.AUTOMATIC,
        liveliness_lease_duration=_FOR_EVER,
        avoid_ros_namespace_conventions=False,
    )

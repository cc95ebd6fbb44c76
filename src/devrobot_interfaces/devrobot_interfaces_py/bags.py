"""
Read a session from a bag: what the cameras saw and what the robot did, in order.

Works on everything that ``ros2 bag record`` makes, without ROS: MCAP and sqlite3, compressed or
not, one file or several, also a file that was cut off. Shapes: H, W are the height and width of a
frame; with several cameras the frames are stacked, so that H is the sum of theirs.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias

from devrobot_interfaces_py import topics as names
from devrobot_interfaces_py.actions import ActionEvent, ActionSpace, SessionInfo
from devrobot_interfaces_py.bag_contents import find_contents
from devrobot_interfaces_py.bag_decode import CdrError, stamp_ns
from devrobot_interfaces_py.bag_errors import BagError
from devrobot_interfaces_py.bag_images import ImageReader
from devrobot_interfaces_py.bag_messages import space_from_bag
from devrobot_interfaces_py.bag_storage import open_storage
from devrobot_interfaces_py.bag_writer import BagWriter
from devrobot_interfaces_py.camera_stack import CameraMoments
from devrobot_interfaces_py.images import ImageError, stack_vertical
import numpy as np

__all__ = ['Bag', 'BagError', 'BagFrame', 'BagItem', 'BagWriter', 'open_bag']


@dataclass(frozen=True, kw_only=True, slots=True)
class BagFrame:
    """What all cameras saw at one moment; the pixels are decoded when they are asked for."""

    stamp_ns: int
    log_ns: int
    parts: tuple[bytes, ...]
    readers: tuple[ImageReader, ...]

    def image(self) -> np.ndarray:
        """
        Return the (H, W, 3) uint8 RGB image, a read-only view on the message where it is rgb8.

        :raises BagError: if an image is damaged or the cameras do not fit together.
        """
        images = self.images()
        try:
            return images[0] if len(images) == 1 else stack_vertical(images)
        except ImageError as error:
            raise BagError(f'the image of {self.stamp_ns} ns cannot be used: {error}') from error

    def images(self) -> list[np.ndarray]:
        """
        Return the image of each camera.

        :raises BagError: if one is damaged.
        """
        try:
            return [read(part) for read, part in zip(self.readers, self.parts, strict=True)]
        except (ImageError, CdrError) as error:
            raise BagError(f'the image of {self.stamp_ns} ns cannot be used: {error}') from error


BagItem: TypeAlias = BagFrame | ActionEvent


class Bag:
    """
    An open bag of one robot; use it as a context manager.

    ``notes`` holds what is unusual about it, one line each. ``frame_count`` and ``event_count``
    are those of the storage, before moments are put together.
    """

    def __init__(self, path: Path, *, namespace: str = '', allow_growing: bool = False) -> None:
        """See ``open_bag``, which is how a bag is made."""
        self.path = path
        self._namespace = namespace
        self._allow_growing = allow_growing
        self.dropped_moments = 0

    def open(self) -> Self:
        """
        Open the files and read what the bag is about.

        :raises BagError: if it cannot be a session.
        """
        self._storage = open_storage(self.path, allow_growing=self._allow_growing)
        try:
            self._contents = find_contents(self.path, self._storage, self._namespace)
        except BaseException:
            self._storage.close()
            raise
        contents = self._contents
        self.namespace = contents.namespace
        self.action_space: ActionSpace = contents.action_space
        self.session_info: SessionInfo = contents.session_info
        self.image_topics = tuple(camera.topic for camera in contents.cameras)
        self.frame_count = min(camera.count for camera in contents.cameras)
        self.event_count = contents.event_count
        self.message_count = self._storage.message_count
        self.start_ns, self.end_ns = self._storage.start_ns, self._storage.end_ns
        self.notes = (*self._storage.notes, *contents.notes)
        return self

    def items(self) -> Iterator[BagItem]:
        """
        Yield frames and action events in the order of the recording, in constant memory.

        :raises BagError: if a file is damaged or the robot's actions change on the way.
        """
        contents = self._contents
        readers = tuple(camera.read for camera in contents.cameras)
        moments: CameraMoments[bytes] = CameraMoments(self.image_topics)
        events = f'{self.namespace}/{names.ACTION_EVENTS}'
        spaces = f'{self.namespace}/{names.ACTION_SPACE}'
        cameras = frozenset(self.image_topics)
        for topic, log_ns, raw in self._storage.messages({*cameras, events, spaces}):
            if topic in cameras:
                stamp = self._stamp(topic, raw)
                parts = moments.add(topic, stamp, raw)
                if parts is not None:
                    yield BagFrame(stamp_ns=stamp, log_ns=log_ns, parts=parts, readers=readers)
            elif topic == events:
                yield contents.read_event(raw)
            else:
                self._check_space(space_from_bag(contents.read(raw, topic))[0])
        self.dropped_moments = moments.dropped + moments.incomplete

    def close(self) -> None:
        """Close the files."""
        self._storage.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _stamp(self, topic: str, raw: bytes) -> int:
        try:
            return stamp_ns(raw)
        except CdrError as error:
            header = getattr(self._contents.read(raw, topic), 'header', None)
            if header is None:
                raise BagError(f'{self.path}: {topic}: {error}') from error
            return header.stamp.sec * 1_000_000_000 + header.stamp.nanosec

    def _check_space(self, space: ActionSpace) -> None:
        if space.digest != self.action_space.digest:
            raise BagError(
                f'{self.path}: the actions change on the way, from {self.action_space.digest} to '
                f'{space.digest}: record each robot configuration into a bag of its own'
            )


def open_bag(path: Path | str, *, namespace: str = '', allow_growing: bool = False) -> Bag:
    """
    Open a bag: a folder, or a bare ``.mcap`` or ``.db3`` file, also ``.zstd`` compressed.

    :param namespace: of the robot, if the bag has several.
    :param allow_growing: read a bag that is still being written, as far as it is.
    :raises BagError: one line that says what is wrong and what to do.
    """
    return Bag(Path(path), namespace=namespace, allow_growing=allow_growing).open()

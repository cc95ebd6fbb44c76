"""Put what several cameras saw together: equal stamps make one moment."""

from collections.abc import Sequence
from typing import Generic, TypeVar

from devrobot_interfaces_py.images import stack_vertical
import numpy as np

PartT = TypeVar('PartT')


class CameraMoments(Generic[PartT]):
    """Collects one part per topic and stamp; incomplete moments are dropped and counted."""

    def __init__(self, topics: Sequence[str], moments: int = 8) -> None:
        """Keep at most ``moments`` incomplete moments."""
        self._topics = tuple(topics)
        self._moments = moments
        self._waiting: dict[int, dict[str, PartT]] = {}
        self.dropped = 0

    @property
    def incomplete(self) -> int:
        """How many moments still wait for a camera."""
        return len(self._waiting)

    def add(self, topic: str, stamp_ns: int, part: PartT) -> tuple[PartT, ...] | None:
        """Take a part; return all parts of its moment, in order of the topics, when complete."""
        if len(self._topics) == 1:
            return (part,)
        parts = self._waiting.setdefault(stamp_ns, {})
        parts[topic] = part
        if len(parts) < len(self._topics):
            while len(self._waiting) > self._moments:
                self._drop(min(self._waiting))
            return None
        for older in [stamp for stamp in self._waiting if stamp < stamp_ns]:
            self._drop(older)
        del self._waiting[stamp_ns]
        return tuple(parts[name] for name in self._topics)

    def _drop(self, stamp_ns: int) -> None:
        del self._waiting[stamp_ns]
        self.dropped += 1


class CameraStack:
    """Stacks the images of one moment from top to bottom."""

    def __init__(self, topics: Sequence[str], moments: int = 8) -> None:
        """Keep at most ``moments`` incomplete moments."""
        self._parts: CameraMoments[np.ndarray] = CameraMoments(topics, moments)

    @property
    def dropped(self) -> int:
        """How many moments were given up because a camera was missing."""
        return self._parts.dropped

    def add(self, topic: str, stamp_ns: int, image: np.ndarray) -> np.ndarray | None:
        """Take an (H, W, 3) image; return the stacked frame when its moment is complete."""
        images = self._parts.add(topic, stamp_ns, image)
        if images is None:
            return None
        return images[0] if len(images) == 1 else stack_vertical(images)

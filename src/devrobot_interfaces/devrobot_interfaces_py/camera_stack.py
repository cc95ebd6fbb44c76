"""Put the images of several cameras together: same moment, stacked from top to bottom."""

from collections.abc import Sequence

from devrobot_interfaces_py.images import stack_vertical
import numpy as np


class CameraStack:
    """Collects one image per topic and stamp; incomplete moments are dropped and counted."""

    def __init__(self, topics: Sequence[str], moments: int = 8) -> None:
        """Keep at most ``moments`` incomplete moments."""
        self._topics = tuple(topics)
        self._moments = moments
        self._waiting: dict[int, dict[str, np.ndarray]] = {}
        self.dropped = 0

    def add(self, topic: str, stamp_ns: int, image: np.ndarray) -> np.ndarray | None:
        """Take an (H, W, 3) image; return the stacked frame when its moment is complete."""
        if len(self._topics) == 1:
            return image
        parts = self._waiting.setdefault(stamp_ns, {})
        parts[topic] = image
        if len(parts) < len(self._topics):
            while len(self._waiting) > self._moments:
                self._drop(min(self._waiting))
            return None
        for older in [stamp for stamp in self._waiting if stamp < stamp_ns]:
            self._drop(older)
        del self._waiting[stamp_ns]
        return stack_vertical([parts[name] for name in self._topics])

    def _drop(self, stamp_ns: int) -> None:
        del self._waiting[stamp_ns]
        self.dropped += 1

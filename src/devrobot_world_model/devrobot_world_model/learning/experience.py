"""What the online learner has seen: canvases to train on, handed from one thread to another."""

from collections import deque
from collections.abc import Sequence
import threading
from typing import Any

from devrobot_interfaces_py.actions import Rgb
from devrobot_world_model.canvas.history import Chain, Frame
from devrobot_world_model.canvas.layout import CanvasLayout
from devrobot_world_model.canvas.tensors import FramePatcher
from devrobot_world_model.compatibility import IncompatibleCheckpointError
from devrobot_world_model.learning.replay import ReplayMemory, Sample
from devrobot_world_model.model.mae import Batch
import numpy as np


class Experience:
    """
    Chains of transitions in, training batches out; every frame is kept once.

    ``remember`` and ``batch`` may be called from two threads.
    """

    def __init__(
        self, layout: CanvasLayout, colors: Sequence[Rgb], *, capacity: int, seed: int
    ) -> None:
        self._layout = layout
        self._colors = list(colors)
        self._patcher = FramePatcher(layout)
        self._replay = ReplayMemory(capacity, layout.patches_per_frame, layout.patch_values)
        self._rng = np.random.default_rng(seed)
        self._keys: deque[tuple[Frame, int]] = deque(maxlen=2 * layout.frames)
        self._fresh = False
        self._lock = threading.Lock()

    def remember(self, chain: Chain, fresh: bool) -> bool:
        """
        Keep the canvas that ends with ``chain``; return False if the chain is too short for one.

        :param fresh: whether the canvas is to be trained on as the newest one.
        """
        count = self._layout.frames - 1
        if len(chain) < count:
            return False
        chain = chain[len(chain) - count :]
        frames = [*(transition.before for transition in chain), chain[-1].after]
        with self._lock:
            keys = tuple(self._key(frame) for frame in frames)
            colors = tuple(self._colors[transition.action] for transition in chain)
            self._replay.add_sample(Sample(keys, colors))
            self._fresh = fresh
        return True

    def batch(self, size: int) -> Batch | None:
        """Return the fresh canvas and ``size`` - 1 older ones; None if nothing is fresh."""
        with self._lock:
            if not self._fresh:
                return None
            self._fresh = False
            return self._replay.batch(size, self._rng)

    def rng_state(self) -> dict[str, Any]:
        """Return the state of the sampling generator as plain data."""
        with self._lock:
            return dict(self._rng.bit_generator.state)

    def restore_rng(self, state: dict[str, Any]) -> None:
        """Continue with the draws that followed ``rng_state``."""
        with self._lock:
            self._rng.bit_generator.state = state

    def _key(self, frame: Frame) -> int:
        """Return the key of ``frame`` in the memory; the same object is kept once."""
        for known, key in self._keys:
            if known is frame and self._replay.holds(key):
                return key
        key = self._replay.add_frame(self._patcher.patches(frame.image))
        self._keys.append((frame, key))
        return key


def check_rng_state(state: Any) -> None:
    """
    Do nothing if ``restore_rng`` can take ``state``.

    :raises IncompatibleCheckpointError: if it is no state of the sampling generator.
    """
    try:
        np.random.default_rng(0).bit_generator.state = state
    except (KeyError, OverflowError, TypeError, ValueError) as error:
        raise IncompatibleCheckpointError(
            'the random state of the replay memory cannot be read: load it with '
            'restore_optimizer false'
        ) from error

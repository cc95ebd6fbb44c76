"""Canvases of which somebody hears: a long validation is no silence."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

from devrobot_training.data.canvases import CanvasSet
from devrobot_training.fit.training import Data
from devrobot_world_model.model.mae import Batch
import numpy as np


@dataclass(frozen=True, kw_only=True)
class HeardCanvases(CanvasSet):
    """Tells ``hear`` of every batch that is put together."""

    hear: Callable[[], None]

    def batch(self, rows: np.ndarray) -> Batch:
        """Return the canvases of (B,) ``rows``; see ``CanvasSet.batch``."""
        self.hear()
        return super().batch(rows)


def heard_validation(data: Data, hear: Callable[[], None]) -> Data:
    """
    Return the same data, whose validation is heard batch by batch.

    Those of the training are put together in a thread of their own, which may go on when the
    training hangs: its steps are heard.
    """
    own = {item.name: getattr(data.validation, item.name) for item in fields(CanvasSet)}
    return replace(data, validation=HeardCanvases(**own, hear=hear))

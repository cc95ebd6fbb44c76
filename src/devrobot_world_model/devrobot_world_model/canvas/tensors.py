"""
Frames to patches and back for one canvas layout.

Shapes: N patches of D values; images are (H, W, 3) uint8 RGB of the layout's frame size.
"""

from collections.abc import Sequence

from devrobot_world_model.canvas.layout import CanvasLayout
from devrobot_world_model.model.patches import patchify, to_bytes, unpatchify
import numpy as np
import torch
from torch import Tensor


class FramePatcher:
    """Converts single frames of one layout."""

    def __init__(self, layout: CanvasLayout) -> None:
        self._layout = layout

    def patches(self, image: np.ndarray) -> Tensor:
        """Return the (N, D) uint8 patches of an (H, W, 3) image, as a copy."""
        return patchify(torch.from_numpy(np.array(image)), self._layout.patch_size)

    def stack(self, images: Sequence[np.ndarray]) -> Tensor:
        """Return the (len(images), N, D) uint8 patches of images."""
        return torch.stack([self.patches(image) for image in images])

    def images(self, patches: Tensor) -> np.ndarray:
        """Return the (A, H, W, 3) uint8 images of (A, N, D) patches in 0..1."""
        layout = self._layout
        pixels = unpatchify(to_bytes(patches), layout.rows, layout.columns, layout.patch_size)
        return pixels.cpu().numpy()

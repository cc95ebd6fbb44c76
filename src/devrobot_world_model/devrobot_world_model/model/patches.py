"""
Cut images into patches and put them together again, for H != W.

Shapes: B batch, H x W frame, P patch side, N = (H/P)*(W/P) patches in row-major order,
D = P*P*3 values per patch.
"""

import torch
from torch import Tensor


def patchify(images: Tensor, patch_size: int) -> Tensor:
    """
    Return the (..., N, D) patches of (..., H, W, 3) images, any dtype.

    :raises ValueError: if H or W is no multiple of the patch size.
    """
    *lead, height, width, channels = images.shape
    if height % patch_size or width % patch_size:
        raise ValueError(
            f'{height}x{width} px is no multiple of the patch size {patch_size} on both sides'
        )
    rows, columns = height // patch_size, width // patch_size
    grid = images.reshape(*lead, rows, patch_size, columns, patch_size, channels)
    return grid.transpose(-4, -3).reshape(*lead, rows * columns, patch_size**2 * channels)


def unpatchify(patches: Tensor, rows: int, columns: int, patch_size: int) -> Tensor:
    """Return the (..., rows*P, columns*P, 3) images of (..., N, D) patches."""
    *lead, count, values = patches.shape
    if count != rows * columns or values != patch_size**2 * 3:
        raise ValueError(
            f'{count} patches of {values} values do not make {rows}x{columns} patches of side '
            f'{patch_size}'
        )
    grid = patches.reshape(*lead, rows, columns, patch_size, patch_size, 3)
    return grid.transpose(-4, -3).reshape(*lead, rows * patch_size, columns * patch_size, 3)


def to_unit(pixels: Tensor) -> Tensor:
    """Return uint8 pixels as float in 0..1."""
    return pixels.to(torch.float32).div_(255.0)


def to_signed(pixels: Tensor) -> Tensor:
    """Return uint8 pixels as float in -1..1."""
    return pixels.to(torch.float32).div_(127.5).sub_(1.0)


def to_bytes(unit: Tensor) -> Tensor:
    """Return pixels in 0..1 as uint8, clipped and rounded."""
    return (unit.float().clamp(0.0, 1.0) * 255.0).round().to(torch.uint8)

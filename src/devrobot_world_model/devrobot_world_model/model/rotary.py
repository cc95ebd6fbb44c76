"""
Axial rotary positions (RoFormer, arXiv 2104.09864) over (row, column) inside a block.

Half of every head's values turn with the row, half with the column, so that a head can look "so
many patches to the left in the other frame" from the first step on. Shapes: T tokens, A values
per head.
"""

import torch
from torch import Tensor


def grid_positions(rows: int, columns: int, first_column: int = 0) -> Tensor:
    """Return the (rows*columns, 2) float (row, column) coordinates in row-major order."""
    row = torch.arange(rows, dtype=torch.float32)
    column = torch.arange(first_column, first_column + columns, dtype=torch.float32)
    return torch.stack([row.repeat_interleave(columns), column.repeat(rows)], dim=-1)


def rotary_table(positions: Tensor, head_width: int, base: float) -> Tensor:
    """
    Return the (2, T, A) table of cosines and signed sines for (T, 2) positions.

    The sines of the first half have the sign that the second half has in them.

    :raises ValueError: if ``head_width`` is no multiple of 4.
    """
    if head_width % 4:
        raise ValueError(f'head width must be a multiple of 4, got {head_width}')
    count = head_width // 4
    frequency = base ** (-torch.arange(count, dtype=torch.float32) / count)
    angles = (positions[:, :, None] * frequency).flatten(1)
    sine = angles.sin()
    return torch.stack([angles.cos().repeat(1, 2), torch.cat([-sine, sine], dim=-1)])


def rotate(values: Tensor, table: Tensor, back: bool = False) -> Tensor:
    """
    Turn (..., T, A) queries or keys by the (2, T, A) table, in their own dtype.

    :param back: turn the other way, which is also the gradient of turning.
    """
    first, second = values.chunk(2, dim=-1)
    cosine, sine = table.to(values.dtype)
    swapped = torch.cat([second, first], dim=-1)
    return torch.addcmul(values * cosine, swapped, sine, value=-1 if back else 1)

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
    Return the (2, T, A) table of cosines and sines for (T, 2) positions.

    :raises ValueError: if ``head_width`` is no multiple of 4.
    """
    if head_width % 4:
        raise ValueError(f'head width must be a multiple of 4, got {head_width}')
    count = head_width // 4
    frequency = base ** (-torch.arange(count, dtype=torch.float32) / count)
    angles = (positions[:, :, None] * frequency).flatten(1)
    angles = torch.cat([angles, angles], dim=-1)
    return torch.stack([angles.cos(), angles.sin()])


def rotate(values: Tensor, table: Tensor) -> Tensor:
    """Turn (B, heads, T, A) queries or keys by the (2, T, A) table, in their own dtype."""
    first, second = values.chunk(2, dim=-1)
    cosine, sine = table.to(values.dtype)
    return values * cosine + torch.cat([-second, first], dim=-1) * sine

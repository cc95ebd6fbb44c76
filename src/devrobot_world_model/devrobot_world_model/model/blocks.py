"""
Pre-norm transformer blocks with rotary positions and timm's parameter names.

Shapes: B batch, Q tokens that ask, M tokens of a memory that are only looked at, T = M + Q all
tokens, the memory first; C token width, heads x A = C.
"""

from dataclasses import dataclass

from devrobot_world_model.model.explicit_attention import attend
from devrobot_world_model.model.norm import LayerNorm
from devrobot_world_model.model.rotary import rotate
import torch
from torch import nn, Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Output:
    """Tokens (B, Q, C) and, where they were asked for, attention weights (B, heads, Q, T)."""

    tokens: Tensor
    weights: Tensor | None = None


class Attention(nn.Module):
    """
    Multi-head attention of tokens to themselves and to a memory.

    The memory (the prefix form) stays as it is, so that it can be shared and cached.
    """

    def __init__(self, width: int, heads: int, kernel: str = 'auto') -> None:
        """``kernel``: auto, explicit or sdpa."""
        super().__init__()
        self.heads = heads
        self.kernel = kernel
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(
        self, tokens: Tensor, table: Tensor, memory: Tensor | None, need_weights: bool
    ) -> Output:
        """Attend from (B, Q, C) tokens to a (B, M, C) memory and them; ``table`` is (2, T, A)."""
        own = self.qkv(tokens)
        seen = None
        if memory is not None:
            width = tokens.shape[2]
            seen = functional.linear(memory, self.qkv.weight[width:], self.qkv.bias[width:])
        explicit = self.kernel == 'explicit' or (
            self.kernel == 'auto' and tokens.device.type == 'cpu'
        )
        if explicit or need_weights:
            mixed, weights = attend(own, seen, table, self.heads)
            return Output(self.proj(mixed), weights if need_weights else None)
        return Output(self.proj(self._fused(own, seen, table)))

    def _fused(self, own: Tensor, seen: Tensor | None, table: Tensor) -> Tensor:
        """Attend with the kernel that the device has for it; arguments as in ``attend``."""
        q, k, v = own.unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)
        q = rotate(q, table[:, table.shape[1] - q.shape[2] :])
        if seen is not None:
            keys, values = seen.unflatten(2, (2, self.heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)
            k, v = torch.cat([keys, k], dim=2), torch.cat([values, v], dim=2)
        mixed = functional.scaled_dot_product_attention(q, rotate(k, table), v)
        return mixed.transpose(1, 2).flatten(2)


class Mlp(nn.Module):
    """Two linear layers with a GELU between."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map (B, T, C) to (B, T, C)."""
        return self.fc2(functional.gelu(self.fc1(tokens)))


class Block(nn.Module):
    """One pre-norm block (ViT, arXiv 2010.11929); parameter names as in timm."""

    def __init__(self, width: int, heads: int, mlp_ratio: float, kernel: str = 'auto') -> None:
        super().__init__()
        self.norm1 = LayerNorm(width)
        self.attn = Attention(width, heads, kernel)
        self.norm2 = LayerNorm(width)
        self.mlp = Mlp(width, int(width * mlp_ratio))

    def forward(
        self,
        tokens: Tensor,
        table: Tensor,
        memory: Tensor | None = None,
        need_weights: bool = False,
    ) -> Output:
        """Return (B, Q, C) tokens one block on; they also look at a (B, M, C) memory."""
        seen = None if memory is None else self.norm1(memory)
        attended = self.attn(self.norm1(tokens), table, seen, need_weights)
        tokens = tokens + attended.tokens
        return Output(tokens + self.mlp(self.norm2(tokens)), attended.weights)


def initialise(module: nn.Module) -> None:
    """Xavier-uniform matrices and zero biases, the initialisation of MAE (arXiv 2111.06377)."""
    for part in module.modules():
        if isinstance(part, nn.Linear):
            nn.init.xavier_uniform_(part.weight)
            nn.init.zeros_(part.bias)

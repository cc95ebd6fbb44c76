"""
Pre-norm transformer blocks with rotary positions and timm's parameter names.

Shapes: B batch, T tokens, Q of them queries (the last ones), C token width, heads x A = C.
"""

from dataclasses import dataclass

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
    Multi-head attention whose last tokens ask and whose tokens all answer.

    With Q = T it is self-attention; with Q < T the first T - Q tokens are only looked at (the
    prefix form: they stay as they are, so that they can be shared and cached).
    """

    def __init__(self, width: int, heads: int, kernel: str = 'auto') -> None:
        """``kernel``: auto, explicit or sdpa."""
        super().__init__()
        self.heads = heads
        self.kernel = kernel
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, tokens: Tensor, table: Tensor, queries: int, need_weights: bool) -> Output:
        """Attend from the last ``queries`` of (B, T, C) tokens; ``table`` is (2, T, A)."""
        total = tokens.shape[1]
        q, k, v = self._project(tokens, queries)
        q = rotate(q, table[:, total - queries :])
        k = rotate(k, table)
        explicit = self.kernel == 'explicit' or (
            self.kernel == 'auto' and tokens.device.type == 'cpu'
        )
        weights = None
        if explicit or need_weights:
            # Two batched products: under bf16 on a CPU 2.5 times as fast as the fused kernel.
            scale = q.shape[-1] ** -0.5
            weights = ((q * scale) @ k.transpose(-2, -1)).softmax(dim=-1)
            mixed = weights.to(v.dtype) @ v
        else:
            mixed = functional.scaled_dot_product_attention(q, k, v)
        mixed = mixed.transpose(1, 2).flatten(2)
        return Output(self.proj(mixed), weights if need_weights else None)

    def _project(self, tokens: Tensor, queries: int) -> tuple[Tensor, Tensor, Tensor]:
        batch, total, width = tokens.shape
        if queries == total:
            qkv = self.qkv(tokens).view(batch, total, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
            return qkv[0], qkv[1], qkv[2]
        weight, bias = self.qkv.weight, self.qkv.bias
        q = functional.linear(tokens[:, total - queries :], weight[:width], bias[:width])
        kv = functional.linear(tokens, weight[width:], bias[width:])
        kv = kv.view(batch, total, 2, self.heads, -1).permute(2, 0, 3, 1, 4)
        return q.view(batch, queries, self.heads, -1).transpose(1, 2), kv[0], kv[1]


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
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = Attention(width, heads, kernel)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = Mlp(width, int(width * mlp_ratio))

    def forward(
        self, tokens: Tensor, table: Tensor, queries: int | None = None, need_weights: bool = False
    ) -> Output:
        """Return the last ``queries`` (default: all) of (B, T, C) tokens, one block on."""
        queries = tokens.shape[1] if queries is None else queries
        own = tokens[:, tokens.shape[1] - queries :]
        attended = self.attn(self.norm1(tokens), table, queries, need_weights)
        own = own + attended.tokens
        return Output(own + self.mlp(self.norm2(own)), attended.weights)


def initialise(module: nn.Module) -> None:
    """Xavier-uniform matrices and zero biases, the initialisation of MAE (arXiv 2111.06377)."""
    for part in module.modules():
        if isinstance(part, nn.Linear):
            nn.init.xavier_uniform_(part.weight)
            nn.init.zeros_(part.bias)


def concatenate(parts: list[Tensor]) -> Tensor:
    """Join (B, T_i, C) tokens of the same dtype along T."""
    dtype = parts[0].dtype
    return torch.cat([part.to(dtype) for part in parts], dim=1)

"""
A plain implementation of the same world model, to measure against.

All tokens of the canvas go through a standard pre-norm encoder–decoder: the encoder attends over
the whole visible history, the decoder over every token; learned positions, fp32, unfused AdamW,
``scaled_dot_product_attention`` as a library user would call it. Same widths, depths and heads.

Shapes: B canvases, T patches of a canvas (T_v of them visible), D values per patch.
"""

from devrobot_world_model.canvas.layout import CanvasLayout
from devrobot_world_model.config import WorldModelConfig
import torch
from torch import nn, Tensor
from torch.nn import functional


class PlainBlock(nn.Module):
    """A standard pre-norm transformer block."""

    def __init__(self, width: int, heads: int, mlp_ratio: float) -> None:
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width)
        hidden = int(width * mlp_ratio)
        self.mlp = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))

    def forward(self, tokens: Tensor) -> Tensor:
        """Map (B, T, C) to (B, T, C)."""
        batch, count, width = tokens.shape
        qkv = self.qkv(self.norm1(tokens)).view(batch, count, 3, self.heads, -1)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(q, k, v)
        tokens = tokens + self.proj(mixed.transpose(1, 2).reshape(batch, count, width))
        return tokens + self.mlp(self.norm2(tokens))


class PlainMaskedAutoencoder(nn.Module):
    """Masked autoencoder over the whole canvas (MAE, arXiv 2111.06377)."""

    def __init__(self, config: WorldModelConfig) -> None:
        super().__init__()
        model, layout = config.model, CanvasLayout.from_config(config)
        self.layout = layout
        total = layout.rows * layout.canvas_columns
        columns = torch.arange(total) % layout.canvas_columns
        last = layout.canvas_columns - layout.columns
        self.register_buffer('visible', (columns < last).nonzero()[:, 0])
        self.register_buffer('masked', (columns >= last).nonzero()[:, 0])
        self.embed = nn.Linear(layout.patch_values, model.encoder_width)
        self.encoder_position = nn.Parameter(torch.randn(total, model.encoder_width) * 0.02)
        self.encoder = nn.ModuleList(
            PlainBlock(model.encoder_width, model.encoder_heads, model.mlp_ratio)
            for _ in range(model.encoder_depth)
        )
        self.encoder_norm = nn.LayerNorm(model.encoder_width)
        self.narrow = nn.Linear(model.encoder_width, model.decoder_width)
        self.mask_token = nn.Parameter(torch.zeros(model.decoder_width))
        self.decoder_position = nn.Parameter(torch.randn(total, model.decoder_width) * 0.02)
        self.decoder = nn.ModuleList(
            PlainBlock(model.decoder_width, model.decoder_heads, model.mlp_ratio)
            for _ in range(model.decoder_depth)
        )
        self.decoder_norm = nn.LayerNorm(model.decoder_width)
        self.head = nn.Linear(model.decoder_width, layout.patch_values)

    def forward(self, patches: Tensor) -> Tensor:
        """Return the (B, T, D) reconstruction of (B, T, D) canvas patches."""
        tokens = self.embed(patches[:, self.visible]) + self.encoder_position[self.visible]
        for block in self.encoder:
            tokens = block(tokens)
        tokens = self.narrow(self.encoder_norm(tokens))
        full = self.mask_token.expand(len(patches), self.decoder_position.shape[0], -1).clone()
        full[:, self.visible] = tokens
        full = full + self.decoder_position
        for block in self.decoder:
            full = block(full)
        return self.head(self.decoder_norm(full))


def plain_train_step(
    model: PlainMaskedAutoencoder, optimizer: torch.optim.Optimizer, patches: Tensor
) -> float:
    """One step with the hybrid loss on (B, T, D) canvas patches in 0..1; returns the loss."""
    prediction = model(patches * 2.0 - 1.0)[:, model.masked]
    error = (prediction - patches[:, model.masked]).square()
    weight = torch.exp(5.0 * error.detach())
    focal = (weight * error).sum(dim=(1, 2)) / weight.sum(dim=(1, 2))
    loss = (0.1 * error.mean(dim=(1, 2)) + 0.9 * focal).mean()
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return loss.item()

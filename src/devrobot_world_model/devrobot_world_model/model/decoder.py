"""
Paint the masked slot from the encoded history.

Shapes: B batch, M memory tokens (history frames and separators), N patches of the masked slot,
C decoder width, D = P*P*3 values per patch.
"""

from devrobot_world_model.canvas.layout import CanvasLayout
from devrobot_world_model.config import ModelConfig
from devrobot_world_model.model.blocks import Block, initialise
from devrobot_world_model.model.norm import LayerNorm
from devrobot_world_model.model.rotary import rotary_table
import torch
from torch import nn, Tensor


class Decoder(nn.Module):
    """
    Transformer blocks whose queries are the patches of the masked slot.

    In the prefix form (encoder–decoder) keys and values are the memory and the queries, and the
    memory stays as it is; in the full form (decoder-only) every token attends to every other.
    """

    def __init__(
        self, config: ModelConfig, layout: CanvasLayout, positions: Tensor, kernel: str
    ) -> None:
        """``positions`` are the (M + N, 2) coordinates of memory and queries."""
        super().__init__()
        width = config.decoder_width
        self.prefix = config.kind == 'encoder_decoder'
        self.queries = layout.patches_per_frame
        self.blocks = nn.ModuleList(
            Block(width, config.decoder_heads, config.mlp_ratio, kernel)
            for _ in range(config.decoder_depth)
        )
        self.norm = LayerNorm(width)
        self.head = nn.Linear(width, layout.patch_values)
        initialise(self)
        nn.init.zeros_(self.head.weight)
        table = rotary_table(positions, width // config.decoder_heads, config.rotary_base)
        self.register_buffer('rotary', table, persistent=False)

    def forward(
        self, memory: Tensor, queries: Tensor, need_weights: bool = False
    ) -> tuple[Tensor, list[Tensor]]:
        """
        Return (B, N, D) patches in 0..1 and the attention weights per layer.

        The weights are (B, heads, N, M + N), from the masked slot's patches to all; the list is
        empty unless they were asked for.
        """
        weights: list[Tensor] = []
        count = queries.shape[1]
        prefix = memory if self.prefix else None
        tokens = queries if self.prefix else torch.cat([memory, queries], dim=1)
        table = self.rotary.to(tokens.dtype)
        for block in self.blocks:
            output = block(tokens, table, prefix, need_weights)
            tokens = output.tokens
            if output.weights is not None:
                weights.append(output.weights[:, :, -count:])
        return self.head(self.norm(tokens[:, -count:])), weights

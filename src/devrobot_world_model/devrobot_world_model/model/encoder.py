"""
Encode frames one by one with shared weights.

Shapes: B frames, N patches per frame, D = P*P*3 values per patch, E encoder width.
"""

from devrobot_world_model.canvas.layout import CanvasLayout
from devrobot_world_model.config import ModelConfig
from devrobot_world_model.model.blocks import Block, initialise
from devrobot_world_model.model.norm import LayerNorm
from devrobot_world_model.model.rotary import grid_positions, rotary_table
from torch import nn, Tensor


class FrameEncoder(nn.Module):
    """
    A vision transformer over the patches of one frame.

    Frames are encoded separately, so that an encoded frame serves several canvases, actions and
    rollouts. Depth 0 leaves only the patch embedding (the decoder-only architecture).
    """

    def __init__(self, config: ModelConfig, layout: CanvasLayout, kernel: str) -> None:
        super().__init__()
        width = config.encoder_width
        self.patch_embed = nn.Linear(layout.patch_values, width)
        self.blocks = nn.ModuleList(
            Block(width, config.encoder_heads, config.mlp_ratio, kernel)
            for _ in range(config.encoder_depth)
        )
        self.norm = LayerNorm(width)
        initialise(self)
        table = rotary_table(
            grid_positions(layout.rows, layout.columns),
            width // config.encoder_heads,
            config.rotary_base,
        )
        self.register_buffer('rotary', table, persistent=False)

    def embed(self, patches: Tensor) -> Tensor:
        """Return the (B, T, E) embeddings of (B, T, D) patches in -1..1, without any block."""
        return self.patch_embed(patches.to(self.patch_embed.weight.dtype))

    def forward(self, patches: Tensor) -> Tensor:
        """Return the (B, N, E) code of (B, N, D) patches in -1..1."""
        tokens = self.embed(patches)
        table = self.rotary.to(tokens.dtype)
        for block in self.blocks:
            tokens = block(tokens, table).tokens
        return self.norm(tokens)

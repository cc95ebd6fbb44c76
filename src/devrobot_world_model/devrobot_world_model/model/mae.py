"""
The world model: a masked autoencoder over a canvas whose last frame is masked.

Shapes: B batch, K frames per canvas, N patches per frame, R patch rows, G patch columns of a
separator, D = P*P*3 values per patch, E/C encoder/decoder width, M = (K-1)*(N + R*G) memory
tokens, F unique frames of a batch. Frames travel as patch-major uint8, separators as colours.
"""

from dataclasses import dataclass

from devrobot_world_model.canvas.layout import CanvasLayout
from devrobot_world_model.config import WorldModelConfig
from devrobot_world_model.model.decoder import Decoder
from devrobot_world_model.model.encoder import FrameEncoder
from devrobot_world_model.model.patches import to_signed
from devrobot_world_model.model.rotary import grid_positions
import torch
from torch import nn, Tensor


@dataclass(frozen=True, kw_only=True)
class Batch:
    """
    Canvases to learn from: (B, K, N, D) uint8 frames and (B, K-1, 3) uint8 colours.

    With an ``index`` the frames are (F, N, D), each once, and ``index`` (B, K) says which of them
    make a canvas; the first ``shared`` of them are all that appear as history, so that each is
    encoded once, however many canvases look at it.
    """

    frames: Tensor
    colors: Tensor
    index: Tensor | None = None
    shared: int = 0

    @property
    def targets(self) -> Tensor:
        """The (B, N, D) frames that are to be predicted."""
        return self.targets_of(slice(None))

    def targets_of(self, rows: slice) -> Tensor:
        """Return the frames that are to be predicted of some canvases."""
        if self.index is None:
            return self.frames[rows, -1]
        return self.frames[self.index[rows, -1]]

    @property
    def history(self) -> tuple[Tensor, Tensor]:
        """The (F, N, D) frames to look at, and which of them (B, K-1) a canvas looks at."""
        if self.index is None:
            seen = self.frames[:, :-1]
            order = torch.arange(seen.shape[0] * seen.shape[1], device=seen.device)
            return seen.flatten(0, 1), order.view(seen.shape[:2])
        return self.frames[: self.shared], self.index[:, :-1]

    def to(self, device: torch.device, *, non_blocking: bool = False) -> 'Batch':
        """Return the batch on ``device``."""
        index = self.index
        return Batch(
            frames=self.frames.to(device, non_blocking=non_blocking),
            colors=self.colors.to(device, non_blocking=non_blocking),
            index=None if index is None else index.to(device, non_blocking=non_blocking),
            shared=self.shared,
        )

    def __len__(self) -> int:
        return self.colors.shape[0]


class WorldModel(nn.Module):
    """
    Predicts the patches of the last slot from the frames and separators before it.

    Each history frame is encoded on its own; separators pass through the same patch embedding
    and join the memory; a learned slot code says which block a token belongs to, rotary angles
    say where in its block it lies.
    """

    def __init__(self, config: WorldModelConfig) -> None:
        super().__init__()
        self.config = config
        self.layout = CanvasLayout.from_config(config)
        layout, model = self.layout, config.model
        self.encoder = FrameEncoder(model, layout, config.attention)
        self.decoder_embed = nn.Linear(model.encoder_width, model.decoder_width)
        nn.init.xavier_uniform_(self.decoder_embed.weight)
        nn.init.zeros_(self.decoder_embed.bias)
        self.mask_token = nn.Parameter(torch.empty(model.decoder_width))
        self.slot_code = nn.Parameter(torch.empty(layout.frames, model.decoder_width))
        nn.init.normal_(self.mask_token, std=0.02)
        nn.init.normal_(self.slot_code, std=0.02)
        frame = grid_positions(layout.rows, layout.columns)
        bar = grid_positions(layout.rows, layout.separator_columns, layout.columns)
        positions = torch.cat([*[frame, bar] * (layout.frames - 1), frame])
        self.decoder = Decoder(model, layout, positions, config.attention)

    def encode(self, frames: Tensor) -> Tensor:
        """Return the (B, N, C) code of (B, N, D) uint8 frames; independent of their slot."""
        return self.decoder_embed(self.encoder(to_signed(frames)))

    def encode_colors(self, colors: Tensor) -> Tensor:
        """Return the (B, R*G, C) code of (B, 3) uint8 separator colours."""
        patch = to_signed(colors).repeat(1, self.layout.patch_size**2)
        code = self.decoder_embed(self.encoder.norm(self.encoder.embed(patch)))
        return code[:, None].expand(-1, self.layout.rows * self.layout.separator_columns, -1)

    def memory(self, frame_codes: Tensor, color_codes: Tensor) -> Tensor:
        """Return the (B, M, C) memory of (B, K-1, N, C) frame, (B, K-1, R*G, C) bar codes."""
        blocks = torch.cat([frame_codes, color_codes.to(frame_codes.dtype)], dim=2)
        blocks = blocks + self.slot_code[:-1, None].to(blocks.dtype)
        return blocks.flatten(1, 2)

    def decode(
        self,
        memory: Tensor,
        visible: Tensor | None = None,
        mask: Tensor | None = None,
        need_weights: bool = False,
    ) -> tuple[Tensor, list[Tensor]]:
        """
        Return the (B, N, D) prediction in 0..1 for a (B, M, C) memory, and attention weights.

        :param visible: (B, N, D) uint8 truth of the last slot, for a mask ratio below 1.
        :param mask: (B, N) bool, True = hidden; None = everything is hidden.
        """
        queries = self.mask_token.expand(len(memory), self.decoder.queries, -1)
        if mask is not None and visible is not None:
            shown = self.decoder_embed(self.encoder.norm(self.encoder.embed(to_signed(visible))))
            queries = torch.where(mask[..., None], queries.to(shown.dtype), shown)
        queries = queries + self.slot_code[-1]
        return self.decoder(memory, queries.to(memory.dtype), need_weights)

    def forward(
        self, batch: Batch, mask: Tensor | None = None, need_weights: bool = False
    ) -> tuple[Tensor, list[Tensor]]:
        """Predict the last frame of every canvas; see ``decode``."""
        visible = batch.targets if mask is not None else None
        return self.paint(self.history_codes(batch), batch.colors, visible, mask, need_weights)

    def paint(
        self,
        codes: Tensor,
        colors: Tensor,
        visible: Tensor | None = None,
        mask: Tensor | None = None,
        need_weights: bool = False,
    ) -> tuple[Tensor, list[Tensor]]:
        """Predict from (B, K-1, N, C) codes and (B, K-1, 3) uint8 colours; see ``decode``."""
        bars = self.encode_colors(colors.flatten(0, 1)).unflatten(0, colors.shape[:2])
        return self.decode(self.memory(codes, bars), visible, mask, need_weights)

    def history_codes(self, batch: Batch) -> Tensor:
        """Return the (B, K-1, N, C) codes of the frames before the last one."""
        frames, index = batch.history
        codes = self.encode(frames)
        return codes.unflatten(0, index.shape) if batch.index is None else codes[index]

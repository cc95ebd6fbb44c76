"""
Geometry of a canvas: frames side by side, a separator per action between them.

::

    | frame 0 | a0 | frame 1 | a1 | frame 2 (to be predicted) |
      H x W     S    H x W     S    H x W

K frames of H x W px, separators of S px, patches of P x P px. A frame and the separator behind it
form one block of patch columns; patch coordinates are (row, column) inside the block.
"""

from dataclasses import dataclass

from devrobot_world_model.config import WorldModelConfig


@dataclass(frozen=True, kw_only=True)
class CanvasLayout:
    """Geometry of a canvas. The last slot is the one to be predicted."""

    frame_height: int
    frame_width: int
    frames: int = 3
    separator_width: int = 16
    patch_size: int = 16

    def __post_init__(self) -> None:
        if self.frames < 2:
            raise ValueError(f'a canvas needs at least 2 frames, got {self.frames}')
        for name in ('frame_height', 'frame_width', 'separator_width'):
            value = getattr(self, name)
            if value <= 0 or value % self.patch_size:
                raise ValueError(
                    f'{name} must be a positive multiple of the patch size {self.patch_size}, '
                    f'got {value}'
                )

    @classmethod
    def from_config(cls, config: WorldModelConfig) -> 'CanvasLayout':
        """Return the layout that ``config`` describes."""
        canvas = config.canvas
        return cls(
            frame_height=canvas.frame_height,
            frame_width=canvas.frame_width,
            frames=canvas.frames,
            separator_width=canvas.separator_width,
            patch_size=config.model.patch_size,
        )

    @property
    def height(self) -> int:
        """Height of the canvas in px."""
        return self.frame_height

    @property
    def width(self) -> int:
        """Width of the canvas in px: K*W + (K-1)*S."""
        return self.frames * self.frame_width + (self.frames - 1) * self.separator_width

    @property
    def rows(self) -> int:
        """Patch rows of a frame (and of the canvas)."""
        return self.frame_height // self.patch_size

    @property
    def columns(self) -> int:
        """Patch columns of a frame."""
        return self.frame_width // self.patch_size

    @property
    def separator_columns(self) -> int:
        """Patch columns of a separator."""
        return self.separator_width // self.patch_size

    @property
    def canvas_columns(self) -> int:
        """Patch columns of the whole canvas."""
        return self.width // self.patch_size

    @property
    def patches_per_frame(self) -> int:
        """Patches of one frame."""
        return self.rows * self.columns

    @property
    def patch_values(self) -> int:
        """Values of one RGB patch: P*P*3."""
        return self.patch_size * self.patch_size * 3

    def slot_start(self, slot: int) -> int:
        """Return the first px column of frame ``slot``; negative slots count from the end."""
        slot = range(self.frames)[slot]
        return slot * (self.frame_width + self.separator_width)

    def separator_start(self, index: int) -> int:
        """Return the first px column of separator ``index``."""
        return self.slot_start(range(self.frames - 1)[index]) + self.frame_width

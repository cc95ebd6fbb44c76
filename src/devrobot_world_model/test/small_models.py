"""Small models with weights that matter, and random canvases for them."""

from devrobot_world_model.config import WorldModelConfig
from devrobot_world_model.model.factory import build_model
from devrobot_world_model.model.mae import Batch, WorldModel
import torch


def random_batch(model: WorldModel, size: int = 2) -> Batch:
    generator = torch.Generator().manual_seed(1)
    layout = model.layout
    shape = (size, layout.frames, layout.patches_per_frame, layout.patch_values)
    return Batch(
        frames=torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator),
        colors=torch.randint(
            0, 256, (size, layout.frames - 1, 3), dtype=torch.uint8, generator=generator
        ),
    )


def trained(config: WorldModelConfig) -> WorldModel:
    """Return a model whose zero head was given weights, so that outputs differ."""
    model = build_model(config)
    with torch.no_grad():
        model.decoder.head.weight.normal_(std=0.1, generator=torch.Generator().manual_seed(2))
    return model.eval()

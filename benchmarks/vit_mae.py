"""
ViTMAE of ``transformers`` as large as our model, to measure against.

``transformers`` is no part of devrobot. ``training.py`` measures it where it is installed, best in
an environment beside devrobot's own that can be deleted (in ``./devrobot shell``):

    python -m venv /tmp/vit_mae
    own=/tmp/vit_mae/lib/python3.11/site-packages
    python -c 'import site; print(site.getsitepackages()[0])' > $own/devrobot.pth
    /tmp/vit_mae/bin/pip install transformers==5.24.0
    /tmp/vit_mae/bin/python benchmarks/training.py
"""

from collections.abc import Callable
import importlib.util

from devrobot_world_model.canvas.layout import CanvasLayout
from devrobot_world_model.config import WorldModelConfig
import torch


def vit_mae_steps(config: WorldModelConfig, size: int) -> Callable[[], None] | None:
    """Return a function that makes one step of ViTMAE; None without ``transformers``."""
    if importlib.util.find_spec('transformers') is None:
        return None
    from transformers import ViTMAEConfig, ViTMAEForPreTraining

    layout, model = CanvasLayout.from_config(config), config.model
    side = round((layout.rows * layout.canvas_columns) ** 0.5)
    hidden = layout.patches_per_frame / (layout.rows * layout.canvas_columns)
    net = ViTMAEForPreTraining(
        ViTMAEConfig(
            hidden_size=model.encoder_width,
            num_hidden_layers=model.encoder_depth,
            num_attention_heads=model.encoder_heads,
            intermediate_size=int(model.encoder_width * model.mlp_ratio),
            decoder_hidden_size=model.decoder_width,
            decoder_num_hidden_layers=model.decoder_depth,
            decoder_num_attention_heads=model.decoder_heads,
            decoder_intermediate_size=int(model.decoder_width * model.mlp_ratio),
            image_size=side * model.patch_size,
            patch_size=model.patch_size,
            mask_ratio=hidden,
        )
    )
    optimizer = torch.optim.AdamW(net.parameters(), lr=3e-4, foreach=False)
    images = torch.rand(size, 3, side * model.patch_size, side * model.patch_size)

    def step() -> None:
        loss = net(pixel_values=images).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step

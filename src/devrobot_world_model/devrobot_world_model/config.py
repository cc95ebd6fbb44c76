"""
Settings of the world model, and the named presets.

Every field is one fact: the ROS parameter, the YAML key and the documentation come from it.
"""

from dataclasses import dataclass, field, replace

from devrobot_interfaces_py.configs import check_ranges, ConfigError, param

KINDS = ('encoder_decoder', 'decoder_only')
LOSSES = ('plain', 'focal', 'hybrid')
SCHEDULES = ('constant', 'cosine')
PRECISIONS = ('auto', 'fp32', 'bf16')
ATTENTIONS = ('auto', 'explicit', 'sdpa')


@dataclass(frozen=True, kw_only=True)
class CanvasConfig:
    """Geometry of the canvas: frames side by side with a separator per action between them."""

    frame_height: int = param(224, 'height of one frame in px', minimum=4, maximum=4096)
    frame_width: int = param(224, 'width of one frame in px', minimum=4, maximum=4096)
    frames: int = param(3, 'frames on a canvas, the last one is predicted', minimum=2, maximum=16)
    separator_width: int = param(
        16,
        'width of an action separator in px, a multiple of the patch size',
        minimum=1,
        maximum=512,
    )

    def __post_init__(self) -> None:
        check_ranges(self)


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Architecture; it travels with every checkpoint."""

    kind: str = param('encoder_decoder', 'architecture', choices=KINDS)
    patch_size: int = param(16, 'side of a square patch in px', minimum=1, maximum=128)
    encoder_width: int = param(256, 'token width of the encoder', minimum=8, maximum=4096)
    encoder_depth: int = param(5, 'transformer blocks of the encoder', minimum=0, maximum=64)
    encoder_heads: int = param(4, 'attention heads of the encoder', minimum=1, maximum=64)
    decoder_width: int = param(128, 'token width of the decoder', minimum=8, maximum=4096)
    decoder_depth: int = param(5, 'transformer blocks of the decoder', minimum=1, maximum=64)
    decoder_heads: int = param(4, 'attention heads of the decoder', minimum=1, maximum=64)
    mlp_ratio: float = param(
        4.0, 'hidden width of a block relative to its width', minimum=0.5, maximum=16.0
    )
    rotary_base: float = param(
        30.0,
        'longest wavelength of the rotary positions, in patches / 2 pi',
        minimum=1.0,
        maximum=1e6,
    )

    def __post_init__(self) -> None:
        check_ranges(self)
        for part in ('encoder', 'decoder'):
            width, heads = getattr(self, f'{part}_width'), getattr(self, f'{part}_heads')
            if width % (4 * heads):
                raise ConfigError(
                    f'{part}_width must be a multiple of 4 x {part}_heads for rotary positions, '
                    f'got {width} with {heads} heads'
                )


@dataclass(frozen=True, kw_only=True)
class LossConfig:
    """Loss over the masked patches; pixels in 0..1."""

    kind: str = param('hybrid', 'loss that is trained on', choices=LOSSES)
    alpha: float = param(
        0.1, 'share of the plain loss in the hybrid loss', minimum=0.0, maximum=1.0
    )
    beta: float = param(
        5.0, 'sharpness of the focal weights exp(beta e)', minimum=0.0, maximum=50.0
    )
    mask_ratio_min: float = param(
        1.0, 'smallest share of masked patches in the last slot', minimum=0.05, maximum=1.0
    )
    mask_ratio_max: float = param(
        1.0, 'largest share of masked patches in the last slot', minimum=0.05, maximum=1.0
    )

    def __post_init__(self) -> None:
        check_ranges(self)
        if self.mask_ratio_min > self.mask_ratio_max:
            raise ConfigError(
                f'mask_ratio_min ({self.mask_ratio_min}) must not exceed mask_ratio_max '
                f'({self.mask_ratio_max})'
            )


@dataclass(frozen=True, kw_only=True)
class OptimizerConfig:
    """AdamW and its learning-rate schedule."""

    learning_rate: float = param(2e-4, 'peak learning rate', minimum=0.0, maximum=1.0)
    weight_decay: float = param(
        0.01, 'decay of matrices (not of biases, norms, tokens)', minimum=0.0, maximum=1.0
    )
    beta1: float = param(0.9, 'AdamW beta1', minimum=0.0, maximum=0.9999)
    beta2: float = param(0.999, 'AdamW beta2', minimum=0.0, maximum=0.99999)
    warmup_steps: int = param(1000, 'steps of linear warm-up', minimum=0, maximum=1_000_000)
    schedule: str = param('constant', 'rate after the warm-up', choices=SCHEDULES)
    total_steps: int = param(
        100_000,
        'length of the cosine schedule in steps, warm-up included',
        minimum=1,
        maximum=100_000_000,
    )
    final_ratio: float = param(
        0.001, 'rate at the end of the cosine, relative to the peak', minimum=0.0, maximum=1.0
    )
    gradient_clip: float = param(
        1.0, 'largest gradient norm, 0 = no clipping', minimum=0.0, maximum=1000.0
    )
    precision: str = param(
        'auto', 'auto = bf16 where the device computes it natively', choices=PRECISIONS
    )

    def __post_init__(self) -> None:
        check_ranges(self)


@dataclass(frozen=True, kw_only=True)
class OnlineConfig:
    """How the model learns while the robot acts."""

    learning: bool = param(True, 'learn from the start')
    batch_size: int = param(
        4, 'samples per training step: the newest and replayed ones', minimum=1, maximum=1024
    )
    replay_frames: int = param(
        2000, 'frames kept for replay, oldest go first', minimum=16, maximum=10_000_000
    )
    quality_gate: float = param(
        1e-4,
        'no training step while the loss of the prediction is below this',
        minimum=0.0,
        maximum=1.0,
        live=True,
    )
    rollout_steps: int = param(
        5, 'steps of the imagined rollout', minimum=1, maximum=50, live=True
    )

    def __post_init__(self) -> None:
        check_ranges(self)


@dataclass(frozen=True, kw_only=True)
class WorldModelConfig:
    """Everything that makes a world model."""

    canvas: CanvasConfig = field(default_factory=CanvasConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    online: OnlineConfig = field(default_factory=OnlineConfig)
    seed: int = param(
        0, 'seed of the weights and of replay sampling', minimum=0, maximum=2**31 - 1
    )
    device: str = param('auto', 'auto, cpu, cuda or cuda:N; auto = cuda where present')
    attention: str = param(
        'auto', 'attention kernel: auto = explicit on CPU, sdpa on a GPU', choices=ATTENTIONS
    )

    def __post_init__(self) -> None:
        check_ranges(self)
        patch = self.model.patch_size
        for name in ('frame_height', 'frame_width', 'separator_width'):
            value = getattr(self.canvas, name)
            if value % patch:
                raise ConfigError(
                    f'canvas.{name} must be a multiple of model.patch_size {patch}, got {value}'
                )
        # A step brings two frames at most: with fewer, a canvas could push out its own.
        needed = 2 * self.canvas.frames
        if self.online.replay_frames < needed:
            raise ConfigError(
                f'online.replay_frames must be at least 2 x canvas.frames = {needed}, '
                f'got {self.online.replay_frames}'
            )


def _tiny() -> WorldModelConfig:
    return WorldModelConfig(
        canvas=CanvasConfig(frame_height=64, frame_width=64, separator_width=8),
        model=ModelConfig(
            patch_size=8, encoder_width=128, encoder_depth=3, decoder_width=128, decoder_depth=3
        ),
        optimizer=OptimizerConfig(learning_rate=3e-4, warmup_steps=100),
        online=OnlineConfig(batch_size=6, replay_frames=10_000),
    )


def _base() -> WorldModelConfig:
    # A decoder that is wide enough to draw inside a patch of 16 px, and a small encoder: on a CPU
    # that learned more than twice as fast as the sizes of `reference`, see docs/performance.md.
    return WorldModelConfig(
        model=ModelConfig(encoder_width=128, encoder_depth=2, decoder_width=256, decoder_depth=3),
        optimizer=OptimizerConfig(learning_rate=2e-4, warmup_steps=100),
        online=OnlineConfig(batch_size=8),
    )


def _large() -> WorldModelConfig:
    config = _base()
    model = replace(
        config.model,
        encoder_width=512,
        encoder_depth=5,
        encoder_heads=8,
        decoder_depth=12,
        decoder_heads=8,
    )
    return replace(config, model=model)


_PRESETS = {
    'tiny': _tiny,
    'base': _base,
    'reference': lambda: WorldModelConfig(online=OnlineConfig(batch_size=1)),
    'large': _large,
}
PRESET_NAMES = tuple(_PRESETS)


def preset(name: str) -> WorldModelConfig:
    """
    Return the configuration called ``name``.

    :raises ConfigError: for an unknown name, with the known ones.
    """
    if name not in _PRESETS:
        raise ConfigError(f'unknown preset {name!r}, choose one of {", ".join(_PRESETS)}')
    return _PRESETS[name]()

"""
Settings of a training, and the recipes of the named presets.

One field is one fact: the option of ``train``, the key in config.yaml and the table in the
documentation come from it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from devrobot_interfaces_py.configs import check_ranges, ConfigError, param
from devrobot_training.data.frame_store import STORES
from devrobot_training.data.sampling import SamplerConfig
from devrobot_training.fit.stopping import StoppingConfig
from devrobot_world_model.config import (
    ATTENTIONS,
    CanvasConfig,
    LossConfig,
    ModelConfig,
    OptimizerConfig,
    preset,
    WorldModelConfig,
)

DEFAULT_PRESET = 'tiny'
COMPILE = ('never', 'auto', 'always')


@dataclass(frozen=True, kw_only=True)
class FitConfig:
    """How the loop goes on."""

    batch_size: int = param(8, 'canvases per training step', minimum=1, maximum=65536)
    validate_every: int = param(
        250, 'training samples between two validations', minimum=1, maximum=1_000_000_000
    )
    validation_size: int = param(
        200,
        'canvases of a validation, evenly spread and always the same; 0 = all',
        minimum=0,
        maximum=1_000_000_000,
    )
    checkpoint_every: int = param(
        2000, 'training samples between two checkpoints', minimum=1, maximum=1_000_000_000
    )
    train_ratio: float = param(
        0.7,
        'share of one session that trains, the rest validates; not used with two sessions',
        minimum=0.01,
        maximum=0.99,
    )
    store: str = param(
        'auto', 'where frames are kept; auto = memory, up to memory_gb', choices=STORES
    )
    memory_gb: float = param(
        4.0, 'frames up to this size are kept in memory', minimum=0.0, maximum=4096.0
    )
    prefetch: int = param(2, 'batches that are put together ahead', minimum=0, maximum=64)
    ema: float = param(
        0.0,
        'decay of averaged weights that are validated and kept as best; 0 = none',
        minimum=0.0,
        maximum=0.99999,
    )
    imagined_share: float = param(
        0.0,
        'share of a batch whose newest history frame is the prediction of the model itself',
        minimum=0.0,
        maximum=1.0,
    )
    compile: str = param(
        'auto',
        'torch.compile; auto = on a GPU only, where it pays, and where there is a C++ compiler',
        choices=COMPILE,
    )

    def __post_init__(self) -> None:
        check_ranges(self)


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Everything that makes a training."""

    canvas: CanvasConfig = field(default_factory=CanvasConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    sampler: SamplerConfig = field(default_factory=SamplerConfig)
    stopping: StoppingConfig = field(default_factory=StoppingConfig)
    fit: FitConfig = field(default_factory=FitConfig)
    seed: int = param(
        0, 'seed of the weights, of the sampling and of the masks', minimum=0, maximum=2**31 - 1
    )
    device: str = param('auto', 'auto, cpu, cuda or cuda:N; auto = cuda where present')
    threads: int = param(
        1,
        'CPU threads of the model; more than one pays only on an idle host',
        minimum=1,
        maximum=256,
    )
    attention: str = param(
        'auto', 'attention kernel: auto = explicit on CPU, sdpa on a GPU', choices=ATTENTIONS
    )

    def __post_init__(self) -> None:
        check_ranges(self)
        length = self.sampler.chunk_length
        if length and self.fit.batch_size % length:
            raise ConfigError(
                f'fit.batch_size {self.fit.batch_size} must be a multiple of '
                f'sampler.chunk_length {length}'
            )
        self.world_model()

    def world_model(self) -> WorldModelConfig:
        """
        Return the part that travels with checkpoints.

        :raises ConfigError: if canvas and model do not fit together.
        """
        return WorldModelConfig(
            canvas=self.canvas,
            model=self.model,
            loss=self.loss,
            optimizer=self.optimizer,
            seed=self.seed,
            device=self.device,
            attention=self.attention,
        )


def _tiny(config: TrainConfig) -> TrainConfig:
    # About three minutes on one core. The dot world goes on getting better long after validation
    # and training have parted a little, so neither of these rules may end it.
    return replace(
        config,
        fit=FitConfig(batch_size=8),
        stopping=StoppingConfig(max_samples=20_000, divergence=False, plateau=False),
    )


def _base(config: TrainConfig) -> TrainConfig:
    # At smaller batches, a lower rate or a shorter schedule one seed in three stayed below 95 %.
    # At this rate the dot trembles; averaged weights do not wait for it to fall.
    return replace(
        config,
        optimizer=replace(
            config.optimizer,
            learning_rate=5e-4,
            schedule='cosine',
            total_steps=4000,
            final_ratio=0.02,
        ),
        fit=FitConfig(batch_size=8, validate_every=500, validation_size=100, ema=0.99),
        stopping=StoppingConfig(max_samples=32_000, divergence=False, plateau=False),
    )


def _as_it_is(config: TrainConfig) -> TrainConfig:
    return config


PRESET_RECIPES: Mapping[str, Callable[[TrainConfig], TrainConfig]] = MappingProxyType(
    {'tiny': _tiny, 'base': _base, 'reference': _as_it_is, 'large': _as_it_is}
)


def train_preset(name: str) -> TrainConfig:
    """
    Return the recipe called ``name``: its model, and how that is trained from recordings.

    :raises ConfigError: for an unknown name, with the known ones.
    """
    own = preset(name)
    made = TrainConfig(
        canvas=own.canvas,
        model=own.model,
        loss=own.loss,
        optimizer=own.optimizer,
        seed=own.seed,
        attention=own.attention,
    )
    return PRESET_RECIPES[name](made)

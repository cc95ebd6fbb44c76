"""Settings of the node itself; those of the model are in ``devrobot_world_model.config``."""

from dataclasses import dataclass

from devrobot_interfaces_py import topics
from devrobot_interfaces_py.configs import check_ranges, ConfigError, param
from devrobot_world_model.config import PRESET_NAMES

DEFAULT_PRESET = 'base'


@dataclass(frozen=True, kw_only=True)
class StartConfig:
    """Read first: whether the node brings itself up, and the defaults of all other settings."""

    autostart: bool = param(True, 'configure and activate without being told')
    preset: str = param(
        DEFAULT_PRESET,
        'model and canvas to start from; other parameters override it',
        choices=PRESET_NAMES,
    )

    def __post_init__(self) -> None:
        check_ranges(self)


@dataclass(frozen=True, kw_only=True)
class NodeConfig:
    """Where the node gets its frames, and what it does with checkpoints."""

    image_topics: tuple[str, ...] = param(
        (topics.IMAGE_RAW,), 'camera topics, stacked from top to bottom into one frame'
    )
    checkpoint: str = param('', 'checkpoint to start from; empty = random weights')
    checkpoint_dir: str = param(
        'saved/checkpoints', 'folder with one folder of checkpoints per robot type'
    )
    checkpoint_every: int = param(
        0, 'save after so many training samples, 0 = never', minimum=0, maximum=1_000_000_000
    )
    checkpoint_on_deactivate: bool = param(False, 'save when learning ends')
    keep_checkpoints: int = param(
        0,
        'after a save of its own the node keeps this many of its best, 0 = all',
        minimum=0,
        maximum=10_000,
    )
    threads: int = param(
        1,
        'CPU threads of the model; more than one pays only on an idle host',
        minimum=1,
        maximum=256,
    )
    prediction_deadline: float = param(
        0.25,
        'no prediction for an action whose start arrived longer ago, in s: the node catches up',
        minimum=0.001,
        maximum=3600.0,
    )
    loss_history: int = param(500, 'losses kept for ~/loss_history', minimum=1, maximum=100_000)

    def __post_init__(self) -> None:
        check_ranges(self)
        if not self.image_topics or not all(self.image_topics):
            raise ConfigError(
                f'image_topics must name at least one topic, got {self.image_topics}'
            )
        if len(set(self.image_topics)) != len(self.image_topics):
            raise ConfigError(f'image_topics names a topic twice: {list(self.image_topics)}')

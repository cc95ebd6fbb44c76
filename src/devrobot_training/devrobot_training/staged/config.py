"""
Settings of a staged training: those of a training, and how stages, sweeps and baselines go.

``stopping.*`` are the limits of one training of a stage, its sweeps included.
"""

from dataclasses import dataclass, field, fields, replace
from pathlib import Path

from devrobot_interfaces_py.configs import check_ranges, ConfigError, load_config, param
from devrobot_training.evaluation.config import EvaluationConfig
from devrobot_training.fit.config import train_preset, TrainConfig
from devrobot_training.logs.writers import check_names, LogSettings
from devrobot_training.sessions.splits import GrowthConfig, SplitConfig
from devrobot_training.sweeps.config import OFF, PLATEAU, SweepConfig

CONFIGS = Path(__file__).with_name('configs')
SUFFIX = '.yaml'


@dataclass(frozen=True, kw_only=True)
class StagedSettings(LogSettings):
    """What a staged training has beside the settings of a training."""

    splits: GrowthConfig = field(default_factory=GrowthConfig)
    sweep: SweepConfig = field(default_factory=SweepConfig)
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)
    runs_per_stage: int = param(
        1,
        'trainings of each stage, each with its seed; the best one goes on',
        minimum=1,
        maximum=1000,
    )
    parallel_runs: int = param(
        1, 'trainings of a stage at a time, each in a process', minimum=1, maximum=1000
    )
    baseline: bool = param(True, 'train each stage from the second with fresh weights, too')
    baseline_sweeps: bool = param(
        False,
        'sweep in baselines as well; without, where others sweep at a plateau and go on, none '
        'ends a baseline before its limit of samples or time',
    )
    keep_checkpoints: int = param(
        5,
        'checkpoints of stages that are kept, the best ones on the original session; the newest '
        'stays as well',
        minimum=1,
        maximum=100_000,
    )


@dataclass(frozen=True, kw_only=True)
class StagedConfig(StagedSettings, TrainConfig):
    """Everything that makes a staged training; the keys are those of ``train``, and more."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_ranges(self)
        check_names(self.log_to)
        stopping = self.stopping
        if self.sweep.when == PLATEAU and not stopping.plateau:
            raise ConfigError(
                f'sweep.when is {PLATEAU}, which needs stopping.plateau true; or use '
                f'--sweep.when {OFF}'
            )
        if not (
            stopping.max_samples or stopping.uses_time or stopping.plateau or stopping.divergence
        ):
            raise ConfigError(
                'no rule would end a stage: set stopping.max_samples, stopping.time_budget, '
                'stopping.plateau or stopping.divergence'
            )

    def training(self) -> TrainConfig:
        """Return the settings of a single training."""
        return TrainConfig(**{item.name: getattr(self, item.name) for item in fields(TrainConfig)})

    def split(self) -> SplitConfig:
        """Return how a root session is split."""
        return SplitConfig(
            history=self.canvas.frames,
            train_ratio=self.fit.train_ratio,
            first_size=self.splits.first_size,
            num_stages=self.splits.num_stages,
        )


def staged_preset(name: str) -> StagedConfig:
    """
    Return the recipe called ``name`` for stages, in which a plateau is looked for.

    :raises ConfigError: for an unknown name, with the known ones.
    """
    made = train_preset(name)
    own = {item.name: getattr(made, item.name) for item in fields(TrainConfig)}
    own['stopping'] = replace(made.stopping, plateau=True)
    return StagedConfig(**own)


def shipped_configs() -> tuple[str, ...]:
    """Return the names of the settings that come with the package."""
    return tuple(sorted(path.stem for path in CONFIGS.glob(f'*{SUFFIX}')))


def config_path(name: str) -> Path:
    """
    Return the file that ``--config`` names: a path, or one of the shipped settings.

    :raises ConfigError: if it is neither.
    """
    path = Path(name)
    if path.is_file():
        return path
    if name in shipped_configs():
        return CONFIGS / f'{name}{SUFFIX}'
    raise ConfigError(
        f'--config is {name}, which is no file and none of {", ".join(shipped_configs())}'
    )


def read_config(name: str) -> StagedConfig:
    """
    Read settings by the name of ``--config``.

    :raises ConfigError: if the file is missing, or a setting is wrong.
    """
    return load_config(StagedConfig, config_path(name))

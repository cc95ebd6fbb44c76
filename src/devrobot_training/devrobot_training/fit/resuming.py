"""
What may be another when a run goes on, and what may not.

A run that is resumed is the same run: what decides about its model, its data and its draws stays.
What only says how long it goes on, how it is computed and when it looks at itself may change.
"""

from devrobot_interfaces_py.configs import ConfigError, is_among
from devrobot_training.fit.config import TrainConfig
from devrobot_training.fit.kept_settings import differences

#: Settings, or groups of them, that may change.
FREE = (
    'stopping',
    'optimizer.learning_rate',
    'optimizer.warmup_steps',
    'optimizer.schedule',
    'optimizer.total_steps',
    'optimizer.final_ratio',
    'optimizer.gradient_clip',
    'optimizer.precision',
    'fit.validate_every',
    'fit.checkpoint_every',
    'fit.store',
    'fit.memory_gb',
    'fit.prefetch',
    'fit.compile',
    'device',
    'threads',
    'attention',
)


def check_changes(before: TrainConfig, after: TrainConfig) -> str:
    """
    Return in words what is another in the settings of a run that goes on; '' = nothing.

    :raises ConfigError: if something is that may not.
    """
    changed = differences(before, after)
    for name, (was, wanted) in changed.items():
        if not is_among(name, FREE):
            raise ConfigError(
                f'{name} cannot change from {was} to {wanted} in a run that goes on: leave it '
                "out, or begin a new run from this one's checkpoints/last"
            )
    return ', '.join(f'{name} {was} -> {now}' for name, (was, now) in changed.items())

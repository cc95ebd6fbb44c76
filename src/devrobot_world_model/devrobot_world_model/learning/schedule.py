"""Learning-rate schedules as pure functions of the step."""

import math

from devrobot_world_model.config import OptimizerConfig


def learning_rate(step: int, config: OptimizerConfig) -> float:
    """
    Return the rate of training step ``step``, counted from 0.

    Linear warm-up over ``warmup_steps``, then constant, or a cosine down to
    ``learning_rate * final_ratio`` at ``total_steps`` and from then on.
    """
    peak = config.learning_rate
    if step < config.warmup_steps:
        return peak * (step + 1) / config.warmup_steps
    if config.schedule == 'constant':
        return peak
    span = max(1, config.total_steps - config.warmup_steps)
    share = min(1.0, (step - config.warmup_steps) / span)
    floor = peak * config.final_ratio
    return floor + (peak - floor) * 0.5 * (1.0 + math.cos(math.pi * share))

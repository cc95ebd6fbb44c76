"""The weights that a training is to begin with, looked at before anything is made."""

from dataclasses import replace
from pathlib import Path

from devrobot_interfaces_py.configs import config_to_dict
from devrobot_training.fit.config import TrainConfig
from devrobot_world_model.checkpoints import load_checkpoint
from devrobot_world_model.learning.state import restore_learner
from devrobot_world_model.learning.step import Learner
from devrobot_world_model.model.factory import build_model


def check_start(start: str, config: TrainConfig) -> None:
    """
    Refuse a checkpoint that a training could not begin with; '' is none.

    :raises CheckpointError: if it is missing or damaged, or its weights do not fit.
    """
    if not start:
        return
    path = Path(start)
    loaded = load_checkpoint(path.parent, path.name)
    model = build_model(replace(config.world_model(), device='cpu'))
    learner = Learner(model, loss=config.loss, optimizer=config.optimizer)
    configs = (loaded.config, config_to_dict(config.world_model()))
    restore_learner(learner, loaded.tensors, configs, {}, {}, False)

"""The weights that a training begins with, also looked at before anything is made."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from devrobot_interfaces_py.configs import config_to_dict
from devrobot_training.fit.config import TrainConfig
from devrobot_world_model.checkpoints import IncompatibleCheckpointError, load_checkpoint
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
    model = build_model(replace(config.world_model(), device='cpu'))
    learner = Learner(model, loss=config.loss, optimizer=config.optimizer)
    take_weights(learner, Path(start), config)


def take_weights(
    learner: Learner, path: Path, config: TrainConfig, *, moments: bool = False
) -> None:
    """
    Put the weights of a checkpoint into a learner; a shallower model grows.

    :param moments: take those of the optimiser as well, if there are any that fit.
    :raises CheckpointError: if it is missing or damaged, or the weights do not fit.
    """
    loaded = load_checkpoint(path.parent, path.name)
    configs = (loaded.config, config_to_dict(config.world_model()))
    restore_learner(learner, loaded.tensors, configs, {}, {}, False)
    if moments and 'optimizer' in loaded.state:
        with suppress(IncompatibleCheckpointError):
            restore_learner(learner, loaded.tensors, configs, {}, loaded.state, True)
        # Masks are drawn from the seed of this training, not as that one would have gone on.
        if learner.generator is not None:
            learner.generator.manual_seed(config.seed)

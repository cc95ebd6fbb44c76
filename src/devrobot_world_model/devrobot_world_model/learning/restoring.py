"""Make a model from a checkpoint: architecture and weights come from there."""

from dataclasses import replace
from pathlib import Path

from devrobot_interfaces_py.configs import config_from_dict, ConfigError
from devrobot_world_model.checkpoint_names import CheckpointError
from devrobot_world_model.checkpoints import load_checkpoint, LoadedCheckpoint
from devrobot_world_model.config import WorldModelConfig
from devrobot_world_model.learning.state import MODEL_PREFIX
from devrobot_world_model.model.factory import build_model
from devrobot_world_model.model.mae import WorldModel


def load_model(
    folder: Path, name: str, device: str = 'auto'
) -> tuple[WorldModel, LoadedCheckpoint]:
    """
    Return the model of checkpoint ``name`` in ``folder``, ready to predict, and what it came with.

    :raises CheckpointError: if it is missing, damaged, or of an architecture that is not known.
    :raises ConfigError: if ``device`` was asked for and is not there.
    """
    loaded = load_checkpoint(folder, name)
    try:
        config = config_from_dict(WorldModelConfig, loaded.config)
    except ConfigError as error:
        raise CheckpointError(
            f'checkpoint {name!r} was made by software that knew other settings: {error}'
        ) from error
    model = build_model(replace(config, device=device))
    try:
        model.load_state_dict(loaded.part(MODEL_PREFIX))
    except RuntimeError as error:
        reason = ' '.join(str(error).split())[:300]
        raise CheckpointError(
            f'checkpoint {name!r} does not fit its own settings: {reason}'
        ) from error
    return model.eval(), loaded

"""
A training's state as a checkpoint, and back.

Averaged weights, if there are any, are the model of the checkpoint; those that the loop trains lie
beside them.
"""

from collections.abc import Mapping
from typing import Any

from devrobot_interfaces_py.configs import config_to_dict
from devrobot_training.fit.config import TrainConfig
from devrobot_training.fit.loop import Fitter
from devrobot_training.fit.problems import RunError
from devrobot_training.fit.run_folder import RunFolder
from devrobot_world_model.checkpoints import load_checkpoint, LoadedCheckpoint
from devrobot_world_model.learning.state import (
    GENERATOR,
    learner_state,
    MODEL_PREFIX,
    restore_learner,
)
from devrobot_world_model.learning.step import Learner
from torch import Tensor

RAW_PREFIX = 'raw.'


def save(folder: RunFolder, fitter: Fitter, config: TrainConfig, *, best: bool) -> None:
    """
    Write a checkpoint.

    :raises CheckpointError: if the disk refuses.
    """
    tensors, counters, state = learner_state(fitter.learner)
    if fitter.average is not None:
        for name, value in fitter.average.average.items():
            tensors[RAW_PREFIX + name] = tensors[MODEL_PREFIX + name]
            tensors[MODEL_PREFIX + name] = value.cpu().clone()
    progress = fitter.progress
    folder.save(
        tensors=tensors,
        config=config_to_dict(config.world_model()),
        metrics={'validation_loss': progress.best, 'within_2px': progress.within_2px},
        counters=counters,
        state={**state, 'fit': fitter.state()},
        best=best,
    )


def restore(folder: RunFolder, name: str, fitter: Fitter, config: TrainConfig) -> None:
    """
    Put the state of a checkpoint of ``folder`` into a fresh loop.

    Between a CPU and a GPU masks are drawn anew: their generators have nothing in common.

    :raises CheckpointError: if it is damaged, or does not fit.
    :raises RunError: if it is of another kind of run.
    """
    loaded = load_checkpoint(folder.checkpoints, name)
    if 'fit' not in loaded.state:
        raise RunError(f'{folder.checkpoints / name} is no checkpoint of a training')
    configs: tuple[Mapping[str, Any], Mapping[str, Any]] = (
        loaded.config,
        config_to_dict(config.world_model()),
    )
    tensors = dict(_with_raw_weights(loaded) if fitter.average else loaded.tensors)
    if not _fits(fitter.learner, tensors.get(GENERATOR)):
        del tensors[GENERATOR]
    restore_learner(fitter.learner, tensors, configs, loaded.counters, loaded.state, True)
    if fitter.average is not None:
        fitter.average.restore(loaded.part(MODEL_PREFIX))
    try:
        fitter.restore(loaded.state['fit'])
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise RunError(
            f'the state in {folder.checkpoints / name} is damaged ({type(error).__name__}: {error}'
            '): begin a new run from that checkpoint'
        ) from error


def _fits(learner: Learner, state: Tensor | None) -> bool:
    """Return whether a state of a generator is of the device's kind."""
    own = learner.generator
    return state is None or own is None or state.shape == own.get_state().shape


def _with_raw_weights(loaded: LoadedCheckpoint) -> dict[str, Tensor]:
    """Return the tensors with the weights that the loop trains, not their average."""
    raw = {f'{MODEL_PREFIX}{name}': value for name, value in loaded.part(RAW_PREFIX).items()}
    if not raw:
        raise RunError(
            f'checkpoint {loaded.info.name} has no averaged weights, which fit.ema asks for: '
            'begin a new run from it'
        )
    return {**loaded.tensors, **raw}

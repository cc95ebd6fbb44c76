"""A learner's complete state as named tensors and plain data, and back, all or nothing."""

from collections.abc import Mapping
from typing import Any

from devrobot_world_model.compatibility import check_compatible, IncompatibleCheckpointError
from devrobot_world_model.learning.step import Learner
from devrobot_world_model.model.growth import grow_state
from devrobot_world_model.optimizer_state import (
    flatten_optimizer,
    optimizer_problems,
    unflatten_optimizer,
)
import torch
from torch import Tensor

MODEL_PREFIX = 'model.'
GENERATOR = 'rng.torch'
DEPTHS = ('encoder_depth', 'decoder_depth')


def learner_state(learner: Learner) -> tuple[dict[str, Tensor], dict[str, int], dict[str, Any]]:
    """Return copies of all tensors, the counters, and the optimiser's plain data."""
    tensors, plain = flatten_optimizer(learner.optimizer.state_dict())
    tensors.update(
        {f'{MODEL_PREFIX}{name}': value for name, value in learner.model.state_dict().items()}
    )
    if learner.generator is not None:
        tensors[GENERATOR] = learner.generator.get_state()
    copies = {name: value.detach().cpu().clone() for name, value in tensors.items()}
    counters = {'optimizer_step': learner.step, 'samples_seen': learner.samples_seen}
    return copies, counters, {'optimizer': plain}


def restore_learner(
    learner: Learner,
    tensors: Mapping[str, Tensor],
    configs: tuple[Mapping[str, Any], Mapping[str, Any]],
    counters: Mapping[str, int],
    state: Mapping[str, Any],
    restore_optimizer: bool,
) -> None:
    """
    Put a saved state into ``learner``; nothing is changed unless everything fits.

    A saved model that is only shallower grows: its weights are taken, the new blocks pass their
    input on unchanged, and the optimiser starts fresh.

    :param configs: the saved and the own configuration.
    :raises IncompatibleCheckpointError: with what does not fit.
    """
    weights = {
        name.removeprefix(MODEL_PREFIX): value
        for name, value in tensors.items()
        if name.startswith(MODEL_PREFIX)
    }
    grows = _is_shallower(*configs)
    weights = _checked_weights(learner, weights, configs, grows)
    optimizer = None
    if restore_optimizer and not grows:
        optimizer = _checked_optimizer(learner, tensors, state)
        _check_generator(learner, tensors)
        # Before the weights: it refuses what it cannot use while everything is as it was.
        learner.optimizer.load_state_dict(optimizer)
    learner.model.load_state_dict(weights)
    if optimizer is not None:
        learner.step = int(counters.get('optimizer_step', 0))
        learner.samples_seen = int(counters.get('samples_seen', 0))
        if learner.generator is not None and GENERATOR in tensors:
            learner.generator.set_state(tensors[GENERATOR].to(torch.uint8))


def _architecture(config: Mapping[str, Any], without: tuple[str, ...] = ()) -> dict[str, Any]:
    model = {key: value for key, value in config.get('model', {}).items() if key not in without}
    return {'canvas': config.get('canvas', {}), 'model': model}


def _is_shallower(saved: Mapping[str, Any], own: Mapping[str, Any]) -> bool:
    depths = [(saved.get('model', {}).get(key), own['model'][key]) for key in DEPTHS]
    if any(not isinstance(left, int) for left, _ in depths):
        return False
    return all(left <= right for left, right in depths) and depths[0][0] + depths[1][0] < sum(
        right for _, right in depths
    )


def _checked_weights(
    learner: Learner,
    weights: dict[str, Tensor],
    configs: tuple[Mapping[str, Any], Mapping[str, Any]],
    grows: bool,
) -> dict[str, Tensor]:
    own = learner.model.state_dict()
    skip = DEPTHS if grows else ()
    saved_part, own_part = (_architecture(config, skip) for config in configs)
    if not grows:
        check_compatible(
            saved_part,
            own_part,
            {name: tuple(value.shape) for name, value in weights.items()},
            {name: tuple(value.shape) for name, value in own.items()},
        )
        return weights
    check_compatible(saved_part, own_part)
    try:
        return grow_state(weights, learner.model)
    except ValueError as error:
        raise IncompatibleCheckpointError(f'the checkpoint cannot grow: {error}') from error


def _checked_optimizer(
    learner: Learner, tensors: Mapping[str, Tensor], state: Mapping[str, Any]
) -> dict[str, Any]:
    if 'optimizer' not in state:
        raise IncompatibleCheckpointError(
            'the checkpoint has no optimiser state: load it with restore_optimizer false'
        )
    loaded = unflatten_optimizer(tensors, state['optimizer'])
    parameters = [p for group in learner.optimizer.param_groups for p in group['params']]
    problems = optimizer_problems(
        loaded,
        learner.optimizer.state_dict(),
        {index: parameter.shape for index, parameter in enumerate(parameters)},
    )
    if problems:
        raise IncompatibleCheckpointError(
            'the optimiser state does not fit: ' + '; '.join(problems[:5])
        )
    return loaded


def _check_generator(learner: Learner, tensors: Mapping[str, Tensor]) -> None:
    """Refuse a random state that is damaged or comes from another kind of device."""
    if learner.generator is None or GENERATOR not in tensors:
        return
    try:
        probe = torch.Generator(learner.generator.device)
        probe.set_state(tensors[GENERATOR].to(torch.uint8))
    except (RuntimeError, TypeError) as error:
        raise IncompatibleCheckpointError(
            f'the random state does not fit the device {learner.generator.device}: load it with '
            'restore_optimizer false'
        ) from error

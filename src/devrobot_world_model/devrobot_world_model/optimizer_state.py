"""
Optimiser states as named tensors plus plain JSON, so that nothing has to be pickled.

A PyTorch optimiser's ``state_dict()`` mixes tensors and numbers. The tensors go into the
checkpoint's tensor file under ``optimizer.<parameter index>.<key>``; the rest, the parameter
groups and any plain numbers, goes into its JSON.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

OPTIMIZER_PREFIX = 'optimizer.'


def flatten_optimizer(
    state_dict: Mapping[str, Any], prefix: str = OPTIMIZER_PREFIX
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """
    Split ``optimizer.state_dict()`` into named tensors and a JSON-ready dictionary.

    :raises TypeError: if the state holds something that is neither a tensor nor plain data.
    """
    tensors: dict[str, Tensor] = {}
    numbers: dict[str, Any] = {}
    for index, entries in state_dict['state'].items():
        for key, value in entries.items():
            if isinstance(value, Tensor):
                tensors[f'{prefix}{index}.{key}'] = value.detach()
            else:
                numbers[f'{index}.{key}'] = _plain(value, f'state {index}.{key}')
    groups = [
        {key: _plain(value, f'group {number}.{key}') for key, value in group.items()}
        for number, group in enumerate(state_dict['param_groups'])
    ]
    return tensors, {'param_groups': groups, 'state': numbers}


def unflatten_optimizer(
    tensors: Mapping[str, Tensor], plain: Mapping[str, Any], prefix: str = OPTIMIZER_PREFIX
) -> dict[str, Any]:
    """Return the ``state_dict`` given to ``flatten_optimizer``; foreign names are skipped."""
    state: dict[int, dict[str, Any]] = {}
    entries: dict[str, Any] = {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }
    entries.update(plain['state'])
    for name, value in entries.items():
        index, key = name.split('.', 1)
        state.setdefault(int(index), {})[key] = value
    groups = [
        {key: tuple(value) if key == 'betas' else value for key, value in group.items()}
        for group in plain['param_groups']
    ]
    return {'state': state, 'param_groups': groups}


def optimizer_problems(
    loaded: Mapping[str, Any], own: Mapping[str, Any], shapes: Mapping[int, torch.Size]
) -> list[str]:
    """
    Return why an unflattened state does not fit an optimiser; empty when it does.

    :param own: the optimiser's own ``state_dict()``.
    :param shapes: the shape of each parameter by its index in the optimiser.
    """
    problems = _group_problems(loaded['param_groups'], own['param_groups'])
    keys = {key for entries in loaded['state'].values() for key in entries}
    for index, entries in loaded['state'].items():
        if index not in shapes:
            problems.append(f'optimiser {index}: unknown here')
            continue
        problems += [f'optimiser {index}.{key}: missing' for key in sorted(keys - entries.keys())]
        for key, value in entries.items():
            # Scalars (AdamW's step) do not have the parameter's shape.
            if isinstance(value, Tensor) and value.dim() and value.shape != shapes[index]:
                problems.append(
                    f'optimiser {index}.{key}: saved {list(value.shape)}, '
                    f'here {list(shapes[index])}'
                )
    return problems


def _group_problems(saved: list[dict[str, Any]], own: list[dict[str, Any]]) -> list[str]:
    sizes = [[len(group['params']) for group in side] for side in (saved, own)]
    if sizes[0] != sizes[1]:
        return [f'optimiser groups: saved {sizes[0]} parameters, here {sizes[1]}']
    return [
        f'optimiser group {number}: {key} is missing'
        for number, (left, right) in enumerate(zip(saved, own, strict=True))
        for key in right
        if key not in left
    ]


def _plain(value: Any, where: str) -> Any:
    """Return ``value`` as JSON data; a one-element tensor (a learning rate) becomes a number."""
    if isinstance(value, Tensor):
        if value.numel() != 1:
            raise TypeError(f'optimiser {where} is a tensor of shape {list(value.shape)}')
        return value.item()
    if isinstance(value, (list, tuple)):
        return [_plain(item, where) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f'optimiser {where} holds a {type(value).__name__}, which is no plain data')

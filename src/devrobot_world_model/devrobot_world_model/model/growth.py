"""Load the weights of a shallower model into a deeper one; new blocks start as identities."""

import re

import torch
from torch import nn, Tensor

_BLOCK = re.compile(r'^(?P<stack>.*\bblocks)\.(?P<index>\d+)\.(?P<rest>.+)$')


def grow_state(saved: dict[str, Tensor], model: nn.Module) -> dict[str, Tensor]:
    """
    Return a complete state for ``model`` from the state of a model with fewer blocks.

    Blocks that ``saved`` lacks keep ``model``'s own fresh weights, but their last projections are
    zero, so that they pass their input on unchanged and the grown model computes what the saved
    one did.

    :raises ValueError: if anything but missing blocks behind the saved ones differs.
    """
    own = model.state_dict()
    depth: dict[str, int] = {}
    for name in saved:
        if match := _BLOCK.match(name):
            stack = match['stack']
            depth[stack] = max(depth.get(stack, 0), int(match['index']) + 1)
    surplus = sorted(set(saved) - set(own))
    if surplus:
        raise ValueError(f'the saved model has {surplus[0]}, which this model lacks')
    grown = {}
    for name, tensor in own.items():
        if name in saved:
            if saved[name].shape != tensor.shape:
                raise ValueError(
                    f'{name} is {tuple(saved[name].shape)} in the saved model and '
                    f'{tuple(tensor.shape)} in this one'
                )
            grown[name] = saved[name]
            continue
        match = _BLOCK.match(name)
        if not match or int(match['index']) < depth.get(match['stack'], 0):
            raise ValueError(f'the saved model lacks {name}')
        closing = match['rest'].startswith(('attn.proj.', 'mlp.fc2.'))
        grown[name] = torch.zeros_like(tensor) if closing else tensor.clone()
    return grown

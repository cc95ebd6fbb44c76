"""Make world models from configurations, repeatably."""

from dataclasses import replace

from devrobot_interfaces_py.configs import ConfigError
from devrobot_world_model.config import WorldModelConfig
from devrobot_world_model.model.mae import WorldModel
import torch


def resolve_device(name: str) -> torch.device:
    """
    Return the device called ``name``; ``auto`` is a GPU where one is present.

    :raises ConfigError: if the device is asked for by name and absent.
    """
    if name == 'auto':
        return torch.device('cuda' if torch.cuda.is_available() else 'cpu')
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or device.type not in ('cpu', 'cuda'):
        raise ConfigError(f'unknown device {name!r}, use auto, cpu, cuda or cuda:N')
    if device.type == 'cuda' and not torch.cuda.is_available():
        raise ConfigError(f'device {name!r} was asked for, but there is no GPU: use device cpu')
    if device.type == 'cuda' and (device.index or 0) >= torch.cuda.device_count():
        raise ConfigError(
            f'device {name!r} was asked for, but there are {torch.cuda.device_count()} GPUs, '
            'counted from 0'
        )
    return device


def build_model(config: WorldModelConfig) -> WorldModel:
    """Return a freshly initialised model; equal seeds give equal weights."""
    if config.model.kind == 'decoder_only' and config.model.encoder_depth:
        config = replace(config, model=replace(config.model, encoder_depth=0))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        model = WorldModel(config)
    return model.to(resolve_device(config.device))

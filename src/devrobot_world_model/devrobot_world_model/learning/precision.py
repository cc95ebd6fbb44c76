"""Choose the arithmetic of a device."""

from contextlib import AbstractContextManager, nullcontext

from devrobot_interfaces_py.configs import ConfigError
import torch


def has_native_bf16(device: torch.device) -> bool:
    """Return whether ``device`` multiplies bf16 matrices in hardware."""
    if device.type == 'cuda':
        return torch.cuda.get_device_capability(device) >= (8, 0)
    return device.type == 'cpu' and torch.cpu._is_avx512_bf16_supported()


def uses_bf16(device: torch.device, precision: str) -> bool:
    """Return whether matrices are multiplied in bf16 with ``precision`` (auto, fp32, bf16)."""
    if precision not in ('auto', 'fp32', 'bf16'):
        raise ConfigError(f'unknown precision {precision!r}, use auto, fp32 or bf16')
    return precision == 'bf16' or (precision == 'auto' and has_native_bf16(device))


def autocast(device: torch.device, precision: str) -> AbstractContextManager:
    """Return the autocast context for ``precision`` (auto, fp32, bf16) on ``device``."""
    if uses_bf16(device, precision):
        return torch.autocast(device.type, dtype=torch.bfloat16)
    return nullcontext()

"""
How alike two pictures are: PSNR and SSIM.

Shapes: B pictures of H x W pixels and 3 channels, in 0..1.
"""

import torch
from torch import Tensor
from torch.nn import functional

WINDOW = 11
SIGMA = 1.5
K1, K2 = 0.01, 0.03


def psnr(mse: Tensor) -> Tensor:
    """Return the peak signal-to-noise ratio in dB of mean squared errors; inf for equal ones."""
    return -10.0 * torch.log10(mse)


def ssim(one: Tensor, other: Tensor) -> Tensor:
    """
    Return the (B,) structural similarity of (B, H, W, 3) pictures, 1 for equal ones.

    The mean over pixels and channels, with the Gaussian window of 11 pixels of Wang et al.,
    "Image quality assessment: from error visibility to structural similarity", IEEE TIP 2004.
    Pictures smaller than the window get one of their own size.
    """
    a, b = (picture.permute(0, 3, 1, 2).float() for picture in (one, other))
    rows, columns = (_kernel(min(WINDOW, side), a) for side in a.shape[2:])

    def blurred(values: Tensor) -> Tensor:
        channels = values.shape[1]
        tall = rows.view(1, 1, -1, 1).expand(channels, 1, -1, 1)
        wide = columns.view(1, 1, 1, -1).expand(channels, 1, 1, -1)
        return functional.conv2d(
            functional.conv2d(values, tall, groups=channels), wide, groups=channels
        )

    mean_a, mean_b = blurred(a), blurred(b)
    variance_a = blurred(a * a) - mean_a**2
    variance_b = blurred(b * b) - mean_b**2
    covariance = blurred(a * b) - mean_a * mean_b
    c1, c2 = K1**2, K2**2
    likeness = ((2 * mean_a * mean_b + c1) * (2 * covariance + c2)) / (
        (mean_a**2 + mean_b**2 + c1) * (variance_a + variance_b + c2)
    )
    return likeness.mean(dim=(1, 2, 3))


def _kernel(size: int, like: Tensor) -> Tensor:
    place = torch.arange(size, dtype=torch.float32, device=like.device) - (size - 1) / 2
    weights = torch.exp(-(place**2) / (2 * SIGMA**2))
    return weights / weights.sum()

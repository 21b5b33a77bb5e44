"""Gaussian blur and what is made of it: soft masks, and a background that does not show what was there.

picture or mask (B, C, H, W) -> the same shape. Kernel rule, soft mask and blurred-out background are those of
DeepFaceLab's SAEHD (2023 code).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def gaussian(x: Tensor, sigma: float) -> Tensor:
    """Gaussian blur; beyond the edge lies zero, so that bright edges darken (SAEHD).

    sigma: pixels. The kernel is max(3, int(4 sigma)) wide, made odd: it ends near two sigmas.
    """
    size = max(3, int(4 * sigma)) // 2 * 2 + 1
    reach = size // 2
    return filtered(F.pad(x, (reach,) * 4), gaussian_kernel(size, sigma))


def gaussian_kernel(size: int, sigma: float) -> Tensor:
    """(size,) with a sum of one, centred; an even one has its centre between two pixels."""
    at = torch.arange(size, dtype=torch.float32) - (size - 1) / 2
    return torch.softmax(-(at**2) / (2 * sigma**2), 0)


def filtered(x: Tensor, kernel: Tensor) -> Tensor:
    """x (B, C, H, W) with kernel (n,) along rows and columns, where it fits: (B, C, H - n + 1, W - n + 1), float32.

    The batch is folded into the channels: on a CPU, convolutions of one or three channels are up to ten times slower.
    """
    B, C, H, W = x.shape
    kernel = kernel.to(x.device)
    with torch.autocast(x.device.type, enabled=False):
        y = x.float().reshape(1, B * C, H, W)
        y = F.conv2d(y, kernel.view(1, 1, 1, -1).expand(B * C, 1, 1, -1), groups=B * C)
        y = F.conv2d(y, kernel.view(1, 1, -1, 1).expand(B * C, 1, -1, 1), groups=B * C)
    return y.view(B, C, *y.shape[2:])


def feathered(mask: Tensor) -> Tensor:
    """Mask (B, 1, S, S) 0..1 -> one inside, falling to zero outside over S / 32 pixels (SAEHD)."""
    return 2 * gaussian(mask, max(1, mask.shape[-1] // 32)).clamp(0, 0.5)


def blurred_out(picture: Tensor, mask: Tensor) -> Tensor:
    """Outside the mask, the mean of what is near and outside too; inside, the picture itself (SAEHD).

    The net then cannot learn from what lies outside, and its edge asks for no guess. picture (B, 3, S, S),
    mask (B, 1, S, S) 0..1.
    """
    sigma = mask.shape[-1] / 128  # SAEHD
    outside = 1 - mask.float()
    total = 1 - gaussian(mask, sigma)
    # float32 leaves some 1e-7 where a window lies wholly inside; the picture is kept there, any number serves
    total = torch.where(total.abs() < 1e-5, 1.0, total)
    return picture * mask + gaussian(picture * outside, sigma) / total * outside

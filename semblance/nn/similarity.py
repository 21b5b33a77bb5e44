"""Structural similarity (SSIM) and its losses on pictures (B, C, H, W) 0..1, per sample (B,).

SSIM: Wang et al. 2004; MS-SSIM: Wang et al. 2003; `saehd_structure`: DeepFaceLab SAEHD (2023 code).
Pictures under a mask are multiplied by it first, as SAEHD does, or weighted by a map.
"""

from __future__ import annotations

from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import InputError
from .blur import filtered, gaussian_kernel
from .samples import alike, averaged

LIGHT, SHAPE = 0.01**2, 0.03**2  # k1, k2 of Wang et al. for a range of 1
DEVIATION = 1.5  # of the Gaussian window, in pixels (Wang et al.); SAEHD keeps it whatever the window
SCALES = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # weights from fine to coarse (Wang et al. 2003)
SCALES_WINDOW = 11  # Wang et al. 2003


def quick_ssim(face: Tensor, truth: Tensor, window: int = 7, stride: int = 2) -> Tensor:
    """SSIM over uniform windows at every other pixel.

    Neighbouring windows share most of their pixels; every other one trains as well at a quarter of the cost. Means are
    two products with a band matrix: torch's pooling and its way back take twice as long on a processor.
    """
    a, b = (x.contiguous() for x in alike(face, truth))  # a product wants whole rows, nets give pixels
    _refuse_small(a, window)
    down, across = (_band(side, window, stride).to(a.device) for side in a.shape[2:])
    with torch.autocast(a.device.type, enabled=False):
        products = torch.cat([a, b, a * b, a * a + b * b], 1)
        light, shape = _ssim(down @ (products @ across.T))
    return averaged(light * shape)


@cache
def _band(side: int, window: int, stride: int) -> Tensor:
    """(windows, side): each row takes the mean of one window's pixels."""
    starts = torch.arange(0, side - window + 1, stride)[:, None]
    at = torch.arange(side)
    return ((at >= starts) & (at < starts + window)) / window


def dssim(face: Tensor, truth: Tensor, window: int = 11, weight: Tensor | None = None) -> Tensor:
    """Structural dissimilarity (1 - SSIM) / 2 over Gaussian windows that lie wholly in the picture.

    window: side in pixels, odd or even. weight: each window counts by the map's mean under it.
    """
    face, truth = alike(face, truth)
    light, shape = _maps(face, truth, window)
    if weight is not None:
        weight = filtered(weight, gaussian_kernel(window, DEVIATION))
    return averaged((1 - light * shape) / 2, weight)


def saehd_structure(face: Tensor, truth: Tensor, weight: Tensor | None = None) -> Tensor:
    """10 DSSIM; from 256 pixels on, 5 DSSIM with the same share of the picture as window and 5 with half of it."""
    side = face.shape[-1]
    windows = [int(side / 11.6)] if side < 256 else [int(side / 11.6), int(side / 23.2)]
    return sum(10 / len(windows) * dssim(face, truth, window, weight) for window in windows)


def ms_ssim(face: Tensor, truth: Tensor) -> Tensor:
    """SSIM over scales 1, 1/2 ... 1/16: structure at each, light at the coarsest; 1 - MS-SSIM is the loss.

    Scales on which the window no longer fits are left out and the other weights brought to a sum of one.
    """
    face, truth = alike(face, truth)
    side = min(face.shape[2:])
    weights = [share for level, share in enumerate(SCALES) if side // 2**level >= SCALES_WINDOW or level == 0]
    product = face.new_ones(face.shape[:2])
    for level, share in enumerate(weights):
        if level:
            face, truth = F.avg_pool2d(face, 2), F.avg_pool2d(truth, 2)
        light, shape = _maps(face, truth, SCALES_WINDOW)
        value = (light * shape if level == len(weights) - 1 else shape).mean((2, 3))
        # a negative mean has no root; at zero the root's slope has no end
        product = product * value.clamp_min(1e-6) ** (share / sum(weights))
    return averaged(product)


def _maps(face: Tensor, truth: Tensor, window: int) -> tuple[Tensor, Tensor]:
    """SSIM's maps of light and of contrast with structure, under Gaussian windows."""
    _refuse_small(face, window)
    products = torch.cat([face, truth, face * truth, face**2 + truth**2], 1)
    return _ssim(filtered(products, gaussian_kernel(window, DEVIATION)))


def _ssim(means: Tensor) -> tuple[Tensor, Tensor]:
    """Windows' means of a, b, a b and a a + b b (B, 4 C, H, W) -> light, contrast with structure (B, C, H, W).

    Of the squares only the sum is needed: it is averaged as one.
    """
    mean, wanted, shared, squares = means.chunk(4, 1)
    both, sizes = 2 * mean * wanted, mean**2 + wanted**2
    return (both + LIGHT) / (sizes + LIGHT), (2 * shared - both + SHAPE) / (squares - sizes + SHAPE)


def _refuse_small(x: Tensor, window: int) -> None:
    if not 1 <= window <= min(x.shape[2:]):
        raise InputError(
            f"An SSIM window of {window} pixels does not fit into pictures of {x.shape[-1]} x {x.shape[-2]}; "
            "give larger pictures or another window."
        )

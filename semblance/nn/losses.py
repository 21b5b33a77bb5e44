"""Pixel losses: how far a face (B, C, H, W) 0..1 is from the truth of the same shape, per sample (B,).

edges: faceswap-GAN 2.2 (2018 code); laplacian: Bojanowski et al. 2018 (GLO); frequencies: Jiang et al. 2021 (focal
frequency loss); style: DeepFaceLab SAEHD (2023 code).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from .blur import filtered, gaussian
from .samples import alike, averaged


def l1(face: Tensor, truth: Tensor, weight: Tensor | None = None) -> Tensor:
    """Mean absolute error."""
    face, truth = alike(face, truth)
    return averaged((face - truth).abs(), weight)


def l2(face: Tensor, truth: Tensor, weight: Tensor | None = None) -> Tensor:
    """Mean squared error."""
    face, truth = alike(face, truth)
    return averaged((face - truth) ** 2, weight)


def edges(face: Tensor, truth: Tensor, weight: Tensor | None = None) -> Tensor:
    """Mean difference of absolute slopes, down plus across (faceswap-GAN): how strong edges are, not which way."""
    face, truth = alike(face, truth)
    inner = None if weight is None else weight[..., :-1, :-1]
    return sum(averaged((a - b).abs(), inner) for a, b in zip(_slopes(face), _slopes(truth), strict=True))


def total_variation(x: Tensor) -> Tensor:
    """Mean absolute slope, down plus across (faceswap-GAN): keeps masks smooth."""
    return sum(averaged(slope) for slope in _slopes(x.float()))


def _slopes(x: Tensor) -> tuple[Tensor, Tensor]:
    """Absolute first differences down and across, on the (H - 1, W - 1) pixels that have both."""
    inner = x[..., :-1, :-1]
    return (x[..., 1:, :-1] - inner).abs(), (x[..., :-1, 1:] - inner).abs()


def laplacian(face: Tensor, truth: Tensor, weight: Tensor | None = None, levels: int = 5) -> Tensor:
    """Mean absolute error of each band of a Laplacian pyramid, added up; the last band is what remains, a tiny picture.

    Means make coarse bands weigh as much as fine ones: the factor 4 ** level that GLO gives to its sums. levels: bands
    above the last; fewer where the last would have less than 4 pixels a side.
    """
    face, truth = alike(face, truth)
    # a pyramid is linear: the bands of a difference are the differences of the bands
    x = face - truth
    binomial = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0]) / 16  # Burt and Adelson 1983
    total = x.new_zeros(len(x))
    for _ in range(levels):
        if min(x.shape[2:]) < 8:
            break
        coarse = filtered(F.pad(x, (2, 2, 2, 2), "replicate"), binomial)[..., ::2, ::2]
        band = x - F.interpolate(coarse, size=x.shape[2:], mode="bilinear")
        total = total + averaged(band.abs(), _resized(weight, band))
        x = coarse
    return total + averaged(x.abs(), _resized(weight, x))


def _resized(weight: Tensor | None, like: Tensor) -> Tensor | None:
    return None if weight is None else F.adaptive_avg_pool2d(weight.float(), like.shape[2:])


def frequencies(face: Tensor, truth: Tensor, weight: Tensor | None = None, focus: float = 1.0) -> Tensor:
    """Mean squared error of the spectra (orthonormal FFT), each frequency weighted by its own error ** focus.

    The weights of a channel's spectrum are divided by their maximum and bear no gradient (Jiang, eq. 8 and 9).
    weight multiplies both pictures instead of the error: a frequency has no place.
    """
    face, truth = alike(face, truth)
    difference = face - truth if weight is None else (face - truth) * weight.float()
    spectrum = torch.fft.fft2(difference, norm="ortho")
    error = spectrum.real**2 + spectrum.imag**2
    hard = error.detach() ** (focus / 2)
    # equal spectra have a maximum of zero: their error is zero under any weight
    return averaged(hard / hard.amax((2, 3), keepdim=True).clamp_min(1e-20) * error)


def style(face: Tensor, truth: Tensor) -> Tensor:
    """How far the mean and the spread of each channel of the blurred pictures are apart, squared (SAEHD).

    The blur's deviation is an eighth of the picture's side. Both are masked before (picture * mask); SAEHD multiplies
    by 100 times its face_style_power and lets no gradient into `truth`.
    """
    face, truth = alike(face, truth)
    (mean, spread), (wanted, wide) = (_statistics(gaussian(x, x.shape[-1] // 8)) for x in (face, truth))
    return ((mean - wanted) ** 2 + (spread - wide) ** 2).mean(1)


def _statistics(x: Tensor) -> tuple[Tensor, Tensor]:
    # the small number keeps the root's slope finite on a flat picture
    return x.mean((2, 3)), (x.var((2, 3), correction=0) + 1e-5).sqrt()

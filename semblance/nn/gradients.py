"""How alike the edges of two pictures are: a full-reference judgement near to people's.

Gradient magnitude similarity deviation: Xue et al. 2014. Softness and edges that are not there cost alike, a shift of
brightness nothing. Pictures (B, C, H, W) 0..1 -> per sample (B,): 0 alike, 0.35 about the worst.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from .samples import alike

FAINT = 170 / 255**2  # keeps flat areas alike (Xue et al., for levels of 0..255)
LUMA = (0.299, 0.587, 0.114)  # BT.601


def gradient_deviation(face: Tensor, truth: Tensor) -> Tensor:
    """Standard deviation over the picture of how alike its gradients' lengths are, at half the size (paper)."""
    face, truth = alike(face, truth)
    one, other = (_lengths(F.avg_pool2d(_luma(x), 2)) for x in (face, truth))
    similarity = (2 * one * other + FAINT) / (one**2 + other**2 + FAINT)
    return similarity.flatten(1).std(1, correction=0)


def _luma(x: Tensor) -> Tensor:
    return (x * x.new_tensor(LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True) if x.shape[1] == 3 else x


def _lengths(luma: Tensor) -> Tensor:
    """Lengths of Prewitt's gradients where its 3 x 3 window fits."""
    across = torch.tensor([[1.0, 0.0, -1.0]] * 3, device=luma.device) / 3
    kernels = torch.stack([across, across.T])[:, None]
    # the small number keeps the root's slope finite where nothing changes
    return (F.conv2d(luma, kernels).square().sum(1) + 1e-12).sqrt()

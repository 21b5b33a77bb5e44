"""Losses through the eyes of another network: its inner features, or its opinion who a face is. Per sample (B,).

perceptual: Johnson et al. 2016; with normalised features, faceswap-GAN 2.2 (2018 code); with VGG-19 and L1, FSGAN
(Nirkin et al. 2019). Networks to give: see features.py. Gradients reach `face` only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import InputError
from .samples import alike, averaged


def perceptual(
    face: Tensor,  # (B, 3, H, W) 0..1
    truth: Tensor,  # the same shape
    features: Callable[[Tensor], Sequence[Tensor]],  # pictures -> maps (B, C, h, w), fine to coarse
    weights: Sequence[float],  # one for each map
    power: Literal[1, 2] = 2,  # 1: mean absolute error (FSGAN), 2: mean squared error (faceswap-GAN)
    normalised: bool = False,  # every sample's map to mean 0 and deviation 1 over C, h and w together (faceswap-GAN)
) -> Tensor:
    """Weighted sum of the errors of the features. Raises InputError unless there are as many weights as maps."""
    face, truth = alike(face, truth)
    with torch.no_grad():
        wanted = features(truth.detach())
    if len(wanted) != len(weights):
        raise InputError(f"The network gives {len(wanted)} maps and {len(weights)} weights came; give one for each.")
    total = face.new_zeros(len(face))
    for weight, mine, theirs in zip(weights, features(face), wanted, strict=True):
        mine, theirs = mine.float(), theirs.float()
        if normalised:
            mine, theirs = F.group_norm(mine, 1), F.group_norm(theirs, 1)
        total = total + weight * averaged((mine - theirs).abs() ** power)
    return total


def identity(
    face: Tensor,  # (B, 3, H, W) 0..1
    person: Tensor,  # (D,) or (B, D): the vector that the face should have, e.g. the mean over a person's faceset
    embed: Callable[[Tensor], Tensor],  # pictures -> vectors (B, D)
    distance: Literal["cosine", "euclid"] = "cosine",
) -> Tensor:
    """How far a face is from a person: 1 - cosine, 0..2 (FaceShifter), or Euclid's distance (dlib: same below 0.6)."""
    vectors = embed(face.float()).float()
    person = person.detach().float().expand_as(vectors)
    if distance == "cosine":
        return 1 - F.cosine_similarity(vectors, person)
    return torch.linalg.vector_norm(vectors - person, dim=1)

"""Losses of a discriminator and of the generator that it judges: logits (B, ...) -> per sample (B,).

least squares: Mao et al. 2017; cross entropy: Goodfellow et al. 2014, the generator's in the form that does not
saturate; mixup: faceswap-GAN 2.2 (2018 code), whose discriminator sees blends and names their share of real.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch.nn.functional as F
from torch import Tensor

from .samples import averaged

Kind = Literal["least_squares", "cross_entropy"]


def judged(logits: Tensor, real: float, kind: Kind = "least_squares") -> Tensor:
    """How far the discriminator's logits are from the verdict `real`: 1 real, 0 made, between them a blend.

    The discriminator lowers judged(of real, 1) and judged(of made, 0), the generator judged(of made, 1); a mixup
    discriminator lowers judged(of a blend, share) alone.
    """
    logits = logits.float()
    wanted = logits.new_full((), real).expand_as(logits)
    if kind == "least_squares":
        return averaged((logits - wanted) ** 2)
    return averaged(F.binary_cross_entropy_with_logits(logits, wanted, reduction="none"))


def draw_share(chance: np.random.Generator, spread: float = 0.2) -> float:
    """The share of real in a blend, Beta(spread, spread): mostly near 0 or 1 (faceswap-GAN: 0.2, one for a batch)."""
    return float(chance.beta(spread, spread))


def blended(real: Tensor, made: Tensor, share: float) -> Tensor:
    """`share` of real pictures and the rest of made ones, of one shape; conditions are mixed with their pictures."""
    return share * real + (1 - share) * made

"""A discriminator of codes: is this the code of a target's face? It makes source codes look like target codes.

DeepFaceLab's CodeDiscriminator (2023 code, commit 46fc2397), the "true face" option of DF nets.
code (B, C, h, h) -> logits (B, 1, h', h').
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

BASE = 256


class CodeDiscriminator(nn.Module):
    """channels and side of the codes it judges; one strided layer more for every eight pixels of side."""

    def __init__(self, channels: int, side: int):
        super().__init__()
        widths = [channels, *(BASE * min(2**number, 8) for number in range(1 + side // 8))]
        self.layers = nn.ModuleList(
            # the first kernel is even, as published; padded by half of it, the answer grows by a pixel
            nn.Conv2d(before, after, 3 if number else 4, 2, padding=1 if number else 2)
            for number, (before, after) in enumerate(pairwise(widths))
        )
        self.answer = nn.Conv2d(widths[-1], 1, 1)

    def forward(self, code: Tensor) -> tuple[Tensor]:
        x = code.contiguous(memory_format=torch.channels_last)
        for layer in self.layers:
            x = F.leaky_relu(layer(x), 0.1)
        return (self.answer(x).float(),)

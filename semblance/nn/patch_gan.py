"""A discriminator that looks at patches and, back at full size, at every pixel: a small U-Net.

DeepFaceLab's UNetPatchDiscriminator (2023 code, commit 46fc2397), after Schoenfeld et al. 2020 (A U-Net based
discriminator). picture (B, 3, S, S) 0..1 -> logits (B, 1, h, h) of patches and (B, 1, S, S) of pixels.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import accumulate, pairwise, product

import torch
import torch.nn.functional as F
from torch import Tensor, nn

MOST_LAYERS = 9
WIDEST = 512


class PatchDiscriminator(nn.Module):
    """patch: pixels that one answer of the middle should see; base: channels of the first layer."""

    def __init__(self, patch: int, base: int):
        super().__init__()
        steps = strides(patch)
        widths = [base, *(min(base * 2 ** (number + 1), WIDEST) for number in range(len(steps)))]
        self.enter = nn.Conv2d(3, base, 1)
        self.down = nn.ModuleList(
            nn.Conv2d(*pair, 3, step, padding=1) for pair, step in zip(pairwise(widths), steps, strict=True)
        )
        self.patches = nn.Conv2d(widths[-1], 1, 1)
        self.centre = nn.Conv2d(widths[-1], widths[-1], 1)
        # what comes from below, joined by the features of the same size, but at the very bottom
        self.up = nn.ModuleList()
        for number in reversed(range(len(steps))):
            below = widths[number + 1] * (1 if number == len(steps) - 1 else 2)
            step = steps[number]
            self.up.append(nn.ConvTranspose2d(below, widths[number], 3, step, padding=1, output_padding=step - 1))
        self.pixels = nn.Conv2d(2 * base, 1, 1)

    def forward(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        x = F.leaky_relu(self.enter(picture.contiguous(memory_format=torch.channels_last)), 0.2)
        passed = []
        for layer in self.down:
            passed.append(x)
            x = F.leaky_relu(layer(x), 0.2)
        patches = self.patches(x)
        x = F.leaky_relu(self.centre(x), 0.2)
        for layer in self.up:
            beside = passed.pop()
            # an odd side comes back one pixel too large
            x = F.leaky_relu(layer(x), 0.2)[..., : beside.shape[2], : beside.shape[3]]
            x = torch.cat([x, beside], 1)
        return patches.float(), self.pixels(x).float()


@lru_cache
def strides(patch: int) -> tuple[int, ...]:
    """Strides of 3x3 layers, the first 2, that together see the number of pixels nearest to `patch`.

    Of equals, the smaller field, the fewest layers, then the most striding, early before late.
    """
    found = [(2, *rest) for count in range(MOST_LAYERS) for rest in product((1, 2), repeat=count)]
    return min(found, key=lambda s: (abs(field(s) - patch), field(s), len(s), -sum(s), [-step for step in s]))


def field(steps: tuple[int, ...]) -> int:
    """Pixels along a side that one output of 3x3 layers with these strides sees."""
    jumps = accumulate((1, *steps[:-1]), lambda so_far, step: so_far * step)
    return 1 + sum(2 * jump for jump in jumps)

"""Blocks of faceswap-GAN 2.2 (2018 code): self-attention, its one norm for all channels, upscaling, plain convolutions.

Maps (B, C, H, W). Self-attention: Zhang et al. 2018 (SAGAN). Upscaling by shuffled channels: Shi et al. 2016, begun as
Aitken et al. 2017 (ICNR) so that it starts without a checkerboard.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Norm(nn.Module):
    """Mean 0 and deviation 1 over channels and positions together, then one gain and one bias for the whole map.

    keras-contrib's InstanceNormalization without an axis is that; nn.InstanceNorm2d, channel by channel, is not.
    """

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(1))
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        # keras-contrib adds 1e-3 to the deviation: 1e-6 to the variance comes to the same for flat maps
        return F.group_norm(x, 1, eps=1e-6) * self.gain.to(x.dtype) + self.bias.to(x.dtype)


class SelfAttention(nn.Module):
    """x + gate * what each position reads from all others; the gate begins shut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.key, self.query = (glorot(nn.Conv2d(channels, channels // 8, 1)) for _ in range(2))
        self.value = glorot(nn.Conv2d(channels, channels, 1))
        self.gate = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = (
            part(x).flatten(2).transpose(1, 2)[:, None]  # (B, 1, H W, C): one head
            for part in (self.query, self.key, self.value)
        )
        # scale 1: SAGAN does not divide by the root of the width
        read = F.scaled_dot_product_attention(query, key, value, scale=1.0)
        return x + self.gate.to(x.dtype) * read[:, 0].transpose(1, 2).unflatten(2, x.shape[2:])


class Residual(nn.Module):
    """Two convolutions beside a straight way, without norm."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.one, self.two = (he_normal(nn.Conv2d(width, width, 3, 1, 1, bias=False)) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        return F.leaky_relu(x + self.two(F.leaky_relu(self.one(x), 0.2)), 0.2)


def block(before: int, after: int, stride: int = 2, norm: bool = True) -> nn.Sequential:
    """Convolution 3x3, activation, and only then the norm."""
    layers = [he_normal(nn.Conv2d(before, after, 3, stride, 1, bias=False)), nn.ReLU()]
    return nn.Sequential(*layers, *([Norm()] if norm else []))


def judge_block(before: int, after: int, norm: bool = True) -> nn.Sequential:
    """A discriminator's convolution 4x4 of stride 2, activation, norm."""
    layers = [he_normal(nn.Conv2d(before, after, 4, 2, 1, bias=False)), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, *([Norm()] if norm else []))


def conv(before: int, after: int, kernel: int, bias: bool = True) -> nn.Conv2d:
    """Convolution of stride 1 that keeps the size, without activation."""
    return glorot(nn.Conv2d(before, after, kernel, padding="same", bias=bias))


def upscale_shuffle(before: int, after: int) -> nn.Sequential:
    """Convolution 3x3 to four times the channels, activation, norm, channels shuffled into twice the size."""
    grow = nn.Conv2d(before, 4 * after, 3, 1, 1)
    with torch.no_grad():
        # the four channels that become neighbouring pixels begin alike (ICNR); the deviation is the 2018 code's
        grow.weight.copy_(torch.randn(after, before, 3, 3).mul(0.02).repeat_interleave(4, 0))
    nn.init.zeros_(grow.bias)
    return nn.Sequential(grow, nn.LeakyReLU(0.2), Norm(), nn.PixelShuffle(2))


def upscale_nearest(before: int, after: int) -> nn.Sequential:
    """Pixels doubled, edge reflected, convolution 3x3, norm: the "lite" way, without an activation."""
    grow = he_normal(nn.Conv2d(before, after, 3))
    nn.init.zeros_(grow.bias)
    return nn.Sequential(nn.Upsample(scale_factor=2), nn.ReflectionPad2d(1), grow, Norm())


def glorot(layer: nn.Module) -> nn.Module:
    """Keras' default beginning: that of all layers for which the 2018 code names none."""
    nn.init.xavier_uniform_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def he_normal(layer: nn.Conv2d) -> nn.Conv2d:
    """The 2018 code's beginning for convolutions in blocks."""
    nn.init.kaiming_normal_(layer.weight)
    return layer

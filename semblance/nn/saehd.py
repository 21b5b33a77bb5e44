"""Blocks of DeepFaceLab's SAEHD, of which its DF and LIAE nets are built: encoder, inter, decoder with a mask branch.

iperov/DeepFaceLab, 2023 code (commit 46fc2397), DeepFakeArchi; its option letters: u = pixel_norm, d = half_decoder,
t = deep, c = cosine. crop (B, 3, S, S) RGB 0..1 -> vector (B, n) -> code (B, C, h, h) -> face (B, 3, S, S) and mask
(B, 1, S, S), both 0..1. Colours are RGB here, BGR there: the nets do not care.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

if TYPE_CHECKING:
    from .saehd_config import SaehdConfig


class Drawn(NamedTuple):
    """What a net draws of one batch; faces (B, 3, S, S), masks (B, 1, S, S), all 0..1."""

    source: Tensor
    target: Tensor
    source_mask: Tensor
    target_mask: Tensor
    source_code: Tensor
    target_code: Tensor
    swap_code: Tensor  # from which the target's crop is drawn as the source


class Encoder(nn.Module):
    """Crop (B, 3, S, S) -> flat vector (B, 8e (S / 16)^2), a quarter of that in the deep net."""

    def __init__(self, config: SaehdConfig):
        super().__init__()
        e, cosine = config.encoder, config.cosine
        widths = (3, e, 2 * e, 4 * e, 8 * e) + ((8 * e,) if config.deep else ())
        layers: list[nn.Module] = []
        for number, (before, after) in enumerate(pairwise(widths)):
            layers.append(Down(before, after, cosine))
            if config.deep and number in (0, len(widths) - 2):
                layers.append(Res(after, cosine))
        self.layers = nn.Sequential(*layers)
        self.pixel_norm = config.pixel_norm

    def forward(self, crop: Tensor) -> Tensor:
        vector = self.layers(crop.contiguous(memory_format=torch.channels_last)).flatten(1)
        return pixel_normed(vector) if self.pixel_norm else vector


def pixel_normed(x: Tensor) -> Tensor:
    """x (B, n) divided by the root mean square over its whole vector."""
    x = x.float()  # a mean over ten thousand squares
    return x * torch.rsqrt(x.square().mean(1, keepdim=True) + 1e-6)


class Inter(nn.Module):
    """Vector (B, n) -> code (B, channels, h, h), h = config.code_side; two dense layers without activation."""

    def __init__(self, config: SaehdConfig, channels: int):
        super().__init__()
        self.side = config.dense_side
        self.squeeze = nn.Linear(config.vector, config.code)
        self.expand = nn.Linear(config.code, self.side**2 * channels)
        self.up = nn.Identity() if config.deep else Up(channels, channels, config.cosine)

    def forward(self, vector: Tensor) -> Tensor:
        x = self.expand(self.squeeze(vector)).unflatten(1, (-1, self.side, self.side))
        return self.up(x.contiguous(memory_format=torch.channels_last))


class Decoder(nn.Module):
    """Code (B, channels, h, h) -> face (B, 3, S, S) and mask (B, 1, S, S), both 0..1, by branches of their own."""

    def __init__(self, config: SaehdConfig, channels: int):
        super().__init__()
        n, m, cosine = config.decoder, config.mask_decoder, config.cosine
        steps = (8, 8, 4, 2) if config.deep else (8, 4, 2)
        widths = (channels, *(n * step for step in steps))
        self.face = nn.Sequential(
            *(layer for pair in pairwise(widths) for layer in (Up(*pair, cosine), Res(pair[1], cosine)))
        )
        self.colours = FineHead(2 * n) if config.half_decoder else nn.Conv2d(2 * n, 3, 1)
        widths = (channels, *(m * step for step in steps)) + ((m,) if config.half_decoder else ())
        self.mask = nn.Sequential(*(Up(*pair, cosine) for pair in pairwise(widths)), nn.Conv2d(widths[-1], 1, 1))

    def forward(self, code: Tensor) -> tuple[Tensor, Tensor]:
        # bfloat16 has 8 bits of mantissa: colours that came out of it would be banded
        return torch.sigmoid(self.colours(self.face(code)).float()), torch.sigmoid(self.mask(code).float())


class FineHead(nn.Module):
    """Features (B, C, h, h) -> colours (B, 3, 2h, 2h): four convolutions, one for each pixel of a 2x2 square.

    In order: even row and even column, even and odd, odd and even, odd and odd. The first looks at its own pixel only.
    """

    def __init__(self, channels: int):
        super().__init__()
        self.corners = nn.ModuleList(nn.Conv2d(channels, 3, side, padding="same") for side in (1, 3, 3, 3))

    def forward(self, x: Tensor) -> Tensor:
        # as one convolution, which reads its large input once; the lone 1x1 is a 3x3 with an empty rim
        first, *others = self.corners
        weight = torch.cat([F.pad(first.weight, (1, 1, 1, 1)), *(corner.weight for corner in others)])
        y = F.conv2d(x, weight, torch.cat([corner.bias for corner in self.corners]), padding=1)
        # pixel_shuffle wants the four pixels of a colour side by side, not the three colours of a pixel
        return F.pixel_shuffle(y.unflatten(1, (4, 3)).transpose(1, 2).flatten(1, 2), 2)


class Down(nn.Module):
    """Convolution 5x5 of stride 2."""

    def __init__(self, before: int, after: int, cosine: bool):
        super().__init__()
        self.convolution = nn.Conv2d(before, after, 5, 2, 2)
        self.cosine = cosine

    def forward(self, x: Tensor) -> Tensor:
        return activation(self.convolution(x), 0.1, self.cosine)


class Up(nn.Module):
    """Convolution 3x3 to four times the channels, activation, then channels shuffled into twice the size."""

    def __init__(self, before: int, after: int, cosine: bool):
        super().__init__()
        self.convolution = nn.Conv2d(before, 4 * after, 3, padding=1)
        self.cosine = cosine

    def forward(self, x: Tensor) -> Tensor:
        return F.pixel_shuffle(activation(self.convolution(x), 0.1, self.cosine), 2)


class Res(nn.Module):
    """Two convolutions 3x3 beside a way past them."""

    def __init__(self, channels: int, cosine: bool):
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        self.cosine = cosine

    def forward(self, x: Tensor) -> Tensor:
        y = self.second(activation(self.first(x), 0.2, self.cosine))
        return activation(x + y, 0.2, self.cosine)


def activation(x: Tensor, slope: float, cosine: bool) -> Tensor:
    """Leaky ReLU, or x cos(x)."""
    return x * torch.cos(x) if cosine else F.leaky_relu(x, slope)


def begin(net: nn.Module) -> None:
    """Fresh weights: Glorot uniform, biases zero (the Keras defaults that SAEHD takes over)."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            nn.init.zeros_(module.bias)


def start_from(net: nn.Module, weights: dict[str, Tensor], pretrained: bool) -> list[str]:
    """Take over an earlier run's weights where a net has the same; returns the names that begin fresh.

    pretrained: the earlier run learned from many people. Its inter is then left out, as on leaving SAEHD's pretraining:
    encoder and decoders know faces, who is who is learned anew. A discriminator that is new begins fresh too.
    Optimisers and the count of samples should also begin anew.
    """
    own = net.state_dict()
    taken = {
        name: value
        for name, value in weights.items()
        if name in own and own[name].shape == value.shape and not (pretrained and name.startswith("inter"))
    }
    net.load_state_dict(taken, strict=False)
    return [name for name in own if name not in taken]


def columns(swap: Callable[[Tensor, str], tuple[Tensor, Tensor]], examples: dict[str, Tensor]) -> dict[str, Tensor]:
    """Columns of a preview sheet by title; the last shows what a merge would: where both masks agree, the swap."""
    source, target = examples["source"], examples["target"]
    swapped, mask = swap(target, "source")
    rebuilt, own_mask = swap(target, "target")
    place = mask * own_mask
    return {
        "source": source,
        "source rebuilt": swap(source, "source")[0],
        "target": target,
        "target rebuilt": rebuilt,
        "target as source": swapped,
        "both masks": place,
        "laid in": target + (swapped - target) * place,
    }

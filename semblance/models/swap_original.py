"""The original face swapper: one encoder for both people, a decoder for each; a swap is the other person's decoder.

u/deepfakes and the faceswap project, December 2017 (no paper; "paper" below means that code).
crop (B, 3, S, S) RGB 0..1 -> face (B, 3, S, S) RGB 0..1. Preset `paper` is the published 64 px net to the parameter;
`small` is ours, for minutes on a laptop; `tiny` is for tests.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import Field, model_validator
from torch import Tensor, nn

from ..faceset.augment import AugmentOptions
from ..nn.similarity import quick_ssim
from ..options import Options
from . import Moment, Phase

PAPER = "u/deepfakes and faceswap, 2017, code only"


class Config(Options):
    """Sizes of the net and how it is trained; the defaults are the paper's."""

    size: int = Field(64, ge=16, le=512)
    """side of the network's picture in pixels (paper: 64)"""
    coverage: float = Field(0.625, gt=0.1, le=1)
    """share of the stored crop's side that the network sees (paper: 160 of 256 px)"""
    encoder: tuple[int, ...] = (128, 256, 512, 1024)
    """channels of the strided convolutions (paper)"""
    code: int = 1024
    """width of the dense layer in the middle (paper)"""
    shared: int = 512
    """channels of the upscaled code that both people share (paper)"""
    decoder: tuple[int, ...] = (256, 128, 64)
    """channels after each upscale of a decoder (paper)"""
    fine_head: bool = True
    """last convolution at full size (paper); otherwise at half size, its channels shuffled into pixels"""
    structure: float = Field(0.0, ge=0)
    """weight of structural dissimilarity (1 - SSIM) / 2 beside the mean absolute error (paper: none)"""
    match: float = Field(0.0, ge=0)
    """weight of drawing the source from the target's picture where both make the same expression (paper: none)"""
    batch: int = Field(64, ge=1)
    """pictures per side and step (paper: 64)"""
    learning_rate: float = Field(5e-5, gt=0)
    """Adam (paper: 5e-5)"""
    betas: tuple[float, float] = (0.5, 0.999)
    """Adam (paper)"""
    epsilon: float = Field(1e-7, gt=0)
    """Adam (the paper's Keras default)"""
    schedule: Literal["constant", "cosine"] = "constant"
    """how the learning rate runs to the end (paper: constant)"""
    ema_samples: int = Field(20_000, ge=0)
    """half-life of the averaged weights, in samples; 0: no average"""
    augment: AugmentOptions = AugmentOptions()
    """how training pictures are moved, bent and tinted"""

    @model_validator(mode="after")
    def _fits_together(self) -> Config:
        if self.size % 2 ** len(self.encoder):
            raise ValueError(f"size must be a multiple of {2 ** len(self.encoder)}, for its strided convolutions")
        upscales = len(self.encoder) - (1 if self.fine_head else 2)
        if len(self.decoder) != upscales:
            raise ValueError(f"decoder must name {upscales} widths, so that the face comes out as large as it went in")
        return self


CALM = AugmentOptions(rotation=3, zoom=0.03, shift=0.01, flip=0, warp=4 / 256, light=0.1, tint=0.02)
"""For runs of minutes. Crops are aligned by their landmarks: a net need not learn placements that it will never meet.
Ranges half as wide as the paper's were worth 4 dB after the same two minutes."""

PRESETS = {
    "tiny": Config(
        size=32, coverage=0.8, encoder=(16, 32, 48), code=64, shared=32, decoder=(24,), fine_head=False,
        structure=0.5, match=1.0, batch=8, learning_rate=3e-3, betas=(0.9, 0.99), schedule="cosine", ema_samples=500,
        augment=CALM,
    ),
    # Three minutes on two cores with bf16 are 26,000 faces: small steps of few faces, narrow layers, large learning
    # rate. Steps of 6 a side keep the processor at 70 % of its float32 matrix speed; of 4, at 55 %.
    # Structure weighs twice the mean error: mean error alone is content with smooth eyes and teeth.
    # Pairs of one expression on top: from 75 faces a side the plain net learned a mouth that shut when the plate's
    # opened (correlation -0.97 after 90 s); with them it follows (0.95 after 120 s).
    # Sees chin and most of the forehead, as the merge needs them; no layer at full size, where each would cost most.
    "small": Config(
        size=96, coverage=0.8, encoder=(32, 64, 128, 192), code=256, shared=96, decoder=(64, 48), fine_head=False,
        structure=2.0, match=1.0, batch=6, learning_rate=1e-3, betas=(0.9, 0.99), schedule="cosine", ema_samples=4000,
        augment=CALM,
    ),
    "paper": Config(),
}  # fmt: skip


class Net(nn.Module):
    """Encoder and the two decoders."""

    def __init__(self, config: Config):
        super().__init__()
        self.encoder = Encoder(config)
        self.source = decoder(config)
        self.target = decoder(config)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.xavier_uniform_(module.weight)  # Keras' glorot_uniform (paper)
                nn.init.zeros_(module.bias)
        self.to(memory_format=torch.channels_last)

    def forward(self, source: Tensor, target: Tensor, swapped: bool = False) -> tuple[Tensor, ...]:
        """Reconstruct crops of both people, each (B, 3, S, S), with their own decoders; one pass of the encoder.

        swapped: a third picture, the target's crop as the source.
        """
        codes = self.encoder(torch.cat([source, target]))
        target_codes = codes[len(source) :]
        if not swapped:
            return self.source(codes[: len(source)]), self.target(target_codes)
        both = self.source(codes)
        return both[: len(source)], self.target(target_codes), both[len(source) :]


class Encoder(nn.Module):
    """Crop (B, 3, S, S) -> shared code (B, C, h, h), h = S / 2 ** (strided convolutions - 1)."""

    def __init__(self, config: Config):
        super().__init__()
        widths = (3, *config.encoder)
        self.side = config.size // 2 ** len(config.encoder)
        flat = config.encoder[-1] * self.side**2
        self.down = nn.Sequential(*(shrink(*pair) for pair in pairwise(widths)))
        self.squeeze = nn.Linear(flat, config.code)
        self.expand = nn.Linear(config.code, flat)
        self.up = upscale(config.encoder[-1], config.shared)

    def forward(self, crop: Tensor) -> Tensor:
        x = self.down(crop.contiguous(memory_format=torch.channels_last))
        x = self.expand(self.squeeze(x.flatten(1)))
        x = x.unflatten(1, (-1, self.side, self.side))
        return self.up(x.contiguous(memory_format=torch.channels_last))


def decoder(config: Config) -> nn.Sequential:
    """Shared code (B, C, h, h) -> face (B, 3, S, S) in 0..1."""
    widths = (config.shared, *config.decoder)
    return nn.Sequential(*(upscale(*pair) for pair in pairwise(widths)), Head(widths[-1], config.fine_head))


def shrink(before: int, after: int) -> nn.Sequential:
    """Convolution 5x5 of stride 2."""
    return nn.Sequential(nn.Conv2d(before, after, 5, 2, 2), nn.LeakyReLU(0.1))


def upscale(before: int, after: int) -> nn.Sequential:
    """Convolution 3x3 to four times the channels, activation, then channels shuffled into twice the size (paper)."""
    return nn.Sequential(nn.Conv2d(before, 4 * after, 3, 1, 1), nn.LeakyReLU(0.1), nn.PixelShuffle(2))


class Head(nn.Module):
    """Features -> colours in 0..1."""

    def __init__(self, channels: int, fine: bool):
        super().__init__()
        self.colours = nn.Conv2d(channels, 3 if fine else 12, 5 if fine else 3, padding="same")
        self.shuffle = nn.Identity() if fine else nn.PixelShuffle(2)

    def forward(self, x: Tensor) -> Tensor:
        # bfloat16 has 8 bits of mantissa: colours that came out of it would be banded
        return torch.sigmoid(self.shuffle(self.colours(x)).float())


def phases(net: Net, config: Config) -> list[Phase]:
    """One phase: everything learns to reconstruct. The paper alternates one step of A and one of B; here both sides
    share a step, which is the same gradient for the decoders and their sum for the encoder."""

    def summed(net: nn.Module, batch: dict[str, Tensor], moment: Moment) -> dict[str, Tensor]:
        return losses(net, batch, config.structure, config.match)

    return [Phase("swap", list(net.parameters()), summed, config.learning_rate, config.betas, config.epsilon)]


def losses(net: nn.Module, batch: dict[str, Tensor], structure: float = 0.0, match: float = 0.0) -> dict[str, Tensor]:
    """Reconstruction losses by side; their sum is what a step lowers.

    batch: "source" and "target" are warped crops (B, 3, S, S), "source_truth" and "target_truth" what should come out.
    match: weight of the swap itself, for batches whose rows show the same expression on both sides. From a few dozen
    faces a side the encoder otherwise sorts people, not expressions: a shut mouth becomes an open one.
    """
    source, target, *swapped = net(batch["source"], batch["target"], match > 0)
    found = {
        "source": reconstruction(source, batch["source_truth"], structure),
        "target": reconstruction(target, batch["target_truth"], structure),
    }
    if swapped:
        found["match"] = match * reconstruction(swapped[0], batch["source_truth"], structure)
    return found


def reconstruction(face: Tensor, truth: Tensor, structure: float) -> Tensor:
    """Mean absolute error (paper), plus `structure` times structural dissimilarity (1 - SSIM) / 2."""
    error = F.l1_loss(face, truth)
    return error + structure * (1 - quick_ssim(face, truth).mean()) / 2 if structure else error


def swap(net: Net, crops: Tensor, to: Literal["source", "target"] = "source") -> tuple[Tensor, None]:
    """Crops (B, 3, S, S) RGB 0..1 of anyone -> the same pose and expression with the face of `to`, (B, 3, S, S).

    The second is the mask that other models draw.
    """
    return {"source": net.source, "target": net.target}[to](net.encoder(crops)), None


def preview(net: Net, examples: dict[str, Tensor]) -> dict[str, Tensor]:
    """Columns of a preview sheet by title; examples: "source" and "target" (B, 3, S, S), unwarped crops."""
    source, target = examples["source"], examples["target"]
    return {
        "source": source,
        "source rebuilt": swap(net, source, "source")[0],
        "target": target,
        "target rebuilt": swap(net, target, "target")[0],
        "target as source": swap(net, target, "source")[0],
    }

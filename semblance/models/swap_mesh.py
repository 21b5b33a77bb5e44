"""The mesh swapper: faces are flattened onto one mesh before anything is learned, so a net learns only what is left.

Semblance, 2026. In mesh space (faces/mesh_space.py) all faces lie pixel on pixel: pose, form and expression's geometry
are gone. Each person has a mean texture; a shared encoder and one decoder a person (the classic recipe, December 2017)
learn the rest as a residual on it: gaze, teeth, wrinkles, light. The encoder sees how a face differs from its own
person's mean, and is told the expression in numbers read from the landmarks (faces/expression.py): from a few dozen
faces it would otherwise sort people instead of moments. What a face never changes (pores, brows, stubble) is laid on
top at twice the size from the mean texture, so nothing of it is to be learned.

texture (B, 3, S, S) RGB 0..1, expression (B, K) -> texture (B, 3, S, S); `detailed` brings it to twice the size.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field, model_validator
from torch import Tensor, nn

from ..faces.expression import SIZE as EXPRESSION
from ..faces.mesh_space import hole_triangles
from ..faces.wrap import texels
from ..nn.similarity import quick_ssim
from ..options import Options
from . import Moment, Phase
from .swap_original import shrink, upscale

PAPER = "Semblance, 2026"
SPACE = "mesh"
"""This model sees faces unwrapped into mesh space, not crops."""


class Config(Options):
    """Sizes of the net and how it is trained; all numbers are ours."""

    size: int = Field(128, ge=32, le=512)
    """side of the texture that is learned, in texels; the result has twice as many"""
    encoder: tuple[int, ...] = (32, 64, 96, 128)
    """channels of the strided convolutions"""
    code: int = Field(128, ge=4)
    """width of the dense layer in the middle"""
    decoder: tuple[int, ...] = (96, 64, 48)
    """channels after each upscale of a decoder; the last convolution shuffles its channels into pixels"""
    structure: float = Field(2.0, ge=0)
    """weight of structural dissimilarity (1 - SSIM) / 2 beside the mean absolute error"""
    match: float = Field(1.0, ge=0)
    """weight of drawing the source from the target's texture where both make the same expression"""
    features: float = Field(3.0, ge=0)
    """how much more eyes and the mouth count than skin"""
    batch: int = Field(6, ge=1)
    """textures per side and step"""
    learning_rate: float = Field(1e-3, gt=0)
    """Adam's step size"""
    betas: tuple[float, float] = (0.9, 0.99)
    """Adam's memory: short, for runs of minutes"""
    epsilon: float = Field(1e-7, gt=0)
    """Adam's guard against division by zero"""
    schedule: Literal["constant", "cosine"] = "cosine"
    """how the learning rate runs to the end"""
    ema_samples: int = Field(4000, ge=0)
    """half-life of the averaged weights, in samples; 0: no average"""
    bare: bool = True
    """whether what stands before a face (glasses, a fringe, a hand) is left out of what is learned"""
    light: float = Field(0.15, ge=0, lt=1)
    """largest change of an input texture's light from one side to the other, as a share: the output's stays"""
    shift: float = Field(1.0, ge=0)
    """largest shift of an input texture, in texels: landmarks are that unsure"""

    @model_validator(mode="after")
    def _fits_together(self) -> Config:
        if self.size % 2 ** len(self.encoder):
            raise ValueError(f"size must be a multiple of {2 ** len(self.encoder)}, for its strided convolutions")
        if len(self.decoder) != len(self.encoder) - 1:
            raise ValueError(f"decoder must name {len(self.encoder) - 1} widths, one fewer than the encoder")
        return self


PRESETS = {
    "tiny": Config(
        size=32, encoder=(12, 16, 24), code=24, decoder=(16, 12), batch=4, learning_rate=3e-3, ema_samples=500
    ),
    "small": Config(),
    "medium": Config(size=192, encoder=(32, 64, 96, 128), decoder=(128, 80, 48), code=160),
    "large": Config(size=256, encoder=(32, 64, 96, 128, 128), decoder=(128, 96, 64, 48), code=192),
}  # fmt: skip


class Net(nn.Module):
    """Shared encoder, a decoder for each person, and what is known of both from the start.

    Buffers: *_mean (3, 2 S, 2 S) mean textures, *_rest (K,) their expressions at rest, weight (1, S, S) what counts.
    """

    def __init__(self, config: Config):
        super().__init__()
        self.size, self.features = config.size, config.features
        self.encoder = Encoder(config)
        self.source = Decoder(config)
        self.target = Decoder(config)
        for person in ("source", "target"):
            self.register_buffer(f"{person}_mean", torch.full((3, 2 * config.size, 2 * config.size), 0.5))
            self.register_buffer(f"{person}_rest", torch.zeros(EXPRESSION))
        self.register_buffer("weight", torch.ones(1, config.size, config.size))
        self.to(memory_format=torch.channels_last)

    def mean(self, person: str) -> Tensor:
        """(1, 3, S, S) mean texture of "source" or "target" at the learned size."""
        return F.avg_pool2d(getattr(self, f"{person}_mean")[None], 2)

    def encode(self, textures: Tensor, expression: Tensor, person: str, mean: Tensor | None = None) -> Tensor:
        """What is not the person: textures (B, 3, S, S) of `person`, expression (B, K) -> code."""
        mean = self.mean(person) if mean is None else mean
        return self.encoder(textures - mean, expression - getattr(self, f"{person}_rest"))

    def draw(self, code: Tensor, person: str, mean: Tensor | None = None) -> Tensor:
        """Code -> texture (B, 3, S, S), not yet limited to 0..1."""
        return (self.mean(person) if mean is None else mean) + getattr(self, person)(code).float()

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Both people redrawn as themselves, the target's textures drawn as the source ("swapped"), and the weight.

        A batch of many people brings the mean texture of each row, "source_mean" and "target_mean" (B, 3, S, S).
        """
        source_mean, target_mean = batch.get("source_mean"), batch.get("target_mean")
        one = self.encode(batch["source"], batch["source_expression"], "source", source_mean)
        other = self.encode(batch["target"], batch["target_expression"], "target", target_mean)
        twice = None if source_mean is None else torch.cat([source_mean, source_mean])
        both = self.draw(torch.cat([one, other]), "source", twice)
        return {
            "source": both[: len(one)],
            "swapped": both[len(one) :],
            "target": self.draw(other, "target", target_mean),
            "weight": self.weight,
        }


class Encoder(nn.Module):
    """Difference from the mean (B, 3, S, S) and expression (B, K) -> code (B, C, h, h)."""

    def __init__(self, config: Config):
        super().__init__()
        widths = (3, *config.encoder)
        self.side, self.last = config.size // 2 ** len(config.encoder), config.encoder[-1]
        flat = self.last * self.side**2
        self.down = nn.Sequential(*(shrink(*pair) for pair in pairwise(widths)))
        self.squeeze = nn.Linear(flat, config.code)
        self.told = nn.Sequential(nn.Linear(EXPRESSION, 64), nn.LeakyReLU(0.1), nn.Linear(64, config.code))
        self.expand = nn.Linear(config.code, flat)

    def forward(self, difference: Tensor, expression: Tensor) -> Tensor:
        x = self.down(difference.contiguous(memory_format=torch.channels_last) * 4)
        code = F.leaky_relu(self.squeeze(x.flatten(1)) + self.told(expression), 0.1)
        x = self.expand(code).unflatten(1, (self.last, self.side, self.side))
        return x.contiguous(memory_format=torch.channels_last)


class Decoder(nn.Module):
    """Code (B, C, h, h) -> residual (B, 3, S, S); zero before it has learned anything."""

    def __init__(self, config: Config):
        super().__init__()
        widths = (config.encoder[-1], *config.decoder)
        self.up = nn.Sequential(*(upscale(*pair) for pair in pairwise(widths)))
        self.colours = nn.Conv2d(widths[-1], 12, 3, 1, 1)
        nn.init.normal_(self.colours.weight, 0, 1e-3)
        nn.init.zeros_(self.colours.bias)

    def forward(self, code: Tensor) -> Tensor:
        return F.pixel_shuffle(self.colours(self.up(code)), 2)


def acquaint(net: Net, material) -> None:
    """Give a new net its two people: mean textures, expressions at rest, and what of a face counts."""
    for name, person in (("source", material.source), ("target", material.target)):
        mean = torch.from_numpy(person.mean).permute(2, 0, 1).float() / 255
        getattr(net, f"{name}_mean").copy_(mean)
        getattr(net, f"{name}_rest").copy_(torch.from_numpy(person.rest))
    net.weight.copy_(torch.from_numpy(importance(net.size, net.features))[None])


def begin_with(net: Net, base: dict[str, Tensor]) -> None:
    """Take over what was learned from many people: the encoder, and one decoder for both."""
    net.encoder.load_state_dict(
        {name.removeprefix("encoder."): v for name, v in base.items() if name[:8] == "encoder."}
    )
    for decoder in (net.source, net.target):
        decoder.load_state_dict(
            {name.removeprefix("decoder."): v for name, v in base.items() if name[:8] == "decoder."}
        )


def importance(size: int, features: float) -> np.ndarray:
    """(size, size) float32: 1 for skin, 1 + features for eyes and the mouth, 0 beyond the rim."""
    table = texels(size)
    holes = np.isin(table.triangle, np.concatenate(list(hole_triangles().values()))).astype(np.float32)
    reach = max(size // 24, 1)  # lids and lips move with what is between them
    holes = cv2.dilate(holes, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8))
    return (1 + features * cv2.blur(holes, (reach, reach))) * table.inside


def phases(net: Net, config: Config) -> list[Phase]:
    """One phase: everything learns to reconstruct."""

    def summed(net: nn.Module, batch: dict[str, Tensor], moment: Moment) -> dict[str, Tensor]:
        return losses(net, batch, config)

    return [Phase("swap", list(net.parameters()), summed, config.learning_rate, config.betas, config.epsilon)]


def losses(net: nn.Module, batch: dict[str, Tensor], config: Config) -> dict[str, Tensor]:
    """Reconstruction losses by side, over what can be seen of each face; rows of the two sides show one expression.

    batch: "source", "target" textures (B, 3, S, S) as they are shown to the net, "*_truth" as they should come out,
    "*_seen" (B, 1, S, S), "*_expression" (B, K).
    """
    drawn = net(batch)
    source_seen, target_seen = (batch[f"{name}_seen"] * drawn["weight"] for name in ("source", "target"))
    found = {
        "source": _error(drawn["source"], batch["source_truth"], source_seen, config.structure),
        "target": _error(drawn["target"], batch["target_truth"], target_seen, config.structure),
    }
    if config.match:
        found["match"] = config.match * _error(drawn["swapped"], batch["source_truth"], source_seen, config.structure)
    return found


def _error(drawn: Tensor, truth: Tensor, where: Tensor, structure: float) -> Tensor:
    """Weighted mean absolute error plus structural dissimilarity of what is seen; the rest is laid equal."""
    error = ((drawn - truth).abs() * where).sum() / (3 * where.sum()).clamp(min=1)
    shown = truth + (drawn - truth) * (where > 0.25)
    return error + structure * (1 - quick_ssim(shown, truth).mean()) / 2


def swap(
    net: Net, textures: Tensor, expression: Tensor, to: Literal["source", "target"] = "source"
) -> tuple[Tensor, None]:
    """The target's textures (B, 3, S, S) and expression (B, K) -> the face of `to`, (B, 3, S, S) in 0..1."""
    return net.draw(net.encode(textures, expression, "target"), to).clamp(0, 1), None


def detailed(net: Net, drawn: Tensor, to: Literal["source", "target"] = "source") -> Tensor:
    """Drawn textures (B, 3, S, S) -> (B, 3, 2 S, 2 S) with what never changes on that face; on the processor."""
    mean = getattr(net, f"{to}_mean").permute(1, 2, 0).contiguous().numpy()
    changes = (drawn - net.mean(to)).permute(0, 2, 3, 1).contiguous().numpy()
    # the same numbers as torch's bicubic interpolation, in a twentieth of its time
    fine = [cv2.resize(change, mean.shape[:2], interpolation=cv2.INTER_CUBIC) + mean for change in changes]
    return torch.from_numpy(np.clip(fine, 0, 1)).permute(0, 3, 1, 2)


def preview(net: Net, examples: dict[str, Tensor]) -> dict[str, Tensor]:
    """Columns of a preview sheet by title, in mesh space."""
    drawn = net({**examples})
    return {
        "source": examples["source"],
        "source rebuilt": drawn["source"].clamp(0, 1),
        "target": examples["target"],
        "target rebuilt": drawn["target"].clamp(0, 1),
        "target as source": drawn["swapped"].clamp(0, 1),
    }

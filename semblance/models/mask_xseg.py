"""XSeg, the occlusion mask: which pixels of a face crop are really face, and which belong to what stands before it.

DeepFaceLab (iperov, 2020-2023; no paper, "paper" below means that code): a U-net of filter response normalisation with
thresholded units (Singh & Krishnan 2020), blurred pooling (Zhang 2019) and a dense bottleneck.
crop (B, 3, S, S) RGB 0..1 -> mask (B, 1, S, S) 0..1, 1 = face. Preset `paper` is the published 256 px net to the
parameter (17,569,317); `small` is ours and ships with weights of its own; `tiny` is for tests.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import Field, model_validator
from torch import Tensor, nn

from ..faceset.disturb import DisturbOptions
from ..options import Options
from . import Moment, Phase

PAPER = "iperov/DeepFaceLab, 2020-2023, code only"
_THIN = 2  # pixels: half of the widest line that counts as thin
FAINT = 0.1
"""Answers below this are 0 (paper)."""


class Config(Options):
    """Sizes of the net and how it is trained; the defaults are the paper's."""

    size: int = Field(256, ge=16, le=512)
    """side of the network's picture in pixels (paper: 256)"""
    folded: bool = False
    """2x2 pixels become channels first and the mask is unfolded last: no layer works at full size (paper: no)"""
    widths: tuple[int, ...] = (32, 64, 128, 256, 256, 256)
    """channels of each stage, down and up again (paper)"""
    depths: tuple[int, ...] = (2, 2, 2, 3, 3, 3)
    """convolutions of each stage, down and up again (paper)"""
    blurs: tuple[int, ...] = (4, 3, 2, 2, 2, 2)
    """taps of the blur before each stage is halved (paper)"""
    code: int = Field(512, ge=1)
    """width of the dense layer in the middle (paper)"""
    overlap: float = Field(0.0, ge=0)
    """weight of 1 - soft intersection over union beside the cross entropy (paper: none)"""
    thin: float = Field(0.0, ge=0)
    """what a pixel of a thin line over a face (a wire rim, a hair) counts beyond any other's 1 (paper: 0)"""
    batch: int = Field(4, ge=1)
    """pictures a step (paper: 4)"""
    optimiser: Literal["rmsprop", "adam"] = "rmsprop"
    """(paper: RMSprop)"""
    moving: float = Field(0.3, gt=0, le=1)
    """share of the weights that a step moves (paper: "lr dropout" 0.3)"""
    learning_rate: float = Field(1e-4, gt=0)
    """(paper: 1e-4)"""
    betas: tuple[float, float] = (0.9, 0.9)
    """decay of the moments; RMSprop reads the second (paper: rho 0.9)"""
    epsilon: float = Field(1e-6, gt=0)
    """added to the optimiser's denominator (paper: 1e-6)"""
    schedule: Literal["constant", "cosine"] = "constant"
    """how the learning rate runs to the end (paper: constant)"""
    ema_samples: int = Field(20_000, ge=0)
    """half-life of the averaged weights, in samples; 0: no average"""
    augment: DisturbOptions = DisturbOptions()
    """how training pictures are moved, bent and spoilt"""

    @model_validator(mode="after")
    def _fits_together(self) -> Config:
        if not len(self.widths) == len(self.depths) == len(self.blurs):
            raise ValueError("widths, depths and blurs must name as many stages as each other")
        least = max(2 ** (len(self.widths) + self.folded), 16)  # 16: the blocks of JPEG, with colour at half the size
        if self.size % least:
            raise ValueError(f"size must be a multiple of {least}")
        return self

    @property
    def code_side(self) -> int:
        """Side of the map in the middle."""
        return self.size // 2 ** (len(self.widths) + self.folded)


# A crop may come from a swapper that sees the middle 0.8 of it, or from a tool that cuts wider: a wide range of zooms.
# Half of the pictures of a real camera are flat or noisy; ours are rendered, so all of that is added here.
ROUGH = DisturbOptions(shift=0.08, zoom_in=1.3, zoom_out=0.75, flip=0.5, noise=0.04, thing=0.3)

PRESETS = {
    "tiny": Config(
        size=32, folded=True, widths=(12, 16, 24), depths=(1, 1, 1), blurs=(3, 2, 2), code=32, overlap=0.5, batch=8,
        optimiser="adam", moving=1.0, learning_rate=4e-3, betas=(0.9, 0.99), epsilon=1e-8, schedule="cosine",
        ema_samples=500, augment=DisturbOptions(zoom_in=1.1, zoom_out=0.9),
    ),
    # Layers at half the size and narrow: 5 ms a face on one core, 3.2 MB at 16 bits. Overlap pulls as hard on a small
    # mask (a face behind a hand) as on a large one, where cross entropy alone does not.
    "small": Config(
        size=128, folded=True, widths=(16, 48, 80, 96), depths=(2, 2, 2, 2), blurs=(3, 2, 2, 2), code=256, overlap=0.5,
        thin=3.0, batch=8, optimiser="adam", moving=1.0, learning_rate=1.5e-3, betas=(0.9, 0.99), epsilon=1e-8,
        schedule="cosine", ema_samples=4000, augment=ROUGH,
    ),
    "paper": Config(),
}  # fmt: skip


class Net(nn.Module):
    """Stages down, a dense layer, stages up; each stage up sees the one down of its size."""

    def __init__(self, config: Config):
        super().__init__()
        widths = config.widths
        self.factor = 2 if config.folded else 1
        self.down = nn.ModuleList(
            stage(*pair, depth) for pair, depth in zip(pairwise((3 * self.factor**2, *widths)), config.depths)
        )
        self.pools = nn.ModuleList(BlurPool(taps) for taps in config.blurs)
        self.side = config.code_side
        flat = widths[-1] * self.side**2
        self.squeeze = nn.Linear(flat, config.code)
        self.expand = nn.Linear(config.code, flat)
        below = (*widths[1:], widths[-1])  # what comes up to each stage
        self.ups = nn.ModuleList(Block(nn.ConvTranspose2d(width, width // 2, 3, 2, 1, 1)) for width in below)
        self.up = nn.ModuleList(
            stage(lower // 2 + width, width, depth) for lower, width, depth in zip(below, widths, config.depths)
        )
        self.logits = nn.Conv2d(widths[0], self.factor**2, 3, padding=1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
                nn.init.xavier_uniform_(module.weight)  # glorot uniform (paper)
                nn.init.zeros_(module.bias)
        self.to(memory_format=torch.channels_last)

    def forward(self, crops: Tensor) -> Tensor:
        """Crops (B, 3, S, S) -> logits (B, 1, S, S)."""
        x = F.pixel_unshuffle(crops, self.factor) if self.factor > 1 else crops
        x = x.contiguous(memory_format=torch.channels_last)
        seen = []
        for convolutions, pool in zip(self.down, self.pools):
            seen.append(convolutions(x))
            x = pool(seen[-1])
        x = self.expand(self.squeeze(x.flatten(1))).unflatten(1, (-1, self.side, self.side))
        x = x.contiguous(memory_format=torch.channels_last)
        for enlarge, convolutions, here in zip(reversed(self.ups), reversed(self.up), reversed(seen)):
            x = convolutions(torch.cat([enlarge(x), here], 1))
        logits = self.logits(x).float()  # bfloat16 has 8 bits of mantissa: soft edges would come in steps
        return F.pixel_shuffle(logits, self.factor) if self.factor > 1 else logits


def stage(before: int, after: int, depth: int) -> nn.Sequential:
    """`depth` convolutions 3x3."""
    widths = (before, *(after,) * depth)
    return nn.Sequential(*(Block(nn.Conv2d(*pair, 3, padding=1)) for pair in pairwise(widths)))


class Block(nn.Module):
    """A convolution, filter response normalisation and a thresholded linear unit."""

    def __init__(self, convolution: nn.Conv2d | nn.ConvTranspose2d):
        super().__init__()
        self.convolution = convolution
        self.respond = Response(convolution.out_channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.respond(self.convolution(x))


class Response(nn.Module):
    """Filter response normalisation and thresholded linear unit (Singh & Krishnan 2020, eq. 1-4 and 6).

    x (B, C, h, w) -> max(gain x / sqrt(mean of x^2 over h, w + |eps|) + bias, threshold). No picture looks at another
    of its batch, so batches of four are as good as any.
    """

    def __init__(self, channels: int):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(1, channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.threshold = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.eps = nn.Parameter(torch.full((1,), 1e-6))  # one for all channels (paper's code)

    def forward(self, x: Tensor) -> Tensor:
        return Responding.apply(x, self.gain, self.bias, self.threshold, self.eps)


class Responding(torch.autograd.Function):
    """Response in as few passes over a picture as there can be: step by step, these layers took half of a training
    step, and convolutions the other half."""

    @staticmethod
    def forward(ctx, x: Tensor, gain: Tensor, bias: Tensor, threshold: Tensor, eps: Tensor) -> Tensor:
        values = _wide(x)
        power = values.square().mean((2, 3), keepdim=True)
        sharp = torch.rsqrt(power + eps.abs())
        # max(y, t) = relu(y - t) + t
        above = F.relu_(torch.addcmul(bias - threshold, values, gain * sharp))
        ctx.save_for_backward(x, above > 0, sharp, gain, eps)
        return above.add_(threshold)

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, ...]:
        x, passes, sharp, gain, eps = ctx.saved_tensors
        values, through = _wide(x), grad * passes
        pull = (through * values).sum((2, 3), keepdim=True)  # what a scale of each channel would gain
        power = -0.5 * gain * sharp**3 * pull
        to_x = (values * (2 / values[0, 0].numel() * power)).addcmul_(through, gain * sharp)
        to_bias = through.sum((0, 2, 3), keepdim=True)
        to_gain = (pull * sharp).sum(0, keepdim=True)
        to_eps = (power.sum() * eps.sign()).reshape(eps.shape)
        return to_x.to(x.dtype), to_gain, to_bias, grad.sum((0, 2, 3), keepdim=True) - to_bias, to_eps


def _wide(x: Tensor) -> Tensor:
    """Of 32 bits at least: sums of bfloat16 over so few channels take ten times as long on a processor."""
    return x.float() if x.dtype in (torch.bfloat16, torch.float16) else x


class BlurPool(nn.Module):
    """Half the size without aliases (Zhang 2019): a binomial blur of `taps`, edges mirrored, at every other pixel."""

    def __init__(self, taps: int):
        super().__init__()
        line = torch.ones(1)
        for _ in range(taps - 1):
            line = F.conv1d(line[None, None], torch.ones(1, 1, 2), padding=1)[0, 0]
        self.register_buffer("kernel", line[:, None] * line / line.sum() ** 2, persistent=False)
        self.reach = (taps - 1) // 2, taps // 2  # before and after a pixel (paper's code)

    def forward(self, x: Tensor) -> Tensor:
        if len(self.kernel) == 2:
            return F.avg_pool2d(x, 2)
        kernel = self.kernel.to(x.dtype).expand(x.shape[1], 1, -1, -1)
        return F.conv2d(F.pad(x, self.reach * 2, "reflect"), kernel, stride=2, groups=x.shape[1])


def begin_with(net: Net, base: dict[str, Tensor]) -> None:
    """Begin with the weights that come with the package. Raises RuntimeError where they are of other sizes."""
    net.load_state_dict(base)


def phases(net: Net, config: Config) -> list[Phase]:
    """One phase. The paper's code may first learn to rebuild grey pictures, its skips zeroed; that is left out."""

    def found(net: nn.Module, batch: dict[str, Tensor], moment: Moment) -> dict[str, Tensor]:
        return losses(net, batch, config.overlap, config.thin)

    return [
        Phase(
            "mask", list(net.parameters()), found, config.learning_rate, config.betas, config.epsilon,
            config.optimiser, config.moving,
        )
    ]  # fmt: skip


def losses(net: nn.Module, batch: dict[str, Tensor], overlap: float = 0.0, thin: float = 0.0) -> dict[str, Tensor]:
    """Binary cross entropy (paper), thin lines over a face counted 1 + `thin` times, and `overlap` times 1 - soft
    intersection over union.

    batch: "picture" (B, 3, S, S), "mask" (B, 1, S, S), both 0..1.
    """
    logits, truth = net(batch["picture"]), batch["mask"]
    weight = 1 + thin * thin_lines(truth) if thin else None
    found = {"entropy": F.binary_cross_entropy_with_logits(logits, truth, weight)}
    if overlap:
        found["overlap"] = overlap * (1 - soft_overlap(torch.sigmoid(logits), truth)).mean()
    return found


def thin_lines(mask: Tensor) -> Tensor:
    """Mask (B, 1, S, S) 0..1 -> as large, 1 on lines of at most 2 _THIN pixels that part what is face: what a closing
    fills. A wire rim is a hundredth of a face, and a net that overlooks it loses next to nothing without this."""
    grown = F.max_pool2d(mask, 2 * _THIN + 1, 1, _THIN)
    return -F.max_pool2d(-grown, 2 * _THIN + 1, 1, _THIN) - mask


def soft_overlap(one: Tensor, other: Tensor) -> Tensor:
    """(B,) intersection over union of masks (B, 1, S, S) in 0..1; a pixel of either counts by its share. Two empty
    masks overlap fully: a hundredth of a pixel is added to both."""
    both = (one * other).sum((1, 2, 3))
    either = (one + other).sum((1, 2, 3)) - both
    return (both + 0.01) / (either + 0.01)


def mask(net: Net, crops: Tensor) -> Tensor:
    """Crops (B, 3, S, S) RGB 0..1 -> how much of each pixel is face (B, 1, S, S) 0..1; below FAINT: 0."""
    drawn = torch.sigmoid(net(crops))
    return torch.where(drawn < FAINT, 0.0, drawn)


def preview(net: Net, examples: dict[str, Tensor]) -> dict[str, Tensor]:
    """Columns of a preview sheet by title; examples: "picture" (B, 3, S, S) and "mask" (B, 1, S, S)."""
    picture, truth = examples["picture"], examples["mask"]
    drawn = mask(net, picture)
    return {"picture": picture, "wanted": truth, "drawn": drawn, "face alone": picture * drawn}

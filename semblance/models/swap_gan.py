"""faceswap-GAN 2.2: the original swapper with judges; each decoder draws a mask beside the face.

shaoanlu/faceswap-GAN, 2018 (no paper; "paper" below means that code). Discriminators see face and input side by side.
crop (B, 3, S, S) RGB 0..1 -> face (B, 3, S, S) RGB 0..1 and mask (B, 1, S, S) 0..1; the nets themselves count in -1..1.
The face is the raw one: laid over the plate with the mask it is the paper's composite mask * face + (1 - mask) * crop.
The perceptual loss looks through dlib's face recogniser: VGGFace's weights, which the paper used, are not ours to ship.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import log
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from ..faceset.augment import AugmentOptions
from ..nn.adversarial import blended, draw_share, judged
from ..nn.attention import (
    Residual,
    SelfAttention,
    block,
    conv,
    glorot,
    judge_block,
    upscale_nearest,
    upscale_shuffle,
)
from ..nn.features import FaceFeatures
from ..nn.losses import edges, l1, total_variation
from ..nn.perceptual import perceptual
from ..options import Options
from . import Moment, Phase

PAPER = "shaoanlu/faceswap-GAN, 2018, code only"
DRAWS_MASK = True
PLANES = ("eyes",)

SIDES = ("source", "target")


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of the schedule: from which share of the run, and what holds then."""

    begins: float
    perceptual: bool
    hinge: float | None  # masks are pushed above it; None: they are pulled towards 0
    rate: float  # factor on the learning rates


# From the paper's notebook. Its L1 alone makes masks die out (copying the input is an easy way to look real): hence
# the hinges. Its changes come 150 of 40,000 iterations early, half of its display interval.
_EARLY = 150 / 40_000
STAGES = (
    Stage(0.0, False, None, 1.0),
    Stage(1 / 5 - _EARLY, True, None, 1.0),
    Stage(3 / 10 - _EARLY, True, 0.5, 1.0),
    Stage(2 / 5 - _EARLY, True, 0.2, 1.0),
    Stage(1 / 2 - _EARLY, True, 0.4, 1.0),
    Stage(2 / 3 - _EARLY, True, None, 0.3),
    Stage(4 / 5 - _EARLY, True, 0.1, 0.3),
    Stage(9 / 10 - _EARLY, True, None, 0.1),
)
EXCHANGE = 6
"""On entering this stage the two decoders change places: the best-trained start for each is the other (paper)."""


class Config(Options):
    """Sizes of the net and how it is trained; the defaults are the paper's."""

    size: Literal[64, 128, 256] = 64
    """side of the network's picture in pixels (paper: 64, 128 or 256)"""
    coverage: float = Field(0.68, gt=0.1, le=1)
    """share of the stored crop's side that the network sees (paper: 156 to 194 of 256 px, 0.68 in the mean)"""
    width: int = Field(64, ge=8, multiple_of=8)
    """channels of the first and the last layers; the others are multiples of it (paper: 64)"""
    code: int = Field(1024, ge=8)
    """width of the dense layer in the middle (paper; twice that for lite above 64 px)"""
    capacity: Literal["standard", "lite"] = "standard"
    """lite (paper): half the channels, a quarter in the middle, upscaling by repeating pixels"""
    attention: int = Field(64, ge=0)
    """largest side of a map whose positions look at each other; the cost grows with its fourth power (paper: 64)"""
    judge: int = Field(64, ge=8, multiple_of=8)
    """channels of the discriminators' first layer (paper)"""
    mask: float = Field(0.5, gt=0, lt=1)
    """where the masks begin (paper: 0.5)"""
    hold: float = Field(0.0, ge=0, lt=1)
    """masks are pushed above it all the time (paper: 0; in parts of its schedule above 0.5 to 0.1, else towards 0)"""
    adversarial: float = Field(0.1, ge=0)
    """weight of the discriminators' verdict (paper)"""
    eyes: float = Field(30.0, ge=0)
    """additional weight of the eyes' pixels and edges (paper)"""
    edge: float = Field(0.1, ge=0)
    """weight of the edges' strength (paper)"""
    perceptual: tuple[float, float, float, float] = (0.1, 0.3, 0.1, 0.01)
    """weights of the recogniser's four maps, fine to coarse, from a fifth of the run on (paper); all 0: none"""
    cyclic: float = Field(0.0, ge=0)
    """weight of coming back when drawn as the other and as oneself again (paper: off; 10 when on)"""
    match: float = Field(0.0, ge=0)
    """weight of drawing the source from the target's picture where both make the same expression (paper: none)"""
    exchange: bool = True
    """whether the decoders change places at four fifths of the run (paper)"""
    decay: float = Field(1e-4, ge=0)
    """weight of the convolutions' squared weights (paper)"""
    batch: int = Field(8, ge=1)
    """pictures per side and step (paper: 8)"""
    iterations: int = Field(40_000, ge=1)
    """steps of the schedule for runs without a limit; with one it spans the run (paper: 40,000)"""
    learning_rate: float = Field(1e-4, gt=0)
    """Adam, for encoder and decoders (paper)"""
    judge_rate: float = Field(2.0, gt=0)
    """the discriminators' learning rate, as a multiple of that (paper: 2e-4 against 1e-4)"""
    betas: tuple[float, float] = (0.5, 0.999)
    """Adam (paper)"""
    epsilon: float = Field(1e-7, gt=0)
    """Adam (the paper's Keras default)"""
    ema_samples: int = Field(20_000, ge=0)
    """half-life of the averaged weights, in samples; 0: no average (paper: none)"""
    colour_match: float = Field(0.5, ge=0, le=1)
    """how often a crop takes over colours of a random picture of either person (paper: 0.5)"""
    augment: AugmentOptions = AugmentOptions(
        rotation=10, zoom=0.1, shift=0.05, flip=0.5, warp=5.6 / 256, light=0, tint=0
    )
    """how training pictures are moved, bent and tinted (paper: its nodes wander by 5 to 6.2 of 256 px)"""


CALM = AugmentOptions(rotation=3, zoom=0.03, shift=0.01, flip=0, warp=4 / 256, light=0.1, tint=0.02)
"""For runs of minutes, as in swap_original: aligned crops need not teach placements that are never met."""

PRESETS = {
    "tiny": Config(
        width=8, code=32, attention=16, judge=8, perceptual=(0, 0, 0, 0), learning_rate=2e-3, ema_samples=500,
        colour_match=0,
    ),
    # 80 faces a second on one core with bf16, of a width of 24 only 50. Small steps of few faces, narrow layers: after
    # three minutes on a busy machine 26.0 dB, with a width of 24 and steps of 6 a side 22.1 dB.
    # Positions look at each other up to 16 x 16: at 32 x 32 that alone halves the speed. So does the recogniser.
    # Discriminators a quarter as wide as the paper's, and half as fast as the faces, not twice as fast as in the paper:
    # at ten times its learning rate they leap (losses of 4 after 400 faces) and teach nothing.
    # Decoders stay: the last fifth of so short a run, at a low rate, leaves traces of the other person in the faces.
    # Masks begin open: from one half, those of one person went to 1 within minutes and those of the other stayed. They
    # are held open: with the paper's schedule a run of ten minutes ended with masks near 0, the target redrawn.
    # Pairs of one expression, wide view, small movements, large learning rate: as in swap_original, for its reasons.
    "small": Config(
        coverage=0.8, width=16, code=256, attention=16, judge=16, perceptual=(0, 0, 0, 0), match=1.0, exchange=False,
        mask=0.9, hold=0.8, batch=4, learning_rate=1e-3, judge_rate=0.5, betas=(0.5, 0.99), ema_samples=2000,
        colour_match=0, augment=CALM,
    ),
    "paper": Config(),
}  # fmt: skip


class Net(nn.Module):
    """Encoder, two decoders and two discriminators."""

    def __init__(self, config: Config):
        super().__init__()
        self.encoder = Encoder(config)
        self.source, self.target = Decoder(config), Decoder(config)
        self.judge_source, self.judge_target = discriminator(config), discriminator(config)
        self.to(memory_format=torch.channels_last)

    def forward(
        self, source: Tensor, target: Tensor, what: Literal["rebuild", "match", "exchange", "judge"] = "rebuild"
    ) -> tuple[Tensor, ...]:
        """Two sides at once; pictures are 0..1.

        rebuild: crops (B, 3, S, S) drawn as themselves -> faces and masks (face, face, mask, mask), then the smaller
        faces of sizes above 64, source and target by turns. match: at the end also the target drawn as the source.
        exchange: as rebuild, each drawn as the other.
        judge: pictures side by side with their inputs, (B, 6, S, S) -> logits (B, 1, 8, 8) of both.
        """
        if what == "judge":
            return self.judge_source(signed(source)).float(), self.judge_target(signed(target)).float()
        codes = self.encoder(torch.cat([source, target]))
        mine, theirs = codes.split([len(source), len(target)])
        if what == "exchange":
            return _by_turns(self.target(mine), self.source(theirs))
        if what == "match":
            both = [x.split([len(source), len(target)]) for x in self.source(codes)]
            return *_by_turns([x for x, _ in both], self.target(theirs)), both[0][1]
        return _by_turns(self.source(mine), self.target(theirs))


class Encoder(nn.Module):
    """Crop (B, 3, S, S) 0..1 -> shared code (B, 8 w, 8, 8)."""

    def __init__(self, config: Config):
        super().__init__()
        w, deep = widths(config)
        large = config.size // 64
        self.down = nn.Sequential(
            conv(3, w, 5, bias=False),
            block(w, 2 * w, norm=False),
            block(2 * w, 4 * w),
            attend(4 * w, config.size // 4, config),
            block(4 * w, 8 * w),
            attend(8 * w, config.size // 8, config),
            block(8 * w, deep),
            *(block(deep, deep) for _ in range(large.bit_length() - 1)),  # on to 4 x 4
        )
        latent = config.code * (2 if config.capacity == "lite" and large > 1 else 1)
        self.squeeze = glorot(nn.Linear(16 * deep, latent))
        self.expand = glorot(nn.Linear(latent, 16 * deep))
        self.up = upscale(deep, 8 * w, config)

    def forward(self, crop: Tensor) -> Tensor:
        x = self.down(signed(crop).contiguous(memory_format=torch.channels_last))
        x = self.expand(self.squeeze(x.flatten(1))).unflatten(1, (-1, 4, 4))
        return self.up(x.contiguous(memory_format=torch.channels_last))


class Decoder(nn.Module):
    """Shared code -> face (B, 3, S, S), mask (B, 1, S, S), then the smaller faces from 64 on up, all 0..1."""

    def __init__(self, config: Config):
        super().__init__()
        w, _ = widths(config)
        doublings = (config.size // 64).bit_length() - 1
        self.body = nn.Sequential(
            upscale(8 * w, 4 * w, config),
            upscale(4 * w, 2 * w, config),
            attend(2 * w, 32, config),
            upscale(2 * w, w, config),
            Residual(w),
            attend(w, 64, config),
        )
        self.smaller = nn.ModuleList(conv(w, 3, 5) for _ in range(doublings))
        self.larger = nn.ModuleList(
            nn.Sequential(upscale(w, w, config), block(w, w, stride=1, norm=False)) for _ in range(doublings)
        )
        self.mask, self.colours = conv(w, 1, 5), conv(w, 3, 5)
        nn.init.constant_(self.mask.bias, log(config.mask / (1 - config.mask)))

    def forward(self, code: Tensor) -> list[Tensor]:
        x = self.body(code)
        smaller = []
        for colours, larger in zip(self.smaller, self.larger, strict=True):
            smaller.append(painted(colours(x)))
            x = larger(x)
        return [painted(self.colours(x)), torch.sigmoid(self.mask(x).float()), *smaller]


def discriminator(config: Config) -> nn.Sequential:
    """Picture and input (B, 6, S, S) in -1..1 -> logits (B, 1, 8, 8), whatever S."""
    w, side = config.judge, config.size // 8
    layers = [
        judge_block(6, w, norm=False), judge_block(w, 2 * w), judge_block(2 * w, 4 * w), attend(4 * w, side, config),
    ]  # fmt: skip
    while side > 8:
        side //= 2
        layers += [judge_block(4 * w, 4 * w), attend(4 * w, side, config)]
    # an even kernel keeps the size with one pixel more on the right and below (Keras' "same")
    last = glorot(nn.Conv2d(4 * w, 1, 4, bias=False))
    return nn.Sequential(*layers, nn.ZeroPad2d((1, 2, 1, 2)), last)


def widths(config: Config) -> tuple[int, int]:
    """Channels of the first layer and of the 4 x 4 map."""
    return (config.width // 2, 4 * config.width) if config.capacity == "lite" else (config.width, 16 * config.width)


def upscale(before: int, after: int, config: Config) -> nn.Sequential:
    return (upscale_nearest if config.capacity == "lite" else upscale_shuffle)(before, after)


def attend(channels: int, side: int, config: Config) -> nn.Module:
    """Self-attention on maps of up to `config.attention` pixels a side; larger ones pass as they are."""
    return SelfAttention(channels) if side <= config.attention else nn.Identity()


def _by_turns(source: list[Tensor], target: list[Tensor]) -> tuple[Tensor, ...]:
    return tuple(x for pair in zip(source, target, strict=True) for x in pair)


def signed(x: Tensor) -> Tensor:
    """0..1 -> -1..1"""
    return 2 * x - 1


def painted(x: Tensor) -> Tensor:
    """Last convolution's values -> colours 0..1; in bfloat16 they would be banded."""
    return (torch.tanh(x.float()) + 1) / 2


def phases(net: Net, config: Config) -> list[Phase]:
    """Encoder and decoders, then the discriminators on the faces that were drawn for the first.

    The paper trains discriminators first, on a batch of their own; sharing the batch spares a run of the generator.
    """
    makers = [net.encoder, net.source, net.target]
    judges = [net.judge_source, net.judge_target]
    features = FaceFeatures(share=config.coverage).maps if any(config.perceptual) else None

    def generator(net: nn.Module, batch: dict[str, Tensor], moment: Moment) -> dict[str, Tensor]:
        # each side's loss counts the encoder that it shares (paper)
        decay = config.decay * (2 * squares(makers[0]) + squares(makers[1]) + squares(makers[2]))
        return {**generator_losses(net, batch, moment, config, features), "decay": decay}

    def judge(net: nn.Module, batch: dict[str, Tensor], moment: Moment) -> dict[str, Tensor]:
        decay = config.decay * (squares(judges[0]) + squares(judges[1]))
        return {"judges": judge_loss(net, batch, mixup_share(moment)), "judges decay": decay}

    rate, rest = config.learning_rate, (config.betas, config.epsilon)
    return [
        Phase("faces", [p for part in makers for p in part.parameters()], generator, rate, *rest),
        Phase("judges", [p for part in judges for p in part.parameters()], judge, config.judge_rate * rate, *rest),
    ]


def generator_losses(
    net: nn.Module,
    batch: dict[str, Tensor],
    moment: Moment,
    config: Config,
    features: Callable[[Tensor], list[Tensor]] | None,
) -> dict[str, Tensor]:
    """What encoder and decoders lower, both sides together.

    batch: "source" and "target" warped crops (B, 3, S, S), "*_truth" what should come out, "*_eyes" (B, 1, S, S) 0..1;
    leaves "*_made", raw faces and composites (2 B, 3, S, S), for the discriminators.
    """
    stage = STAGES[stage_number(config, moment)]
    inputs, truths, eyes = ([batch[side + end] for side in SIDES] for end in ("", "_truth", "_eyes"))
    drawn = net(*inputs, "match" if config.match else "rebuild")
    faces, masks = drawn[:2], drawn[2:4]
    smaller = drawn[4:-1] if config.match else drawn[4:]
    merged = [laid_over(*layers) for layers in zip(faces, masks, inputs)]
    made = [torch.cat(pair) for pair in zip(faces, merged)]
    batch.update({f"{side}_made": pictures.detach() for side, pictures in zip(SIDES, made)})
    verdicts = net(*(beside(pictures, crop) for pictures, crop in zip(made, inputs)), "judge")

    found = {side: 2 * l1(face, truth).mean() for side, face, truth in zip(SIDES, faces, truths)}
    if smaller:
        found["smaller"] = sum(2 * l1(face, resized(truths[n % 2], face)).mean() for n, face in enumerate(smaller))
    if config.match:
        found["match"] = config.match * 2 * l1(drawn[-1], truths[0]).mean()
    found["eyes"] = config.eyes * sum(
        2 * (l1(*sides) + edges(*sides)).mean() for sides in zip(faces, truths, eyes, strict=True)
    )
    found["edges"] = config.edge * sum(2 * edges(*sides).mean() for sides in zip(faces, truths))
    found["verdict"] = config.adversarial * sum(2 * judged(logits, 1).mean() for logits in verdicts)
    hinge = max(config.hold, stage.hinge or 0.0) if config.hold else stage.hinge
    found["mask"] = sum(mask_loss(mask, hinge) for mask in masks)
    if features and stage.perceptual:
        share = perceptual_share(moment)
        mixed = torch.cat([blended(face, whole, share) for face, whole in zip(faces, merged)])
        # per sample of both sides in one pass: twice the mean is the sum of the sides' means
        found["perceptual"] = (
            2 * perceptual(mixed, torch.cat(truths), features, config.perceptual, normalised=True).mean()
        )
    if config.cyclic:
        found["cyclic"] = config.cyclic * cyclic_loss(net, *truths)
    return found


def judge_loss(net: nn.Module, batch: dict[str, Tensor], share: float) -> Tensor:
    """Discriminators see `share` of the truth mixed with a drawn face, raw or composite, and name the share (paper)."""
    mixed = [
        beside(blended(batch[f"{side}_truth"].repeat(2, 1, 1, 1), batch[f"{side}_made"], share), batch[side])
        for side in SIDES
    ]
    # the mean over raw faces and composites is half the sum of both
    return sum(2 * judged(logits, share).mean() for logits in net(*mixed, "judge"))


def mask_loss(mask: Tensor, hinge: float | None) -> Tensor:
    """Small masks where there is no hinge, else masks above it; smooth ones always. The weights are the paper's."""
    level = 0.01 * mask.abs().mean() if hinge is None else 0.1 * (hinge - mask).clamp_min(0).mean()
    return level + 0.1 * total_variation(mask).mean()


def cyclic_loss(net: nn.Module, source: Tensor, target: Tensor) -> Tensor:
    """Crops drawn as the other and then as themselves again should be what they were, and the masks agree."""
    *other, mask_source, mask_target = net(source, target, "exchange")[:4]
    again = net(*other)
    pictures = sum(2 * l1(face, crop).mean() for face, crop in zip(again[:2], (source, target)))
    return pictures + 0.1 * sum(l1(*pair).mean() for pair in zip(again[2:4], (mask_source, mask_target)))


def squares(part: nn.Module) -> Tensor:
    """Sum of the squared weights of all convolutions."""
    return sum((layer.weight**2).sum() for layer in part.modules() if isinstance(layer, nn.Conv2d))


def laid_over(face: Tensor, mask: Tensor, crop: Tensor) -> Tensor:
    """The composite."""
    return mask * face + (1 - mask) * crop


def beside(pictures: Tensor, crop: Tensor) -> Tensor:
    """(n B, 3, S, S) with their inputs (B, 3, S, S) -> (n B, 6, S, S)."""
    return torch.cat([pictures, crop.repeat(len(pictures) // len(crop), 1, 1, 1)], 1)


def resized(truth: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(truth, like.shape[2:], mode="area")


def mixup_share(moment: Moment) -> float:
    """One share of real for the whole batch (paper), drawn anew for every step and the same after a resume."""
    return draw_share(np.random.default_rng([0, moment.samples]))


def perceptual_share(moment: Moment) -> float:
    """Another share, of the raw face in the picture that the recogniser sees: one pass instead of two (paper)."""
    return draw_share(np.random.default_rng([1, moment.samples]))


def stage_number(config: Config, moment: Moment) -> int:
    """Which of STAGES holds: by the share of the run, or where the run has no end by the config's iterations."""
    share = moment.share or moment.samples / (2 * config.batch * config.iterations)
    return sum(share >= stage.begins for stage in STAGES) - 1


def learning_rate(config: Config, moment: Moment) -> float:
    """Factor on the learning rates."""
    return STAGES[stage_number(config, moment)].rate


def turn(net: Net, average: Net, config: Config, before: Moment, now: Moment) -> bool:
    """Exchange the decoders where their stage begins; True where the optimisers' moments must be forgotten."""
    was, here = stage_number(config, before), stage_number(config, now)
    if config.exchange and was < EXCHANGE <= here:
        exchange_decoders(net)
        exchange_decoders(average)
    return was != here


@torch.no_grad()
def exchange_decoders(net: Net) -> None:
    for one, other in zip(net.source.parameters(), net.target.parameters(), strict=True):
        kept = one.clone()
        one.copy_(other)
        other.copy_(kept)


def swap(net: Net, crops: Tensor, to: Literal["source", "target"] = "source") -> tuple[Tensor, Tensor]:
    """Crops (B, 3, S, S) RGB 0..1 of anyone -> the same pose and expression with the face of `to`, and its mask."""
    face, mask, *_ = {"source": net.source, "target": net.target}[to](net.encoder(crops))
    return face, mask


def preview(net: Net, examples: dict[str, Tensor]) -> dict[str, Tensor]:
    """Columns of a preview sheet by title; examples: "source" and "target" (B, 3, S, S), unwarped crops."""
    source, target = examples["source"], examples["target"]
    face, mask = swap(net, target, "source")
    return {
        "source": source,
        "source rebuilt": swap(net, source, "source")[0],
        "target": target,
        "target rebuilt": swap(net, target, "target")[0],
        "target as source": face,
        "its mask": mask,
        "laid over": laid_over(face, mask, target),
    }

"""SRGAN, the restorer: a coarse, soft face -> the same face two or four times as large and sharp.

Ledig et al. 2017; RankSRGAN's ranker (Zhang et al. 2019) is an option. "paper" below means either.
crop (B, 3, S, S) RGB 0..1 of any even S -> face (B, 3, k S, k S) RGB 0..1, k = 2 or 4. Preset `paper` is the published
x4 net to the parameter (generator 1,549,462, discriminator 23,565,505); `small` and `small_x4` are ours, cheap enough
for films, and ship with weights of their own; `tiny` is for tests.

The paper's generator stays as published. Ours (`light`) differs, for films on a processor:
- It adds detail to the cubically enlarged picture, and its first layer's kernels sum to zero, without biases anywhere:
  where the picture is flat it adds nothing, so that no colour drifts and nothing is made of nothing; twice the contrast
  gives twice the detail (Mohan et al. 2020 on nets without biases).
- No batch normalisation: its statistics are those of patches in training and of whole faces later, which shows as
  blotches (Wang et al. 2018, ESRGAN, section 3.1), and it would break the above.
- All layers work at a quarter of the drawn side, whatever the scale; pixels are shuffled in once and out once.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations, pairwise
from math import cos, pi
from pathlib import Path
from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import Field, model_validator
from torch import Tensor, nn

from ..faceset.degrade import DegradeOptions
from ..nn.adversarial import judged
from ..nn.blur import filtered, gaussian_kernel
from ..nn.features import FaceFeatures, Vgg19
from ..nn.gradients import gradient_deviation
from ..nn.losses import l1, l2
from ..nn.perceptual import perceptual
from ..options import Options
from . import Moment, Phase

PAPER = "Ledig et al. 2017, arXiv 1609.04802"
INSIDE = 4
"""The light net works at the drawn side over this."""
LATE = 0.1  # of the learning rate, in the second half of the adversarial stage (paper: 1e-4, then 1e-5)
FLOOR = 0.05  # of the learning rate, where a cosine ends
PATCH_WEIGHTS = (0.5, 0.5)  # of the face recogniser's maps at a half and a quarter of the side; ours
MARGIN, BOUND = 0.5, 5.0  # of the ranker: by how much a worse picture must score higher; scores are cut (paper)
HARD = 2.0  # strength of the unsharp mask that makes the ranker's examples of too much
_START = 0.1  # of the usual deviation, of the light net's last layer: it begins all but cubic


class Config(Options):
    """Sizes of the nets and how they are trained; the defaults are the paper's."""

    size: int = Field(96, ge=16, le=512)
    """side of the sharp patches in pixels (paper: 96)"""
    scale: Literal[2, 4] = 4
    """how many times larger the face becomes (paper: 4)"""
    light: bool = False
    """our generator and discriminator, for processors, instead of the paper's"""
    width: int = Field(64, ge=4)
    """channels of the generator's layers (paper: 64)"""
    blocks: int = Field(16, ge=1)
    """residual blocks of the generator (paper: 16)"""
    judge: int = Field(64, ge=4)
    """channels of the discriminator's first layer (paper: 64)"""
    ranker: int = Field(64, ge=4)
    """channels of the ranker's first layer (paper: 64)"""
    pretrain: float = Field(1e6 / 1.2e6, ge=0, le=1)
    """share of the run that learns from the pixels' errors alone (paper: the first million of 1.2 million steps)"""
    power: Literal[1, 2] = 2
    """of the pixels' errors: 1 absolute, 2 squared (paper)"""
    pixel: float = Field(0.0, ge=0)
    """weight of the pixels' errors beside the discriminator's verdict (paper: none; before it: always 1)"""
    perceptual: float = Field(0.006, ge=0)
    """weight of the features' squared errors beside the verdict (paper: 0.006 of VGG-19's)"""
    vgg19: str = ""
    """file of VGG-19's weights (safetensors); without it the face recogniser's features stand in for the paper's"""
    adversarial: float = Field(1e-3, ge=0)
    """weight of the discriminator's verdict (paper)"""
    rank: float = Field(0.0, ge=0)
    """weight of the ranker's verdict, which learns in the first stage and judges in the second (RankSRGAN: 0.03)"""
    batch: int = Field(16, ge=1)
    """pictures a step (paper: 16)"""
    iterations: int = Field(1_200_000, ge=1)
    """steps of the schedule for runs without a limit; with one it spans the run (paper)"""
    learning_rate: float = Field(1e-4, gt=0)
    """Adam (paper)"""
    judge_rate: float = Field(1.0, gt=0)
    """the discriminator's learning rate, as a multiple of that (paper: 1)"""
    betas: tuple[float, float] = (0.9, 0.999)
    """Adam (paper)"""
    epsilon: float = Field(1e-8, gt=0)
    """added to the root of the second moment (Adam)"""
    schedule: Literal["steps", "cosine"] = "steps"
    """how the learning rate runs: a tenth of it at the very end (paper), or half a cosine in each stage"""
    ema_samples: int = Field(20_000, ge=0)
    """half-life of the averaged weights, in samples; 0: no average (paper: none)"""
    degrade: DegradeOptions = DegradeOptions(blur=0, noisy=0, packed=0)
    """how sharp patches are spoilt (paper: made smaller, no more)"""

    @model_validator(mode="after")
    def _fits_together(self) -> Config:
        if self.size % 16:
            raise ValueError("size must be a multiple of 16, for the discriminator's strided convolutions")
        return self


# A drawn face is soft by up to a pixel or so, clean, and may have been through a codec.
# Absolute errors: squared ones leave edges softer at equal weight. They stay in the second stage: without them a narrow
# net trades truth for texture. The recogniser sees patches as they are.
LIGHT = Config(
    scale=2, light=True, width=32, blocks=8, judge=16, ranker=16, pretrain=0.75, power=1, pixel=1.0, perceptual=0.05,
    adversarial=2e-3, learning_rate=2e-3, judge_rate=0.1, betas=(0.9, 0.99), schedule="cosine", ema_samples=4000,
    degrade=DegradeOptions(),
)  # fmt: skip

PRESETS = {
    "tiny": LIGHT.changed(
        size=32, width=12, blocks=1, judge=4, ranker=4, pretrain=0.0, perceptual=0.0, adversarial=1e-3, batch=8,
        learning_rate=1e-2, judge_rate=0.2, ema_samples=500, degrade=DegradeOptions(zooms=(1.0,)).model_dump(),
    ),
    # 165,000 weights: 10 ms of one core a face, 128 -> 256, in bfloat16.
    "small": LIGHT,
    "small_x4": LIGHT.changed(scale=4),
    "paper": Config(),
}  # fmt: skip


class Net(nn.Module):
    """Generator, discriminator and, where one was asked for, ranker."""

    def __init__(self, config: Config):
        super().__init__()
        self.scale = config.scale
        self.generator = (LightGenerator if config.light else Generator)(config.scale, config.width, config.blocks)
        self.judge = light_discriminator(config.judge) if config.light else discriminator(config.judge, config.size)
        self.ranker = ranker(config.ranker) if config.rank else None
        self.to(memory_format=torch.channels_last)

    def forward(self, pictures: Tensor, what: Literal["draw", "judge", "rank", "ranked"] = "draw") -> Tensor:
        """draw: coarse (B, 3, S, S) 0..1 -> sharp (B, 3, k S, k S), not yet cut to 0..1; judge: sharp -> logits (B, n),
        high for true ones; rank: sharp -> (B,) scores, low for good ones, -5..5, while the ranker learns; ranked: the
        same by a ranker that has learned."""
        if what == "draw":
            return self.generator(pictures)
        if what == "judge":
            return self.judge(signed(pictures)).flatten(1).float()
        self.ranker.train(what == "rank")  # batch normalisation: a picture's score must not depend on its batch
        return self.ranker(signed(pictures)).float().clamp(-BOUND, BOUND)[:, 0]


class Generator(nn.Module):
    """SRResNet as published. It counts in -1..1 where it draws and in 0..1 where it looks (paper)."""

    def __init__(self, scale: int, width: int, blocks: int):
        super().__init__()
        self.enter = nn.Sequential(nn.Conv2d(3, width, 9, padding=4), nn.PReLU())
        self.blocks = nn.Sequential(*(Residual(width) for _ in range(blocks)))
        self.leave = nn.Sequential(nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width))
        stages = [shuffled(width) for _ in range(scale // 2)]
        self.colours = nn.Sequential(*stages, nn.Conv2d(width, 3, 9, padding=4))

    def forward(self, pictures: Tensor) -> Tensor:
        x = self.enter(pictures.contiguous(memory_format=torch.channels_last))
        return (self.colours(x + self.leave(self.blocks(x))).float() + 1) / 2


class Residual(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        layers = [nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width), nn.PReLU()]
        self.body = nn.Sequential(*layers, nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


def shuffled(width: int) -> nn.Sequential:
    """Twice the side (Shi et al. 2016)."""
    return nn.Sequential(nn.Conv2d(width, 4 * width, 3, padding=1), nn.PixelShuffle(2), nn.PReLU())


class LightGenerator(nn.Module):
    """Cubic enlargement plus `detail`; see the module's docstring."""

    def __init__(self, scale: int, width: int, blocks: int):
        super().__init__()
        self.scale, self.fold = scale, INSIDE // scale
        self.enter = nn.Conv2d(3 * self.fold**2, width, 3, bias=False)
        self.blocks = nn.Sequential(*(LightResidual(width) for _ in range(blocks)))
        self.leave = nn.Conv2d(width, 3 * INSIDE**2, 3, padding=1, bias=False)
        with torch.no_grad():
            self.leave.weight *= _START

    def forward(self, pictures: Tensor) -> Tensor:
        return enlarged(pictures, self.scale) + self.detail(pictures)

    def detail(self, pictures: Tensor) -> Tensor:
        """What is added to the enlarged picture, (B, 3, k S, k S)."""
        weight = self.enter.weight
        # the channels of one colour lie together after unshuffling: each colour's part of a kernel sums to zero
        parts = weight.unflatten(1, (3, -1))
        weight = (parts - parts.mean((2, 3, 4), keepdim=True)).flatten(1, 2)
        x = F.pixel_unshuffle(pictures, self.fold) if self.fold > 1 else pictures
        x = F.pad(x.contiguous(memory_format=torch.channels_last), (1, 1, 1, 1), "replicate")
        with torch.autocast(x.device.type, enabled=False):  # bfloat16 would round bright colours to half a level
            x = F.conv2d(x.float(), weight)
        return F.pixel_shuffle(self.leave(self.blocks(x)), INSIDE).float()


class LightResidual(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.second = nn.Conv2d(width, width, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(F.leaky_relu(self.first(x), 0.1))


def discriminator(width: int, size: int) -> nn.Sequential:
    """Picture (B, 3, size, size) in -1..1 -> logit (B, 1), as published."""
    layers: list[nn.Module] = [nn.Conv2d(3, width, 3, padding=1), nn.LeakyReLU(0.2)]
    for before, after, stride in _steps(width):
        layers += [nn.Conv2d(before, after, 3, stride, 1), nn.BatchNorm2d(after), nn.LeakyReLU(0.2)]
    flat = 8 * width * (size // 16) ** 2
    dense = [nn.Flatten(), nn.Linear(flat, 16 * width), nn.LeakyReLU(0.2), nn.Linear(16 * width, 1)]
    return nn.Sequential(*layers, *dense)


def light_discriminator(width: int) -> nn.Sequential:
    """Picture in -1..1 -> logits (B, 1, h, h) of its patches: no layer depends on the size, no picture on its batch."""
    layers: list[nn.Module] = [nn.Conv2d(3, width, 3, padding=1), nn.LeakyReLU(0.2)]
    for before, after, stride in _steps(width)[:-2]:
        layers += [nn.Conv2d(before, after, 3, stride, 1), nn.LeakyReLU(0.2)]
    net = nn.Sequential(*layers, nn.Conv2d(4 * width, 1, 3, padding=1))
    for layer in net:
        if isinstance(layer, nn.Conv2d):  # torch's own beginning dies away over layers that nothing normalises
            nn.init.kaiming_normal_(layer.weight, 0.2)
    return net


def _steps(width: int) -> list[tuple[int, int, int]]:
    """Channels before and after, and stride, of all but the first layer (paper)."""
    widths = [width, width, 2 * width, 2 * width, 4 * width, 4 * width, 8 * width, 8 * width]
    return [(*pair, 1 + (number + 1) % 2) for number, pair in enumerate(pairwise(widths))]


def ranker(width: int) -> nn.Sequential:
    """Picture in -1..1 -> score (B, 1), low for good ones: RankSRGAN's VGG-12."""
    widths, layers = [width, 2 * width, 4 * width, 8 * width, 8 * width], []
    for before, after in pairwise([3, *widths]):
        for kernel, stride, channels in ((3, 1, before), (4, 2, after)):
            layers += [nn.Conv2d(channels, after, kernel, stride, 1), nn.BatchNorm2d(after), nn.LeakyReLU(0.2)]
    dense = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8 * width, 100), nn.LeakyReLU(0.2), nn.Linear(100, 1)]
    return nn.Sequential(*layers, *dense)


def signed(x: Tensor) -> Tensor:
    """0..1 -> -1..1"""
    return 2 * x - 1


def enlarged(pictures: Tensor, scale: int) -> Tensor:
    """Cubic interpolation, float32."""
    return F.interpolate(pictures.float(), scale_factor=scale, mode="bicubic")


def begin_with(net: Net, base: dict[str, Tensor]) -> None:
    """Begin with the generator that comes with the package. Raises RuntimeError where it is of another size."""
    net.generator.load_state_dict(base)


def phases(net: Net, config: Config) -> list[Phase]:
    """Generator, discriminator, ranker. In the first stage the discriminator stands still, in the second the ranker."""
    features = features_of(config)
    rest = (config.betas, config.epsilon)

    def generator(net: nn.Module, batch: dict[str, Tensor], moment: Moment) -> dict[str, Tensor]:
        return generator_losses(net, batch, config, features, is_adversarial(config, moment))

    def judge(net: nn.Module, batch: dict[str, Tensor], moment: Moment) -> dict[str, Tensor]:
        return {"judge": judge_loss(net, batch)} if is_adversarial(config, moment) else {}

    def rank(net: nn.Module, batch: dict[str, Tensor], moment: Moment) -> dict[str, Tensor]:
        return {} if is_adversarial(config, moment) else {"ranker": ranker_loss(net, batch, config.scale)}

    rate = config.learning_rate
    found = [
        Phase("generator", list(net.generator.parameters()), generator, rate, *rest),
        Phase("judge", list(net.judge.parameters()), judge, config.judge_rate * rate, *rest),
    ]
    if config.rank:
        found.append(Phase("ranker", list(net.ranker.parameters()), rank, rate, *rest))
    return found


def features_of(config: Config) -> Callable[[Tensor], list[Tensor]] | None:
    """What the perceptual loss looks through; None where it has no weight. Raises ModelError for a wrong file."""
    if not config.perceptual:
        return None
    return Vgg19(Path(config.vgg19), Vgg19.LAST) if config.vgg19 else FaceFeatures().patch_maps


def generator_losses(
    net: nn.Module,
    batch: dict[str, Tensor],
    config: Config,
    features: Callable[[Tensor], list[Tensor]] | None,
    adversarial: bool,
) -> dict[str, Tensor]:
    """batch: "picture" (B, 3, s, s) coarse, "truth" (B, 3, S, S) sharp, both 0..1; leaves "made" for the others."""
    made, truth = net(batch["picture"]), batch["truth"]
    batch["made"] = made.detach()
    error = (l1 if config.power == 1 else l2)(made, truth).mean()
    if not adversarial:
        return {"pixel": error}
    found = {"verdict": config.adversarial * judged(net(made, "judge"), 1, "cross_entropy").mean()}
    if config.pixel:
        found["pixel"] = config.pixel * error
    if features:
        weights = (1.0,) if config.vgg19 else PATCH_WEIGHTS
        found["perceptual"] = config.perceptual * perceptual(made, truth, features, weights).mean()
    if config.rank:
        found["rank"] = config.rank * torch.sigmoid(net(made, "ranked")).sum()  # summed over the batch (paper)
    return found


def judge_loss(net: nn.Module, batch: dict[str, Tensor]) -> Tensor:
    """Cross entropy of telling true from made ones, both in one pass."""
    true, made = net(torch.cat([batch["truth"], batch["made"]]), "judge").chunk(2)
    return judged(true, 1, "cross_entropy").mean() + judged(made, 0, "cross_entropy").mean()


def ranker_loss(net: nn.Module, batch: dict[str, Tensor], scale: int) -> Tensor:
    """How far the ranker is from the true order of several methods' results, over all pairs of methods.

    The paper orders by measures that need no truth (NIQE and the like), since it wants what people like. We have the
    truth, and order by how alike the edges are to it (see nn/gradients.py): unlike the pixels' error it does not prefer
    the softer of two, and unlike NIQE it does not reward texture that is not there.
    """
    results = methods(batch["picture"], batch["made"], scale)
    worse = torch.stack([gradient_deviation(result, batch["truth"]) for result in results])  # (methods, B)
    scores = net(torch.cat(results), "rank").view(len(results), -1)
    losses = [
        F.margin_ranking_loss(scores[one], scores[other], torch.sign(worse[one] - worse[other]), MARGIN)
        for one, other in combinations(range(len(results)), 2)
    ]
    return torch.stack(losses).mean()


def methods(coarse: Tensor, made: Tensor, scale: int) -> list[Tensor]:
    """Results to be ordered: cubic, cubic and sharpened, the generator's, the generator's sharpened, all 0..1."""
    both = [enlarged(coarse, scale), made]
    return [x.clamp(0, 1) for result in both for x in (result, sharpened(result))]


def sharpened(pictures: Tensor) -> Tensor:
    """An unsharp mask of one pixel, too strong."""
    blurred = filtered(F.pad(pictures, (3, 3, 3, 3), "replicate"), gaussian_kernel(7, 1.0))
    return pictures + HARD * (pictures - blurred)


def share_of(config: Config, moment: Moment) -> float:
    """How much of the run is done: by its limit, or where it has none by the config's iterations."""
    return moment.share or min(moment.samples / (config.batch * config.iterations), 1.0)


def is_adversarial(config: Config, moment: Moment) -> bool:
    """Whether the second stage has begun."""
    return share_of(config, moment) >= config.pretrain


def learning_rate(config: Config, moment: Moment) -> float:
    """Factor on the learning rates."""
    share, late = share_of(config, moment), is_adversarial(config, moment)
    begins, ends = (config.pretrain, 1.0) if late else (0.0, config.pretrain)
    along = (share - begins) / max(ends - begins, 1e-9)
    if config.schedule == "cosine":
        return FLOOR + (1 - FLOOR) * (1 + cos(pi * min(along, 1.0))) / 2
    return LATE if late and along >= 0.5 else 1.0


def turn(net: Net, average: Net, config: Config, before: Moment, now: Moment) -> bool:
    """Whether the second stage begins here: the losses are others then."""
    return is_adversarial(config, now) and not is_adversarial(config, before)


def restore(net: Net, pictures: Tensor) -> Tensor:
    """Coarse (B, 3, S, S) 0..1, S even -> sharp (B, 3, k S, k S) float32 0..1."""
    return net(pictures).clamp(0, 1)


def detail(net: Net, pictures: Tensor) -> Tensor:
    """What `restore` adds to the cubically enlarged pictures, (B, 3, k S, k S) float32."""
    own = getattr(net.generator, "detail", None)
    return own(pictures) if own else net(pictures) - enlarged(pictures, net.scale)


def preview(net: Net, examples: dict[str, Tensor]) -> dict[str, Tensor]:
    """Columns of a preview sheet by title; examples: "picture" (B, 3, s, s) and "truth" (B, 3, S, S)."""
    coarse = examples["picture"]
    return {
        "coarse": F.interpolate(coarse, scale_factor=net.scale),
        "cubic": enlarged(coarse, net.scale).clamp(0, 1),
        "restored": restore(net, coarse),
        "truth": examples["truth"],
    }

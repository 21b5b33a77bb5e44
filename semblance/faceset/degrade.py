"""Training pairs for a restorer: a sharp picture -> a patch of it, and what a swap's net, scaling and a codec leave.

`draw` a sample's chances, `apply` them; sample k of a seed is the same whatever the batch. In the order in which it
happens to a drawn face: softened (a net trained on mean errors draws the mean of all it cannot decide), made smaller by
averaging, so that nothing aliases, noise, compression.

Pictures (H, W, 3) uint8 RGB.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from pydantic import Field

from ..errors import InputError
from ..options import Options
from .augment import pick
from .spoil import jpeg

_BLOCK = 8  # of JPEG
_WHOLE = 2 * _BLOCK  # what its colour, at half the size, needs of a picture's side
_LOOP_FILTER = np.array([1, 6, 1], np.float32) / 8  # what H.264's deblocking does to the pixels next to an edge, about
_COARSE_GRAIN = 0.8  # deviation of noise that went through a codec before, coarse pixels
_FAINT_BLUR = 0.2  # sharp pixels: a narrower Gaussian has one tap


class DegradeOptions(Options):
    """How a sharp picture is spoilt. Lengths are in pixels of the coarse picture, so that they suit every scale."""

    zooms: tuple[float, ...] = (1.0, 0.5)
    """sizes at which a stored picture is shown, each as often; at a half its detail is twice as fine"""
    flip: float = Field(0.5, ge=0, le=1)
    """how often a patch is mirrored"""
    blur: float = Field(0.9, ge=0, le=4)
    """largest standard deviation of the softening, coarse pixels; across and along it differ by up to a half"""
    noise: float = Field(0.02, ge=0, le=0.3)
    """largest standard deviation of the noise, 1 = white"""
    noisy: float = Field(0.3, ge=0, le=1)
    """how often there is noise: what a net has drawn has none of its own"""
    packed: float = Field(0.4, ge=0, le=1)
    """how often a picture was compressed"""
    quality: tuple[float, float] = (35.0, 95.0)
    """poorest and best quality of that, as JPEG counts it"""


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """What chance decided for one sample: numbers 0..1 by name, and a seed of noise."""

    chance: dict[str, np.ndarray]
    noise: int


_CHANCES = {"picture": 1, "zoom": 1, "place": 4, "flip": 1, "blur": 3, "noise": 3, "packed": 5}


def draw(seed: int, number: int) -> Drawn:
    """Decide sample `number` of a seed, by a counter-based generator of its own (Philox)."""
    chance = np.random.Generator(np.random.Philox(key=[seed, int(number)]))
    numbers = np.split(chance.random(sum(_CHANCES.values())), np.cumsum(list(_CHANCES.values()))[:-1])
    return Drawn(dict(zip(_CHANCES, numbers)), int(chance.integers(2**31)))


def apply(
    pictures: Sequence[np.ndarray], drawn: Drawn, size: int, scale: int, options: DegradeOptions
) -> tuple[np.ndarray, np.ndarray]:
    """One pair of a random picture: coarse (size / scale, size / scale, 3) and sharp (size, size, 3) uint8.

    Raises InputError for a picture smaller than `size`.
    """
    truth = patch(pictures[pick(drawn.chance["picture"], len(pictures))[0]], drawn, size, options)
    return degraded(truth, drawn, scale, options), truth


def patch(picture: np.ndarray, drawn: Drawn, size: int, options: DegradeOptions) -> np.ndarray:
    """(size, size, 3) of a picture, near its middle more often than at its edge: that is where the face is."""
    chance = drawn.chance
    zoom = options.zooms[pick(chance["zoom"], len(options.zooms))[0]]
    if min(picture.shape[:2]) * zoom < size:  # too small to be shown smaller
        zoom = 1.0
    reach = round(size / zoom)
    if min(picture.shape[:2]) < reach:
        raise InputError(
            f"A restorer that learns from patches of {size} pixels needs pictures at least that large, not "
            f"{picture.shape[1]}x{picture.shape[0]}; extract larger crops."
        )
    middle = (chance["place"][:2] + chance["place"][2:]) / 2  # of two uniform numbers: a triangle about one half
    y, x = (int(share * (side - reach + 1)) for share, side in zip(middle, picture.shape))
    cut = picture[y : y + reach, x : x + reach]
    if reach > size:
        cut = cv2.resize(cut, (size, size), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(cut[:, ::-1] if chance["flip"][0] < options.flip else cut)


def degraded(truth: np.ndarray, drawn: Drawn, scale: int, options: DegradeOptions) -> np.ndarray:
    """Sharp (S, S, 3) -> coarse (S / scale, S / scale, 3) uint8. Raises InputError unless that is a whole number."""
    side = truth.shape[0]
    if truth.shape != (side, side, 3) or side % scale:
        raise InputError(
            f"A picture to be made {scale} times smaller must be square, its side a multiple of {scale}, not "
            f"{truth.shape[1]}x{truth.shape[0]}; cut another part of it."
        )
    chance = drawn.chance
    picture = _softened(truth.astype(np.float32) / 255, chance["blur"], scale * options.blur)
    picture = cv2.resize(picture, (side // scale, side // scale), interpolation=cv2.INTER_AREA)
    if chance["noise"][0] < options.noisy:
        rng = np.random.default_rng(drawn.noise)
        grain = rng.standard_normal(picture.shape, np.float32)
        if chance["noise"][2] < 0.5:
            grain = 2 * cv2.GaussianBlur(grain, (0, 0), _COARSE_GRAIN)
        picture = np.clip(picture + np.float32(options.noise * chance["noise"][1]) * grain, 0, 1)
    if chance["packed"][0] < options.packed:
        picture = _packed(picture, chance["packed"], options.quality)
    return np.rint(picture * 255).clip(0, 255).astype(np.uint8)


def _softened(picture: np.ndarray, chance: np.ndarray, most: float) -> np.ndarray:
    """A Gaussian of up to `most` pixels, turned any way; small blurs are as frequent as large ones."""
    along = most * chance[0]
    if along < _FAINT_BLUR:
        return picture
    across, angle = along * (0.5 + 0.5 * chance[1]), np.pi * chance[2]
    reach = int(np.ceil(3 * along))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    forth, aside = np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x
    kernel = np.exp(-0.5 * ((forth / along) ** 2 + (aside / max(across, _FAINT_BLUR)) ** 2))
    return cv2.filter2D(picture, -1, (kernel / kernel.sum()).astype(np.float32), borderType=cv2.BORDER_REFLECT_101)


def _packed(picture: np.ndarray, chance: np.ndarray, quality: tuple[float, float]) -> np.ndarray:
    """The losses of JPEG, its blocks beginning anywhere; every other time smoothed as a film's codec smooths them."""
    side, (down, right), (poorest, best) = len(picture), (int(_BLOCK * share) for share in chance[2:4]), quality
    spare = -side % _WHOLE
    larger = cv2.copyMakeBorder(picture, 0, spare, 0, spare, cv2.BORDER_REFLECT_101) if spare else picture
    packed = jpeg(np.roll(larger, (down, right), (0, 1)), poorest + (best - poorest) * float(chance[1]))
    packed = np.roll(packed, (-down, -right), (0, 1))[:side, :side]
    if chance[4] < 0.5:
        packed = cv2.sepFilter2D(packed, -1, _LOOP_FILTER, _LOOP_FILTER, borderType=cv2.BORDER_REFLECT_101)
    return packed

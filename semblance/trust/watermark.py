"""The invisible watermark: puts a 64-bit number into the luma of every frame, face and plate alike, to be found blind.

luma plane (H, W) or RGB (H, W, 3), uint8 or uint16, plus a number -> the same array, changed in place by a
pattern that stands still in time. The pattern is a tile that repeats over the frame; its size follows the frame's
shorter side, so that scaling a clip does not change it relative to the picture, and cropping only shifts and enlarges
it. A tile is a sum of waves of a narrow middle band, each with a fixed random phase (spread spectrum: Cox et al.,
"Secure spread spectrum watermarking for multimedia", 1997): some are always the same and tell where the tile lies, the
signs of the others carry the number (watermark_code). There is no key: anybody may look for the mark with
watermark_find, and the number is no secret.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numba import njit

from ..errors import InputError
from .watermark_code import SIGNS, encode

SMALLEST = 128
"""Shorter side in pixels below which a frame is too small to carry the mark."""

REFERENCE = 288  # the shorter side, in pixels, of the frame that tile and band are measured in
TILE = 152  # the tile's side in pixels of that frame: large enough for the band to hold all waves
# the band, in cycles per pixel of that frame: lower is seen as stains, higher lost to codecs
LOW, HIGH = 1 / 12, 1 / 6.5
SYNC = 100  # waves that are the same for every number
FINEST = 216  # a frame with a shorter side than this gets the tile of this one: its waves would be too fine for a codec
REACH = int(HIGH * TILE) + 1  # no wave has more cycles per tile, down or right

# strength in levels of 8 bits (rms) at the reference size: in flat areas, per level of texture beyond what noise is,
# at most, and over the whole of a frame: 2.5 is 40.1 dB. Where texture hides it a mark may be strong, so that walls and
# skin need to carry less of what H.264 at crf 33 leaves over
FLAT, MOST, WHOLE = 0.85, 4.0, 2.5
GRAIN = 0.2  # levels that fine texture alone is worth
# what counts as texture, finer than the mark and as coarse as it: levels that are noise, levels at which strong edges
# are cut off, which hide no more, and strength per level between
FINE, COARSE = (0.5, 6.0, 6.5), (0.75, 4.0, 16.0)
_SEED = 0x53656D62


@dataclass(frozen=True)
class Waves:
    """The waves of a tile, those that tell the place first."""

    down: np.ndarray  # (n,) whole cycles per tile, -REACH .. REACH
    right: np.ndarray  # (n,) 0 .. REACH
    phase: np.ndarray  # (n,) complex, of length 1


@dataclass(frozen=True)
class Mark:
    """A number's pattern for frames of one size, made once and laid over each."""

    payload: int
    pattern: np.ndarray
    """(H, W) float32, rms about 1."""


@cache
def waves() -> Waves:
    """The one public set of waves: SYNC that tell the place, then SIGNS that carry one sign of the code each."""
    # RandomState, because its numbers are promised never to change: a mark is to be found for years
    chance = np.random.RandomState(_SEED)
    down, right = (grid.ravel() for grid in np.mgrid[-REACH : REACH + 1, 0 : REACH + 1])
    length = np.hypot(down, right) / TILE
    half = (right > 0) | (down > 0)  # the other half of the plane is the conjugate of this one
    inside = np.flatnonzero(half & (length >= LOW) & (length <= HIGH))
    inside = inside[chance.permutation(len(inside))][: SYNC + SIGNS]
    return Waves(down[inside], right[inside], np.exp(2j * np.pi * chance.random_sample(len(inside))))


def carries(height: int, width: int) -> bool:
    """Whether a frame of this size is large enough for the mark."""
    return min(height, width) >= SMALLEST


def laid_scale(height: int, width: int) -> float:
    """Size of the tile in a frame of this size as it is laid there, against that of frames that are large enough."""
    return max(1.0, FINEST / min(height, width))


def make_mark(payload: int, height: int, width: int) -> Mark:
    """The pattern of `payload` (0 .. 2**64 - 1) for frames of this size.

    Raises InputError for a frame that is too small (shorter side under SMALLEST) or a number that does not fit.
    """
    if not carries(height, width):
        raise InputError(
            f"A frame of {width}x{height} is too small for the watermark; its shorter side must be {SMALLEST} or more."
        )
    tile, number = waves(), encode(payload)
    spectrum = np.zeros((2 * REACH + 1, REACH + 1), complex)
    spectrum[tile.down + REACH, tile.right] = tile.phase * np.concatenate([np.ones(SYNC), number])
    step = 2j * np.pi / TILE * REFERENCE / (min(height, width) * laid_scale(height, width))
    down = np.exp(step * np.outer(np.arange(height) + 0.5, np.arange(-REACH, REACH + 1)))
    right = np.exp(step * np.outer(np.arange(REACH + 1), np.arange(width) + 0.5)).astype(np.complex64)
    half = (down @ spectrum).astype(np.complex64) / np.sqrt(len(tile.phase) / 2)
    return Mark(payload, (half.real @ right.real - half.imag @ right.imag).astype(np.float32))


def add_mark(pixels: np.ndarray, mark: Mark, bits: int = 8, full_range: bool = False) -> None:
    """Add the mark IN PLACE to a frame's luma, (H, W), or to its RGB, (H, W, 3), uint8 or uint16.

    bits: depth of the samples (10 for 10-bit video in uint16). full_range: luma runs over 0..255 and not 16..235, in
    units of 8 bits; RGB always does. Nothing but this frame decides what is added, so frames may come in any order.
    Raises InputError if size, type or depth do not fit.
    """
    check_samples(pixels, bits)
    if pixels.shape[:2] != mark.pattern.shape:
        height, width = mark.pattern.shape
        raise InputError(f"The mark is for frames of {width}x{height}, not {pixels.shape[1]}x{pixels.shape[0]}.")
    rgb = pixels.ndim == 3
    luma = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY) if rgb else pixels
    unit = 2.0 ** (bits - 8) * (1 if rgb or full_range else 219 / 255)
    _lay(pixels if rgb else pixels[..., None], strength(luma, unit), mark.pattern, (1 << bits) - 1)


def _lay(pixels: np.ndarray, allowed: np.ndarray, pattern: np.ndarray, most: int) -> None:
    """Add pattern (H, W) times allowed (h, w), enlarged linearly, to pixels (H, W, channels) in place."""
    wide = cv2.resize(allowed, (pixels.shape[1], allowed.shape[0]), interpolation=cv2.INTER_LINEAR)
    _lay_rows(pixels, wide, pattern, most)


@njit(cache=True, nogil=True)
def _lay_rows(pixels, allowed, pattern, most):
    """As _lay, allowed (h, W) as wide as the frame already; without a single copy, in loops that compile to vectors."""
    height, width, channels = pixels.shape
    half, last = np.float32(0.5), allowed.shape[0] - 1
    down = np.float32(allowed.shape[0] / height)
    step = np.empty(width, np.int32)
    for y in range(height):
        at = min(max((y + half) * down - half, np.float32(0)), np.float32(last))
        share = np.float32(at - int(at))
        upper, lower, line = allowed[int(at)], allowed[min(int(at) + 1, last)], pattern[y]
        for x in range(width):
            step[x] = np.int32(np.floor(line[x] * (upper[x] + share * (lower[x] - upper[x])) + half))
        if channels == 1:
            for x in range(width):
                pixels[y, x, 0] = min(max(np.int32(pixels[y, x, 0]) + step[x], np.int32(0)), np.int32(most))
        else:
            for x in range(width):
                for c in range(channels):
                    pixels[y, x, c] = min(max(np.int32(pixels[y, x, c]) + step[x], np.int32(0)), np.int32(most))


def strength(luma: np.ndarray, unit: float) -> np.ndarray:
    """(H, W) luma -> (h, w) float32 of a smaller size, how strong the mark may be, in samples; unit: samples per level.

    Texture hides the mark where it is as coarse as that, and not all shape; a flat wall, however grainy, soft shading,
    and skin beside an edge do not. Hence what is finer than 3 pixels and what is between 3 and 7 are taken at the
    reference size, each cut off and averaged, and the smallest average about decides, and the smaller of the two. In a
    large frame the same waves cover more pixels, and need to be less strong.
    """
    height, width = luma.shape
    shrink = max(min(height, width) // REFERENCE, 1)
    small = cv2.resize(luma, (width // shrink, height // shrink), interpolation=cv2.INTER_AREA).astype(np.float32)
    smooth = cv2.blur(small, (3, 3))
    fine = _texture(cv2.absdiff(small, smooth), *FINE, unit)
    coarse = _texture(cv2.absdiff(smooth, cv2.blur(smooth, (7, 7))), *COARSE, unit)
    size = (REFERENCE / max(min(height, width), REFERENCE)) ** 0.75
    allowed = np.minimum(fine, coarse + np.float32(GRAIN * unit)) + np.float32(FLAT * unit)
    most, whole = (np.float32(each * unit / np.sqrt(size)) for each in (MOST, WHOLE))
    return _capped(allowed, most, whole) * np.float32(size)


def _capped(allowed: np.ndarray, most: np.float32, whole: np.float32) -> np.ndarray:
    """allowed (h, w), at most `most`, and less where it is strongest until its rms is at most `whole`: what lies on
    strong texture is read worst, and so is given up first."""
    least = np.float32(0)
    capped = np.minimum(allowed, most)
    if np.square(capped).mean() <= whole * whole:
        return capped
    for _ in range(8):
        middle = (least + most) / 2
        capped = np.minimum(allowed, middle)
        least, most = (least, middle) if np.square(capped).mean() > whole * whole else (middle, most)
    return np.minimum(allowed, least)


def _texture(deviation: np.ndarray, noise: float, cut: float, slope: float, unit: float) -> np.ndarray:
    """Deviations (h, w) from what is about them -> how much of a mark they hide, a quarter the size."""
    deviation = cv2.min(deviation, cut * unit)
    # about 12 pixels of the reference for each of the three windows, at a quarter of the size: a tenth of the time
    side = (-(-deviation.shape[1] // 4), -(-deviation.shape[0] // 4))
    deviation = cv2.resize(deviation, side, interpolation=cv2.INTER_AREA)
    deviation = cv2.blur(cv2.erode(cv2.blur(deviation, (3, 3)), np.ones((3, 3), np.uint8)), (3, 3))
    return np.maximum(deviation - noise * unit, 0) * np.float32(slope)


def check_samples(pixels: np.ndarray, bits: int) -> None:
    """Raises InputError unless this is luma (H, W) or RGB (H, W, 3), uint8 or uint16, of that depth."""
    fits = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] == 3)
    if not fits or pixels.dtype not in (np.uint8, np.uint16):
        raise InputError(
            "The watermark takes luma (H, W) or RGB (H, W, 3) in uint8 or uint16, "
            f"not {pixels.dtype} of shape {pixels.shape}."
        )
    if (bits == 8) != (pixels.dtype == np.uint8) or bits not in range(8, 17):
        raise InputError(f"Samples of {bits} bits do not come in {pixels.dtype}; give the depth with bits=.")

"""Finds the watermark in a clip or a still without the original, and reads its number.

luma planes (H, W) or RGB frames (H, W, 3) -> Found. Frames are brought to the reference size and averaged; what is
fine or strong in the picture is evened out; then the waves of the mark are looked for at every scale and shift that
cropping may have led to, also mirrored.

How sure it is: whatever the picture, if it was made without knowing the phases of the waves, the angles between what
is measured of each wave and the wave itself are independent and uniform. The sum of w cos(angle) over all waves then is
larger than z times its deviation with a probability of at most exp(-z^2 / 2), for any weights w: a bound (Chernoff's,
as the mean of exp(t cos(angle)) is under exp(t^2 / 4)), not a fit to example pictures. It is multiplied by the number
of places tried and, where the signs were chosen to fit, by all 2^64 payloads.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from ..errors import InputError
from .watermark import REACH, REFERENCE, SYNC, TILE, carries, check_samples, laid_scale, waves
from .watermark_code import PAYLOAD_BITS, decode, encode

SURE = -6.0
"""log10 of the false-positive probability under which a mark counts as found."""

DENSE = 64  # every frame up to this one is looked at, then every second up to three times it, and so on
SMALLEST_SCALE, LARGEST_SCALE, STEP = (
    0.7,
    1.75,
    0.006,
)  # of the tile against an uncropped frame's; step: of its logarithm
CANDIDATES = 10  # places that look best, and are looked at closely
COARSE, CLOSE = 128, 256  # shifts tried along each side of the tile, first and then

_DIRECTIONS, _FINE, _WIDE = 6, 1 / 3, 1 / 28  # of the filters that even the picture out; cycles per pixel
_MARGIN = 48  # pixels that the picture is continued by, so that the filters do not wrap around


@dataclass(frozen=True)
class Found:
    """What was found in a clip."""

    payload: int | None
    """The number, read whole and its checksum right; None: no mark, or one that cannot be read."""
    log10_false: float
    """log10 of (a bound of) the chance that a clip without a mark looks so much like one; 0: nothing was found."""
    scale: float
    """Size of the pattern against that of an uncropped frame: 1 as it was, 1.25 after cropping to 80 %."""
    shift: tuple[float, float]
    """How far, right and down, the tile's corner lies off the frame's, in pixels of the frame; up to whole tiles."""
    mirrored: bool
    """Left and right were exchanged."""
    frames: int
    """How many frames were looked at."""

    @property
    def marked(self) -> bool:
        """A mark is there, though its number may be unreadable."""
        return self.log10_false < SURE


@dataclass(frozen=True)
class Place:
    """Where the tile may lie: (right, down) scales, and shifts in pixels of the tile."""

    scale: tuple[float, float]
    shift: tuple[float, float]
    mirrored: bool
    z: float


def find_mark(frames: Iterable[np.ndarray], bits: int = 8) -> Found:
    """Look for the mark in the frames of one clip, or in a single still ([still]).

    bits: depth of the samples. Raises InputError for no frames, frames of different shapes or of a wrong type.
    """
    mean, shape, count = average(frames, bits)
    if not carries(*shape[:2]):
        return _nothing(count)
    even = even_out(mean)
    views = {False: even, True: np.ascontiguousarray(even[:, ::-1])}
    uncropped = sorted({1.0, laid_scale(*shape[:2])})
    places = [Place((scale, scale), (0.0, 0.0), mirrored, 0.0) for mirrored in views for scale in uncropped]
    found = [read(views[place.mirrored], place, shape, count) for place in places]
    if not any(one.payload is not None for one in found):
        places = [look(views[m], (scale, scale), m, COARSE) for m in views for scale in scales()]
        for place in sorted(places, key=lambda place: -place.z)[:CANDIDATES]:
            found.append(read(views[place.mirrored], look_closely(views[place.mirrored], place), shape, count))
            if found[-1].payload is not None:
                break
    return min(found, key=lambda one: (one.payload is None, one.log10_false))


def find_laid(frames: Iterable[np.ndarray], bits: int = 8) -> Found:
    """find_mark for a clip that is just as it was marked: neither cropped, resized nor mirrored; far quicker."""
    mean, shape, count = average(frames, bits)
    if not carries(*shape[:2]):
        return _nothing(count)
    scale = laid_scale(*shape[:2])
    return read(even_out(mean), Place((scale, scale), (0.0, 0.0), False, 0.0), shape, count)


def _nothing(count: int) -> Found:
    return Found(None, 0.0, 1.0, (0.0, 0.0), False, count)


def average(frames: Iterable[np.ndarray], bits: int) -> tuple[np.ndarray, tuple[int, ...], int]:
    """Mean luma at the reference size, float32 in levels of 8 bits; the frames' shape; how many were looked at.

    Sampled ever more sparsely, so that hours take little longer than seconds; weighted so that all times count alike.
    """
    total, shape, looked, stride, weight = np.float32(0), None, 0, 1, 0
    for number, frame in enumerate(frames):
        check_samples(frame, bits)
        if shape is not None and frame.shape != shape:
            raise InputError(f"The frames of one clip differ in shape: {shape} and {frame.shape}.")
        shape = frame.shape
        if number % stride:
            continue
        total = total + stride * at_reference(frame)
        looked, weight = looked + 1, weight + stride
        if looked % DENSE == 0:
            stride *= 2
    if shape is None:
        raise InputError("A watermark can only be looked for in one frame or more; there was none.")
    return total / np.float32(weight << (bits - 8)), shape, looked


def at_reference(frame: np.ndarray) -> np.ndarray:
    """(h, w) float32 luma whose shorter side is the reference's."""
    luma = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) if frame.ndim == 3 else frame
    height, width = luma.shape
    factor = REFERENCE / min(height, width)
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return cv2.resize(luma, (round(width * factor), round(height * factor)), interpolation=way).astype(np.float32)


def even_out(luma: np.ndarray) -> np.ndarray:
    """(h, w) -> (h, w) float32: the mark's band, each direction divided by its own local strength.

    The picture drowns the mark where it is strong, and along its edges; what is left is nearly noise.
    """
    height, width = luma.shape
    wide = cv2.copyMakeBorder(luma, *[_MARGIN] * 4, cv2.BORDER_REFLECT)
    spectrum = np.fft.rfft2(wide)
    even = np.zeros(luma.shape, np.float32)
    for response in filters(wide.shape):
        part = np.fft.irfft2(spectrum * response, wide.shape).astype(np.float32)
        part /= np.sqrt(
            cv2.GaussianBlur(part * part, (0, 0), 3) + 0.1
        )  # a third of a level: codecs leave less of nothing
        even += part[_MARGIN : _MARGIN + height, _MARGIN : _MARGIN + width]
    return even


def filters(shape: tuple[int, int]) -> list[np.ndarray]:
    """Responses of the oriented band-pass filters for rfft2 of this shape, triangular in angle and log frequency."""
    down, right = np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1])[None]
    middle, half_width = np.log(_FINE * _WIDE) / 2, np.log(_FINE / _WIDE) / 2
    radial = np.clip(1 - np.abs(np.log(np.hypot(down, right) + 1e-9) - middle) / half_width, 0, 1)
    angle = np.arctan2(down, right)
    responses = []
    for direction in np.pi * np.arange(_DIRECTIONS) / _DIRECTIONS:
        off = np.abs((angle - direction + np.pi / 2) % np.pi - np.pi / 2)
        responses.append(np.sqrt(radial * np.clip(1 - off * _DIRECTIONS / np.pi, 0, 1)))
    return responses


@cache
def scales() -> tuple[float, ...]:
    """The scales that are tried."""
    first, last = np.ceil(np.log(SMALLEST_SCALE) / STEP), np.floor(np.log(LARGEST_SCALE) / STEP)
    return tuple(np.exp(STEP * np.arange(first, last + 1)))


def measured(even: np.ndarray, scale: tuple[float, float]) -> np.ndarray:
    """(n,) complex: each wave at this scale, against its own phase and divided by the strength of its neighbours."""
    height, width = even.shape
    turn = 2 * np.pi / TILE
    # in float32: a search takes hundreds of these, and cos of float64 would be most of its time
    right = np.outer(np.arange(width) + 0.5, np.arange(REACH + 1) * turn / scale[0]).astype(np.float32)
    down = np.outer(np.arange(-REACH, REACH + 1) * turn / scale[1], np.arange(height) + 0.5).astype(np.float32)
    rows = even @ np.concatenate([np.cos(right), -np.sin(right)], 1)
    plane = (np.cos(down) - 1j * np.sin(down)) @ (rows[:, : REACH + 1] + 1j * rows[:, REACH + 1 :])
    power = cv2.blur((plane.real**2 + plane.imag**2), (3, 3), borderType=cv2.BORDER_REFLECT)
    tile = waves()
    where = tile.down + REACH, tile.right
    return plane[where] / np.sqrt(power[where] + 1e-9) * tile.phase.conj()


def score(values: np.ndarray) -> float:
    """z of the sum of the values' real parts: in deviations, if their angles were uniform."""
    return float(values.real.sum() / np.sqrt((np.abs(values) ** 2).sum() / 2 + 1e-9))


def look(even: np.ndarray, scale: tuple[float, float], mirrored: bool, grid: int) -> Place:
    """The best of grid x grid shifts of the tile at this scale, by the waves that tell the place."""
    tile, values = waves(), measured(even, scale)[:SYNC]
    plane = np.zeros((grid, REACH + 1), np.complex64)
    plane[tile.down[:SYNC] % grid, tile.right[:SYNC]] = values
    surface = np.fft.irfft(np.fft.ifft(plane, axis=0), grid, axis=1)  # irfft2, but for columns that are all zero
    down, right = divmod(int(surface.argmax()), grid)
    shift = right * TILE / grid, down * TILE / grid
    return Place(scale, shift, mirrored, score(turned(values, shift, slice(SYNC))))


def look_closely(even: np.ndarray, place: Place) -> Place:
    """The best of the places about one: half a step of scale to either side, width and height apart, finer shifts."""
    factors = np.exp(STEP / 2 * np.array([-1, 0, 1]))
    near = [(place.scale[0] * right, place.scale[1] * down) for right in factors for down in factors]
    return max((look(even, scale, place.mirrored, CLOSE) for scale in near), key=lambda one: one.z)


def turned(values: np.ndarray, shift: tuple[float, float], which: slice = slice(None)) -> np.ndarray:
    """The values as they would be with the tile moved back by the shift."""
    tile = waves()
    return values * np.exp(2j * np.pi / TILE * (tile.right[which] * shift[0] + tile.down[which] * shift[1]))


def tries() -> int:
    """How many places are compared, at most."""
    return 4 + 2 * len(scales()) * COARSE**2 + CANDIDATES * 9 * CLOSE**2


def read(even: np.ndarray, place: Place, shape: tuple[int, ...], count: int) -> Found:
    """Read the number at a place, and say how likely that is by chance."""
    values = turned(measured(even, place.scale), place.shift)
    chances = [np.log10(tries()) - log10_tail(score(values[:SYNC]))]
    payload = decode(values.real[SYNC:])
    if payload is not None:
        z = score(values[SYNC:] * encode(payload))
        chances.append(np.log10(tries()) + PAYLOAD_BITS * np.log10(2) - log10_tail(z))
    # the smaller of two has twice the chance
    false = min(0.0, float(min(chances) + np.log10(2)))
    pixels = min(shape[:2]) / REFERENCE
    shift = tuple(float(-s % TILE * scale * pixels) for s, scale in zip(place.shift, place.scale))
    if payload is not None and false >= SURE:
        payload = None
    return Found(payload, false, float(np.sqrt(place.scale[0] * place.scale[1])), shift, place.mirrored, count)


def log10_tail(z: float) -> float:
    """-log10 of exp(-z^2 / 2)."""
    return max(z, 0.0) ** 2 / 2 / np.log(10)

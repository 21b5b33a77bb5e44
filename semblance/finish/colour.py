"""What is done to the colours of the new face: pictures (H, W, 3) float32 RGB 0..1 in and out, a ColourMap in between.

A map is a few numbers. It is fitted on small pictures (fit_colours.py), it can be averaged over time and weakened, and
it is applied to a picture of any size.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numba import njit

Space = Literal["lab", "rgb", "light"]
"""CIELAB (L 0..100); RGB 0..1 as it is shown; RGB 0..1 in proportion to light, without the curve of sRGB."""

CURVE = 256  # entries of a curve: one for each level of a byte
CUBE = 17  # nodes along a cube's side: a fitted face lies within 0.005 of where it would without the cube
_TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])  # IEC 61966-2-1
_TO_XYZ /= _TO_XYZ.sum(1, keepdims=True)  # white is 1, 1, 1
_FROM_ROOTS = np.array([[0, 116, 0, -16], [500, -500, 0, 0], [0, 200, -200, 0]], np.float64)  # CIELAB (CIE 15)
_KNEE, _SLOPE = (6 / 29) ** 3, 3 * (6 / 29) ** 2  # under the knee its cube root is a straight line
_SHOWN_KNEE, _LIGHT_KNEE, _LIGHT_SLOPE = 0.04045, 0.0031308, 12.92  # and so is sRGB's curve


@dataclass(frozen=True, slots=True, eq=False)
class ColourMap:
    """What becomes of every colour. `numbers`, float32, are by form:

    affine  (3, 4): matrix and offset, in `space`
    curves  (CURVE, 3): where level k / (CURVE - 1) of each channel goes, as shown
    cube    (CUBE, CUBE, CUBE, 3): where the colours of a grid [red, green, blue] go, as shown; linear in between
    """

    form: Literal["affine", "curves", "cube"]
    space: Space
    numbers: np.ndarray

    def weakened(self, strength: float) -> ColourMap:
        """The map that goes `strength` (0..1) of the way."""
        nothing = {"affine": lambda: np.eye(3, 4), "curves": lambda: levels(3), "cube": grid}[self.form]()
        return ColourMap(self.form, self.space, (nothing + strength * (self.numbers - nothing)).astype(np.float32))


def alike(one: ColourMap, other: ColourMap) -> bool:
    """Whether the two can be averaged."""
    return (one.form, one.space) == (other.form, other.space)


def averaged(maps: Sequence[ColourMap], weights: np.ndarray) -> ColourMap:
    """The mean of maps with these weights; all must be alike."""
    first, shares = maps[0].numbers.astype(np.float64), np.asarray(weights, np.float64) / np.sum(weights)
    # as changes of the first, so that equal maps have that very map as their mean
    change = sum(share * (each.numbers - first) for share, each in zip(shares, maps, strict=True))
    return ColourMap(maps[0].form, maps[0].space, (first + change).astype(np.float32))


def affine(space: Space, matrix: np.ndarray, offset: np.ndarray) -> ColourMap:
    """matrix (3, 3), offset (3,) in that space."""
    return ColourMap("affine", space, np.column_stack([matrix, offset]).astype(np.float32))


def apply_colour(pixels: np.ndarray, change: ColourMap) -> np.ndarray:
    """A picture (H, W, 3) float32 0..1 through the map, clipped to 0..1."""
    pixels = np.ascontiguousarray(pixels, np.float32)
    if change.form == "curves":
        return _through_curves(pixels, change.numbers)
    if change.form == "cube":
        return _through_cube(pixels, change.numbers)
    if change.space == "rgb":
        moved = cv2.transform(pixels, change.numbers)
        return np.clip(moved, 0, 1, out=moved)
    if change.space == "light":
        return _as_shown(cv2.transform(_as_light(pixels), change.numbers))
    # from roots to Lab, through the map and back to roots in one step
    whole, to_lab, back = (np.vstack([each, [0, 0, 0, 1]]) for each in (change.numbers, _FROM_ROOTS, _to_roots()))
    roots = cv2.transform(_roots(cv2.transform(_as_light(pixels), _TO_XYZ)), (back @ whole @ to_lab)[:3])
    return _as_shown(cv2.transform(_cubes(roots), np.linalg.inv(_TO_XYZ)))


def into(space: Space, pixels: np.ndarray) -> np.ndarray:
    """RGB as shown, (H, W, 3) float32 0..1 -> the space, float32."""
    if space == "rgb":
        return pixels
    light = _as_light(np.ascontiguousarray(pixels, np.float32))
    return cv2.transform(_roots(cv2.transform(light, _TO_XYZ)), _FROM_ROOTS) if space == "lab" else light


def out_of(space: Space, values: np.ndarray) -> np.ndarray:
    """The way back from `into`, float32, of any values: not clipped."""
    values = np.ascontiguousarray(values, np.float32)
    if space == "lab":
        values = cv2.transform(_cubes(cv2.transform(values, _to_roots())), np.linalg.inv(_TO_XYZ))
    return values if space == "rgb" else as_shown(values)


def _to_roots() -> np.ndarray:
    """(3, 4): Lab -> what it is made of, the cube roots of X, Y and Z."""
    return np.linalg.inv(np.vstack([_FROM_ROOTS, [0, 0, 0, 1]]))[:3]


def as_shown(light: np.ndarray) -> np.ndarray:
    """sRGB's curve, light -> shown value, going on straight below black."""
    bright = 1.055 * np.maximum(light, _LIGHT_KNEE) ** (1 / 2.4) - 0.055
    return np.where(light <= _LIGHT_KNEE, light * _LIGHT_SLOPE, bright).astype(np.float32)


def as_light(shown: np.ndarray) -> np.ndarray:
    """The way back from as_shown."""
    bright = ((np.maximum(shown, _SHOWN_KNEE) + 0.055) / 1.055) ** 2.4
    return np.where(shown <= _SHOWN_KNEE, shown / _LIGHT_SLOPE, bright).astype(np.float32)


def levels(channels: int) -> np.ndarray:
    """(CURVE, channels) float32: 0..1 in each."""
    return np.linspace(0, 1, CURVE, dtype=np.float32)[:, None].repeat(channels, 1)


def grid() -> np.ndarray:
    """(CUBE, CUBE, CUBE, 3) float32: each node's own colour."""
    axis = np.linspace(0, 1, CUBE, dtype=np.float32)
    return np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1)


def _polynomial(curve: Callable[[np.ndarray], np.ndarray], low: float) -> tuple[np.float32, ...]:
    """Highest power first: a curve on low..1, within 2e-6. Powers and roots would take ten times as long."""
    nodes = np.cos(np.pi * (np.arange(400) + 0.5) / 400) * (1 - low) / 2 + (1 + low) / 2
    return tuple(np.float32(each) for each in np.polyfit(nodes, curve(nodes), 7))


# roots are taken from the fourth root, two square roots, which is nearly straight to them
_LIGHT_OF_SHOWN = _polynomial(lambda shown: ((shown + 0.055) / 1.055) ** 2.4, _SHOWN_KNEE)
_SHOWN_OF_FOURTH = _polynomial(lambda fourth: 1.055 * fourth ** (4 / 2.4) - 0.055, _LIGHT_KNEE**0.25)
_ROOT_OF_FOURTH = _polynomial(lambda fourth: fourth ** (4 / 3), _KNEE**0.25)


@njit(cache=True, nogil=True, fastmath=True)
def _sum_of_powers(factors, x):
    total = factors[0]
    for n in range(1, len(factors)):
        total = total * x + factors[n]
    return total


@njit(cache=True, nogil=True, fastmath=True)
def _as_light(shown):
    """as_light of a picture float32, clipped to 0..1."""
    made = np.empty_like(shown)
    source, goal = shown.ravel(), made.ravel()
    for n in range(len(source)):
        x = min(max(source[n], np.float32(0)), np.float32(1))
        bright = _sum_of_powers(_LIGHT_OF_SHOWN, x)
        goal[n] = x * np.float32(1 / _LIGHT_SLOPE) if x <= np.float32(_SHOWN_KNEE) else bright
    return made


@njit(cache=True, nogil=True, fastmath=True)
def _as_shown(light):
    """as_shown of a picture float32, clipped to 0..1."""
    made = np.empty_like(light)
    source, goal = light.ravel(), made.ravel()
    for n in range(len(source)):
        x = min(max(source[n], np.float32(0)), np.float32(1))
        bright = _sum_of_powers(_SHOWN_OF_FOURTH, np.sqrt(np.sqrt(x)))
        goal[n] = x * np.float32(_LIGHT_SLOPE) if x <= np.float32(_LIGHT_KNEE) else bright
    return made


@njit(cache=True, nogil=True, fastmath=True)
def _roots(xyz):
    """X, Y, Z 0..1 -> their cube roots, a straight line near black."""
    made = np.empty_like(xyz)
    source, goal = xyz.ravel(), made.ravel()
    for n in range(len(source)):
        x = min(max(source[n], np.float32(0)), np.float32(1))
        bright = _sum_of_powers(_ROOT_OF_FOURTH, np.sqrt(np.sqrt(x)))
        goal[n] = x * np.float32(1 / _SLOPE) + np.float32(4 / 29) if x <= np.float32(_KNEE) else bright
    return made


@njit(cache=True, nogil=True, fastmath=True)
def _cubes(roots):
    """The way back from _roots, of any values."""
    made = np.empty_like(roots)
    source, goal = roots.ravel(), made.ravel()
    for n in range(len(source)):
        x = source[n]
        dark = (x - np.float32(4 / 29)) * np.float32(_SLOPE)
        goal[n] = dark if x <= np.float32(6 / 29) else x * x * x
    return made


@njit(cache=True, nogil=True)
def _below(place, count):
    """The entry below a place in a table, with one above it; what is not a number stays within the table, too."""
    return max(min(int(place), count - 2), 0)


@njit(cache=True, nogil=True)
def _through_curves(pixels, curves):
    made = np.empty_like(pixels)
    last = np.float32(len(curves) - 1)
    for y in range(pixels.shape[0]):
        for x in range(pixels.shape[1]):
            for c in range(3):
                place = min(max(pixels[y, x, c], np.float32(0)), np.float32(1)) * last
                k = _below(place, len(curves))
                value = curves[k, c] + (place - np.float32(k)) * (curves[k + 1, c] - curves[k, c])
                made[y, x, c] = min(max(value, np.float32(0)), np.float32(1))
    return made


@njit(cache=True, nogil=True)
def _through_cube(pixels, cube):
    made = np.empty_like(pixels)
    last = np.float32(len(cube) - 1)
    one, zero = np.float32(1), np.float32(0)
    for y in range(pixels.shape[0]):
        for x in range(pixels.shape[1]):
            r = min(max(pixels[y, x, 0], zero), one) * last
            g = min(max(pixels[y, x, 1], zero), one) * last
            b = min(max(pixels[y, x, 2], zero), one) * last
            i, j, k = _below(r, len(cube)), _below(g, len(cube)), _below(b, len(cube))
            r, g, b = r - np.float32(i), g - np.float32(j), b - np.float32(k)
            for c in range(3):
                low = (cube[i, j, k, c] * (one - b) + cube[i, j, k + 1, c] * b) * (one - g) + (
                    cube[i, j + 1, k, c] * (one - b) + cube[i, j + 1, k + 1, c] * b
                ) * g
                high = (cube[i + 1, j, k, c] * (one - b) + cube[i + 1, j, k + 1, c] * b) * (one - g) + (
                    cube[i + 1, j + 1, k, c] * (one - b) + cube[i + 1, j + 1, k + 1, c] * b
                ) * g
                made[y, x, c] = min(max(low + r * (high - low), zero), one)
    return made

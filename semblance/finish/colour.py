"""What is done to the colours of the new face: pictures (H, W, 3) float32 RGB 0..1 in and out, a ColourMap in between.

A map is a few numbers. It is fitted on small pictures (fit_colours.py), it can be averaged over time and weakened, and
it is applied to a picture of any size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import cv2
import numpy as np
from numba import njit

Space = Literal["lab", "rgb", "light"]
"""CIELAB (L 0..100); RGB 0..1 as it is shown; RGB 0..1 in proportion to light, without the curve of sRGB."""

CURVE = 256  # entries of a curve: one for each level of a byte
CUBE = 17  # nodes along a cube's side: a fitted face lies within 0.005 of where it would without the cube
_TABLE = 4096  # entries of the tables of sRGB's curve: within 1e-6


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


def averaged(maps: Sequence[ColourMap], weights: np.ndarray) -> ColourMap:
    """The mean of maps of one form and space with these weights."""
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
    if change.space == "light":
        return _affine_in_light(pixels, change.numbers, *_tables())
    moved = cv2.transform(into(change.space, pixels), change.numbers)
    if change.space == "lab":
        return cv2.cvtColor(moved, cv2.COLOR_Lab2RGB)
    return np.clip(moved, 0, 1, out=moved)


def into(space: Space, pixels: np.ndarray) -> np.ndarray:
    """RGB as shown, (H, W, 3) float32 0..1 -> the space, float32."""
    if space == "rgb":
        return pixels
    light = _through_table(np.ascontiguousarray(pixels, np.float32), _tables()[0])
    # from light, not from shown values: OpenCV takes those to Lab through a coarse grid, ten times farther off
    return cv2.cvtColor(light, cv2.COLOR_LRGB2Lab) if space == "lab" else light


def out_of(space: Space, values: np.ndarray) -> np.ndarray:
    """The way back from `into`, of any values; what comes out of Lab is clipped to what RGB can show."""
    values = np.ascontiguousarray(values, np.float32)
    if space == "rgb":
        return values
    return cv2.cvtColor(values, cv2.COLOR_Lab2RGB) if space == "lab" else as_shown(values)


def as_shown(light: np.ndarray) -> np.ndarray:
    """sRGB's curve, light -> shown value, going on straight below black."""
    bright = 1.055 * np.maximum(light, 0.0031308) ** (1 / 2.4) - 0.055
    return np.where(light <= 0.0031308, light * 12.92, bright).astype(np.float32)


def as_light(shown: np.ndarray) -> np.ndarray:
    """The way back from as_shown."""
    bright = ((np.maximum(shown, 0.04045) + 0.055) / 1.055) ** 2.4
    return np.where(shown <= 0.04045, shown / 12.92, bright).astype(np.float32)


def levels(channels: int) -> np.ndarray:
    """(CURVE, channels) float32: 0..1 in each."""
    return np.linspace(0, 1, CURVE, dtype=np.float32)[:, None].repeat(channels, 1)


def grid() -> np.ndarray:
    """(CUBE, CUBE, CUBE, 3) float32: each node's own colour."""
    axis = np.linspace(0, 1, CUBE, dtype=np.float32)
    return np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1)


@lru_cache(maxsize=1)
def _tables() -> tuple[np.ndarray, np.ndarray]:
    """sRGB's curve: light of a shown level, and the shown level of light, by its root, which is nearly straight."""
    steps = np.linspace(0, 1, _TABLE)
    return as_light(steps), as_shown(steps**2)


@njit(cache=True, nogil=True)
def _through_table(pixels, table):
    made = np.empty_like(pixels)
    last = np.float32(len(table) - 1)
    source, goal = pixels.ravel(), made.ravel()
    for n in range(len(source)):
        goal[n] = _at(table, min(max(source[n], np.float32(0)), np.float32(1)) * last)
    return made


@njit(cache=True, nogil=True)
def _affine_in_light(pixels, numbers, to_light, to_shown):
    made = np.empty_like(pixels)
    last = np.float32(len(to_light) - 1)
    light = np.empty(3, np.float32)
    for y in range(pixels.shape[0]):
        for x in range(pixels.shape[1]):
            for c in range(3):
                light[c] = _at(to_light, min(max(pixels[y, x, c], np.float32(0)), np.float32(1)) * last)
            for c in range(3):
                value = numbers[c, 0] * light[0] + numbers[c, 1] * light[1] + numbers[c, 2] * light[2] + numbers[c, 3]
                made[y, x, c] = _at(to_shown, np.sqrt(min(max(value, np.float32(0)), np.float32(1))) * last)
    return made


@njit(cache=True, nogil=True)
def _at(table, place):
    k = min(int(place), len(table) - 2)
    return table[k] + (place - np.float32(k)) * (table[k + 1] - table[k])


@njit(cache=True, nogil=True)
def _through_curves(pixels, curves):
    made = np.empty_like(pixels)
    last = np.float32(len(curves) - 1)
    for y in range(pixels.shape[0]):
        for x in range(pixels.shape[1]):
            for c in range(3):
                place = min(max(pixels[y, x, c], np.float32(0)), np.float32(1)) * last
                k = min(int(place), len(curves) - 2)
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
            i, j, k = (min(int(r), len(cube) - 2), min(int(g), len(cube) - 2), min(int(b), len(cube) - 2))
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

"""Training pairs for masks: stored pictures with masks -> (moved, bent and spoilt picture, its mask), from a seed.

The way of DeepFaceLab's XSeg (samplelib/SampleGeneratorFaceXSeg.py, 2023): another picture as background, bend and
move, flares, colours, blur, size, JPEG, each inside a random soft circle; the numbers are that code's where an option
says "paper". Ours beside it: things of any colour before the face, and a sensor's noise. `draw` a sample's chances,
`apply` them; sample k of a seed is the same whatever the batch.

Stored pictures (S, S, 3) uint8 RGB show VIEW times the side that the net sees, so that no edge comes in from outside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from pydantic import Field

from ..options import Options
from .augment import pick
from .spoil import Circle, inside, jpeg, levels, recolour, resampled, sharpen_or_blur

VIEW = 1.4
"""Stored side in sides of the net's picture: room for turns of 10 degrees, zooms of 0.8 and shifts."""
_CELLS = (2, 4, 8)  # cells along a side of the warp's lattice (paper)
_REACH = 0.24  # largest move of a node, in cells (paper)
_TAIL = 2.5  # standard deviations at which a node's move is cut (paper)


class DisturbOptions(Options):
    """How far pictures and masks are moved together, and how the picture alone is spoilt. Defaults: the paper's."""

    rotation: float = Field(10.0, ge=0, le=180)
    """largest turn either way, degrees"""
    zoom_in: float = Field(1.05, ge=1, le=3)
    """largest growth"""
    zoom_out: float = Field(0.95, gt=0.2, le=1)
    """smallest shrinking"""
    shift: float = Field(0.05, ge=0, le=1)
    """largest shift along each axis, as a share of the side"""
    flip: float = Field(0.4, ge=0, le=1)
    """how often a picture is mirrored"""
    warp: float = Field(1.0, ge=0, le=1)
    """how far the lattice's nodes move, as a share of the paper's reach"""
    background: float = Field(0.5, ge=0, le=1)
    """how often another picture shows through where there is no face"""
    flare: float = Field(0.5, ge=0, le=1)
    """how often the face, and how often what is around it, sheds light"""
    spoil: float = Field(0.25, ge=0, le=1)
    """how often each of blur, loss of size and JPEG comes"""
    noise: float = Field(0.0, ge=0, le=0.3)
    """largest standard deviation of a sensor's noise, 1 = white (paper: none)"""
    thing: float = Field(0.0, ge=0, le=1)
    """how often a thing of some colour comes before the face (paper: never)"""


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """What chance decided for one sample: numbers 0..1 by name, nodes (2, 7, 7) -1..1, a seed of noise."""

    chance: dict[str, np.ndarray]
    nodes: np.ndarray
    noise: int


_CHANCES = {
    "shelf": 1, "row": 1, "other": 2, "place": 6, "other_place": 6, "cells": 1, "background": 2, "flare": 6,
    "colour": 8, "colour_circle": 4, "blur": 4, "blur_circle": 4, "size": 3, "size_circle": 4, "jpeg": 2,
    "jpeg_circle": 4, "noise": 3, "thing": 10,
}  # fmt: skip


def draw(seed: int, number: int) -> Drawn:
    """Decide sample `number` of a seed, by a counter-based generator of its own (Philox)."""
    chance = np.random.Generator(np.random.Philox(key=[seed, int(number)]))
    numbers = np.split(chance.random(sum(_CHANCES.values())), np.cumsum(list(_CHANCES.values()))[:-1])
    nodes = np.clip(chance.standard_normal((2, _CELLS[-1] - 1, _CELLS[-1] - 1)), -_TAIL, _TAIL) / _TAIL
    return Drawn(dict(zip(_CHANCES, numbers)), nodes, int(chance.integers(2**31)))


def apply(
    shelves: Sequence[tuple[np.ndarray, np.ndarray]], drawn: Drawn, size: int, options: DisturbOptions
) -> tuple[np.ndarray, np.ndarray]:
    """One pair: picture (size, size, 3) and mask (size, size), uint8.

    shelves: (pictures (N, S, S, 3), masks (N, S, S)) uint8 of one or more folders, each as likely as the others.
    """
    chance = drawn.chance
    pictures, masks = shelves[pick(chance["shelf"], len(shelves))[0]]
    row = pick(chance["row"], len(pictures))[0]
    side = pictures.shape[1]
    matrix = _placement(chance["place"], side, size, options)
    across, down = _map(matrix, drawn, size, options)
    picture = cv2.remap(pictures[row], across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    mask = cv2.remap(masks[row], across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    picture, mask = picture.astype(np.float32) / 255, mask.astype(np.float32) / 255
    if chance["thing"][0] < options.thing:
        picture, mask = _thing(picture, mask, chance["thing"], _other(shelves, chance, size, options))
    if chance["background"][0] < options.background:
        strength = 0.15 + 0.85 * chance["background"][1]  # (paper)
        away = (strength * (1 - mask))[..., None]
        picture = picture + away * (_other(shelves, chance, size, options) - picture)
    picture = _flares(picture, mask, chance["flare"], options.flare)
    picture = _spoilt(picture, drawn, options)
    return np.rint(picture * 255).clip(0, 255).astype(np.uint8), np.rint(mask * 255).astype(np.uint8)


def plain(picture: np.ndarray, size: int) -> np.ndarray:
    """The unmoved view of a stored picture or mask: what a net of `size` sees of it."""
    side = picture.shape[0]
    step = side / (VIEW * size)
    corner = (side - 1) / 2 - step * (size - 1) / 2
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    matrix = np.array([[step, 0, corner], [0, step, corner]])
    return cv2.warpAffine(picture, matrix, (size, size), flags=flags, borderMode=cv2.BORDER_REPLICATE)


def _placement(chance: np.ndarray, side: int, size: int, options: DisturbOptions, rotation: float = -1) -> np.ndarray:
    """(2, 3) from the net's pixels to the stored picture's: turn, zoom, shift, mirror about the middle."""
    low, high = np.log(options.zoom_out), np.log(options.zoom_in)
    angle = np.radians((options.rotation if rotation < 0 else rotation) * (2 * chance[0] - 1))
    step = side / (VIEW * size) / np.exp(low + (high - low) * chance[1])
    turn = step * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    if chance[4] < options.flip:
        turn[:, 0] *= -1
    from_middle = (size - 1) / 2 + options.shift * size * (2 * chance[2:4] - 1)
    return np.column_stack([turn, (side - 1) / 2 - turn @ from_middle])


def _map(matrix: np.ndarray, drawn: Drawn, size: int, options: DisturbOptions) -> tuple[np.ndarray, np.ndarray]:
    """Where each of the net's pixels lies in the stored picture: bent by the lattice, then placed."""
    cells = _CELLS[pick(drawn.chance["cells"], len(_CELLS))[0]]
    cell = size / cells
    nodes = np.zeros((cells + 1, cells + 1, 2), np.float32)
    nodes[1:-1, 1:-1] = drawn.nodes[:, : cells - 1, : cells - 1].transpose(1, 2, 0) * (options.warp * _REACH * cell)
    grid = np.arange(size, dtype=np.float32)
    at = (grid + 0.5) / cell  # nodes lie on the picture's edges, and between them every cell
    weights = np.maximum(0, 1 - np.abs(at[:, None] - np.arange(cells + 1, dtype=np.float32)))
    moved = np.einsum("yi,ijk,xj->kyx", weights, nodes, weights, optimize=True)
    x, y = grid[None, :] + moved[0], grid[:, None] + moved[1]
    a = matrix.astype(np.float32)
    return a[0, 0] * x + a[0, 1] * y + a[0, 2], a[1, 0] * x + a[1, 1] * y + a[1, 2]


def _other(shelves: Sequence[tuple], chance: dict, size: int, options: DisturbOptions) -> np.ndarray:
    """Another picture, turned any way and recoloured: float32 0..1."""
    pictures, _ = shelves[pick(chance["other"][:1], len(shelves))[0]]
    other = pictures[pick(chance["other"][1:], len(pictures))[0]]
    matrix = _placement(chance["other_place"], other.shape[0], size, options, rotation=180)  # (paper)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    placed = cv2.warpAffine(other, matrix, (size, size), flags=flags, borderMode=cv2.BORDER_REFLECT)
    return recolour(placed.astype(np.float32) / 255, chance["colour"][::-1])


def _thing(picture: np.ndarray, mask: np.ndarray, chance: np.ndarray, other: np.ndarray):
    """A bar or a rounded box, of one colour or cut out of `other`, before the picture; there is no face behind it."""
    size = len(mask)
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) / size - 0.5
    angle = np.pi * chance[1]
    along = np.cos(angle) * (x - 0.7 * (chance[2] - 0.5)) + np.sin(angle) * (y - 0.7 * (chance[3] - 0.5))
    aside = np.cos(angle) * (y - 0.7 * (chance[3] - 0.5)) - np.sin(angle) * (x - 0.7 * (chance[2] - 0.5))
    long, wide = 0.05 + 0.6 * chance[4], 0.01 + 0.2 * chance[5] ** 2  # from a pencil to a book
    power = 2 + 4 * chance[6]
    within = (np.abs(along) / long) ** power + (np.abs(aside) / wide) ** power
    cover = np.clip((1 - within) * wide * size / 1.5 + 0.5, 0, 1).astype(np.float32)
    colour = other if chance[7] < 0.6 else np.broadcast_to(chance[7:10].astype(np.float32) ** 2, other.shape)
    return picture + cover[..., None] * (colour - picture), mask * (1 - cover)


def _flares(picture: np.ndarray, mask: np.ndarray, chance: np.ndarray, often: float) -> np.ndarray:
    """Light of the face, and of what is around it, shed over all (paper: a blur of a quarter to a whole side)."""
    for part, (comes, wide, strong) in zip((mask, 1 - mask), chance.reshape(2, 3)):
        if comes < often:
            sigma = len(mask) * (0.25 + 0.75 * wide) / 6  # a kernel of six deviations
            # so wide a blur holds no detail: an eighth of the size is enough
            small = cv2.resize(picture * part[..., None], (len(mask) // 8,) * 2, interpolation=cv2.INTER_AREA)
            shed = cv2.GaussianBlur(small, (0, 0), max(sigma / 8, 0.3))
            shed = cv2.resize(shed, mask.shape[::-1], interpolation=cv2.INTER_LINEAR)
            picture = np.minimum(picture + np.float32(0.6 * strong) * shed, 1)
    return picture


def _spoilt(picture: np.ndarray, drawn: Drawn, options: DisturbOptions) -> np.ndarray:
    """Colours, sharpness, size and compression, each inside a circle of its own; then the sensor's noise."""
    chance, size = drawn.chance, len(picture)
    colours = recolour if chance["colour"][7] < 0.5 else levels
    picture = inside(Circle(chance["colour_circle"], size), picture, colours(picture, chance["colour"]))
    if chance["noise"][0] < 0.5 and options.noise:
        rng = np.random.default_rng(drawn.noise)
        grain = rng.standard_normal(picture.shape, np.float32)
        if chance["noise"][2] < 0.5:  # what compression leaves of it is coarser
            grain = 2 * cv2.GaussianBlur(grain, (0, 0), 0.8)
        picture = np.clip(picture + np.float32(options.noise * chance["noise"][1]) * grain, 0, 1)
    if chance["blur"][0] < options.spoil:
        picture = inside(Circle(chance["blur_circle"], size), picture, sharpen_or_blur(picture, chance["blur"][1:]))
    if chance["size"][0] < options.spoil:
        picture = inside(Circle(chance["size_circle"], size), picture, resampled(picture, chance["size"][1:]))
    if chance["jpeg"][0] < options.spoil:
        quality = 10 + 90 * float(chance["jpeg"][1])  # (paper)
        picture = inside(Circle(chance["jpeg_circle"], size), picture, jpeg(picture, quality))
    return picture

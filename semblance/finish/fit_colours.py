"""Fits a map of colours: the new face and the plate's face in, both small and on one grid, a ColourMap out.

The transfers are those of faces/transfer.py, which tells where each is from. What lies outside the mask does not count,
and what stands out in either picture (a highlight, a hand, teeth) loses its weight softly in both, so that a steady
clip gives steady maps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from ..faces.transfer import (
    ENOUGH,
    Affine,
    Moments,
    least_movement,
    moments,
    moved_along,
    rotations,
    same_covariance,
    same_spread,
)
from .colour import ColourMap, Space, affine, grid, into, levels, out_of

Transfer = Literal["lab", "mean", "lct", "mkl", "idt", "sot", "hist", "mix"]

_GAIN = (0.5, 2.0)  # a nearly flat face, stretched further, shows noise; a darker one is less, a lighter one more
_DARKEST = 1e-3  # of light or a shown value: what is darker has no gain of light
_LAB_OFFSET = 16.0  # L + 16, a and b all grow as the cube root of light
_SOFT_LIMIT = 3.5  # robust standard deviations at which a pixel stops counting; it counts in full up to 2.5
_MAD_TO_DEVIATION = 1.4826  # of a normal distribution
_RIDGE = {"lab": 1e-4, "rgb": 1e-8, "light": 1e-8}  # variance of what is one colour: far under a level of 255
_LINEAR = {"lab": same_spread, "mean": same_spread, "lct": same_covariance, "mkl": least_movement}
_BINS = 64  # of a histogram: finer ones follow the grain of a few thousand pixels
_IDT_STEPS, _IDT_SHARE = 8, 0.5  # whole ways at once fold colours over each other where histograms are grainy
_SOT_STEPS = 4  # what they leave is less than the grain
_GOLDEN = (1 + 5**0.5) / 2


def fit_colours(
    transfer: Transfer, own: np.ndarray, wanted: np.ndarray, mask: np.ndarray, linear: bool = False
) -> ColourMap | None:
    """The map from the colours of `own` to those of `wanted`: pictures (S, S, 3) float32 RGB 0..1, mask (S, S) 0..1.

    linear: in proportion to light, for the transfers that work in RGB (lab and mix have Lab's own curve). Contrast is
    changed by half to double at most, further only as the light is. None if the mask holds too little.
    """
    space: Space = "lab" if transfer in ("lab", "mix") else "light" if linear else "rgb"
    pair = _trusted(into(space, own), into(space, wanted), mask, space)
    if pair is None:
        return None
    if transfer in _LINEAR:
        change = _linear(_LINEAR[transfer], pair)
        return affine(space, change.matrix, change.offset)
    if transfer == "hist":
        return ColourMap("curves", space, out_of(space, _distribution("hist", pair, into(space, levels(3)))))
    nodes = into(space, grid().reshape(1, -1, 3))[0]
    if transfer == "mix":
        lightness = _linear(same_spread, pair.channels(slice(1)))(nodes[:, :1])
        moved = np.hstack([lightness, _distribution("sot", pair.channels(slice(1, 3)), nodes[:, 1:])])
    else:
        moved = _distribution(transfer, pair, nodes)
    return ColourMap("cube", space, out_of(space, moved[None])[0].reshape(grid().shape))


@dataclass(frozen=True, slots=True, eq=False)
class _Pair:
    """Pixels of both faces that count, (N, C) each, and how much (N,); how many times as bright the wanted ones are;
    the variance of what counts as one colour."""

    own: np.ndarray
    wanted: np.ndarray
    weight: np.ndarray
    brighter: float
    ridge: float

    def channels(self, which: slice) -> _Pair:
        """The same of some channels."""
        return _Pair(self.own[:, which], self.wanted[:, which], self.weight, self.brighter, self.ridge)


def _trusted(own: np.ndarray, wanted: np.ndarray, mask: np.ndarray, space: Space) -> _Pair | None:
    """What counts of two pictures (S, S, 3): less the farther either is from its median in any channel; None if it is
    too little. The limits move with the data, so that gain and offset of a channel change no weight."""
    used = np.flatnonzero(mask.ravel() > 0.01)
    weight = mask.ravel()[used].astype(np.float64)
    if weight.sum() < ENOUGH:
        return None
    pictures = [np.ascontiguousarray(each.reshape(-1, 3)[used].T) for each in (own, wanted)]
    half = len(used) // 2
    for values in pictures:
        distance = np.abs(values - np.partition(values, half, axis=1)[:, half, None])
        spread = np.partition(distance, half, axis=1)[:, half] * _MAD_TO_DEVIATION
        # half of the mean distance: where most of a channel is clipped to white its median distance is nothing
        spread = np.maximum(spread, distance.mean(1) / 2) + 1e-6
        weight = weight * np.clip(_SOFT_LIMIT - (distance / spread[:, None]).max(0), 0, 1)
    if weight.sum() < ENOUGH:
        return None
    left = weight > 0
    weight, pictures = weight[left], [values.T[left] for values in pictures]
    own, wanted = (weight @ values / weight.sum() for values in pictures)
    if space == "lab":
        brighter = (wanted[0] + _LAB_OFFSET) / (own[0] + _LAB_OFFSET)
    else:
        brighter = max(wanted.mean(), _DARKEST) / max(own.mean(), _DARKEST)
    return _Pair(*pictures, weight, brighter, _RIDGE[space])


def _linear(way: Callable[[Moments, Moments], Affine], pair: _Pair, bounded: bool = True) -> Affine:
    """A linear transfer; bounded: its gain within the limits, in which a face that is dimmed keeps its contrast."""
    mine, theirs = (moments(each, pair.weight, pair.ridge) for each in (pair.own, pair.wanted))
    change = way(mine, theirs)
    left, gain, right = np.linalg.svd(change.matrix)
    least, most = _GAIN[0] * min(1, pair.brighter), _GAIN[1] * max(1, pair.brighter)
    if not bounded or (least <= gain.min() and gain.max() <= most):
        return change
    return Affine.between(left * np.clip(gain, least, most) @ right, mine, theirs)


def _distribution(kind: Literal["hist", "idt", "sot"], pair: _Pair, nodes: np.ndarray) -> np.ndarray:
    """Where the nodes (n, C) go when the pair's own samples go to the distribution of the wanted ones: (n, C).

    The linear way comes first: nodes lie farther apart than a face's tints, and beyond the samples' ends the turns
    only shift, so it is the linear way that carries the gain there.
    """
    way = same_spread if kind == "hist" else least_movement
    free, bounded = _linear(way, pair, bounded=False), _linear(way, pair)
    wanted = pair.wanted
    if not np.array_equal(free.matrix, bounded.matrix):  # brought as near as the gain may go
        wanted = bounded((wanted - free.offset) @ np.linalg.inv(free.matrix).T)
    x, counts = bounded(np.concatenate([pair.own, nodes])), np.concatenate([pair.weight, np.zeros(len(nodes))])
    turns, share = _turns(kind, nodes.shape[1])
    return moved_along(x, wanted, turns, share, counts, pair.weight, _BINS)[len(pair.own) :]


@lru_cache(maxsize=4)
def _turns(kind: Literal["hist", "idt", "sot"], channels: int) -> tuple[list[np.ndarray], float]:
    """Directions of each step, and the share of the way that each direction goes; the same for every frame, so that
    they are no reason to flicker.

    Those of sot lie evenly (through an icosahedron's corners, or every 45 degrees) and are turned at random: whatever
    the way's direction, their pulls add up to K / C of it.
    """
    chance = np.random.default_rng(0)
    if kind == "hist":
        return [np.eye(channels)], 1.0
    if kind == "idt":
        return rotations(chance, _IDT_STEPS), _IDT_SHARE
    if channels == 3:
        axes = np.array([[0, 1, _GOLDEN], [1, _GOLDEN, 0], [_GOLDEN, 0, 1]]) / np.hypot(1, _GOLDEN)
        axes = np.concatenate([axes, axes * [[1, 1, -1], [1, -1, 1], [-1, 1, 1]]])
        return [axes @ turn for turn in rotations(chance, _SOT_STEPS)], channels / len(axes)
    angles = np.pi / 4 * np.arange(4) + chance.uniform(0, np.pi, (_SOT_STEPS, 1))
    return [np.column_stack([np.cos(turn), np.sin(turn)]) for turn in angles], channels / 4

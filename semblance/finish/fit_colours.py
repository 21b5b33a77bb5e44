"""Fits a map of colours: the new face and the plate's face in, both small and on one grid, a ColourMap out.

The transfers are those of faces/transfer.py, which tells where each is from. What lies outside the mask does not count,
and what stands out in either picture (a highlight, a hand, teeth) loses its weight softly in both, so that a steady
clip gives steady maps.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Literal

import numpy as np

from ..faces.transfer import (
    ENOUGH,
    Affine,
    least_movement,
    moments,
    moved_along,
    rotations,
    same_covariance,
    same_spread,
)
from .colour import ColourMap, Space, affine, grid, into, levels, out_of

Transfer = Literal["lab", "mean", "lct", "mkl", "idt", "sot", "hist", "mix"]

_GAIN = (0.5, 2.0)  # a nearly flat face, stretched further, shows noise
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
    changed by half to double at most. None if the mask holds too little.
    """
    space: Space = "lab" if transfer in ("lab", "mix") else "light" if linear else "rgb"
    own, wanted, weight = _trusted(into(space, own), into(space, wanted), mask)
    if weight.sum() < ENOUGH:
        return None
    if transfer in _LINEAR:
        _, change = _linear(_LINEAR[transfer], own, wanted, weight, _RIDGE[space])
        return affine(space, change.matrix, change.offset)
    if transfer == "hist":
        nodes = into(space, levels(3))
        moved = _distribution([np.eye(3)], 1.0, same_spread, own, wanted, weight, nodes, _RIDGE[space])
        return ColourMap("curves", space, out_of(space, moved))
    nodes = into(space, grid().reshape(1, -1, 3))[0]
    if transfer == "idt":
        turns = _turns(3, "idt")
        moved = _distribution(turns, _IDT_SHARE, least_movement, own, wanted, weight, nodes, _RIDGE[space])
    elif transfer == "sot":
        turns = _turns(3, "sot")
        moved = _distribution(turns, 3 / len(turns[0]), least_movement, own, wanted, weight, nodes, _RIDGE[space])
    else:  # mix: light by its mean and deviation, tint by sot
        turns = _turns(2, "sot")
        _, lightness = _linear(same_spread, own[:, :1], wanted[:, :1], weight, _RIDGE[space])
        ab = _distribution(
            turns, 2 / len(turns[0]), least_movement, own[:, 1:], wanted[:, 1:], weight, nodes[:, 1:], _RIDGE[space]
        )
        moved = np.hstack([lightness(nodes[:, :1]), ab])
    return ColourMap("cube", space, out_of(space, moved[None])[0].reshape(grid().shape))


def _trusted(own: np.ndarray, wanted: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pixels (N, 3) of both pictures that count, and how much each does (N,): less the farther either is from its
    median in any channel. The limits move with the data, so that gain and offset of a channel change no weight."""
    used = np.flatnonzero(mask.ravel() > 0.01)
    weight = mask.ravel()[used].astype(np.float64)
    pictures = [np.ascontiguousarray(each.reshape(-1, 3)[used].T) for each in (own, wanted)]
    half = len(used) // 2
    for values in pictures if half else ():
        distance = np.abs(values - np.partition(values, half, axis=1)[:, half, None])
        spread = np.partition(distance, half, axis=1)[:, half] * _MAD_TO_DEVIATION
        # half of the mean distance: where most of a channel is clipped to white its median distance is nothing
        spread = np.maximum(spread, distance.mean(1) / 2) + 1e-6
        weight = weight * np.clip(_SOFT_LIMIT - (distance / spread[:, None]).max(0), 0, 1)
    left = weight > 0
    return pictures[0].T[left], pictures[1].T[left], weight[left]


def _linear(way: Callable, own, wanted, weight, ridge) -> tuple[Affine, Affine]:
    """The linear transfer from samples (N, C) to (N, C), and the same within the limits of gain."""
    mine, theirs = moments(own, weight, ridge), moments(wanted, weight, ridge)
    change = way(mine, theirs)
    left, gain, right = np.linalg.svd(change.matrix)
    if _GAIN[0] <= gain.min() and gain.max() <= _GAIN[1]:
        return change, change
    return change, Affine.between(left * np.clip(gain, *_GAIN) @ right, mine, theirs)


def _distribution(
    turns: list[np.ndarray],
    share: float,
    way: Callable,  # the linear transfer whose gain is limited
    own: np.ndarray,  # (N, C)
    wanted: np.ndarray,  # (N, C)
    weight: np.ndarray,  # (N,)
    nodes: np.ndarray,  # (n, C)
    ridge: float,
) -> np.ndarray:
    """Where the nodes go when the samples `own` go to the distribution of `wanted`: (n, C).

    The linear way comes first: nodes lie farther apart than a face's tints, and beyond the samples' ends the turns
    only shift, so it is the linear way that carries the gain there.
    """
    free, bounded = _linear(way, own, wanted, weight, ridge)
    if free is not bounded:  # what is wanted is brought as near as the gain may go
        wanted = bounded((wanted - free.offset) @ np.linalg.inv(free.matrix).T)
    x, counts = bounded(np.concatenate([own, nodes])), np.concatenate([weight, np.zeros(len(nodes))])
    return moved_along(x, wanted, turns, share, counts, weight, _BINS)[len(own) :]


@lru_cache(maxsize=4)
def _turns(channels: int, kind: Literal["idt", "sot"]) -> list[np.ndarray]:
    """Directions of each step, the same for every frame, so that they are no reason to flicker.

    Those of sot lie evenly (through an icosahedron's corners, or every 45 degrees) and are turned at random: what they
    pull adds up to K / C of the way, whatever its direction.
    """
    chance = np.random.default_rng(0)
    if kind == "idt":
        return rotations(chance, _IDT_STEPS)
    if channels == 3:
        axes = np.array([[0, 1, _GOLDEN], [1, _GOLDEN, 0], [_GOLDEN, 0, 1]]) / np.hypot(1, _GOLDEN)
        axes = np.concatenate([axes, axes * np.sign([[1, 1, -1], [1, -1, 1], [-1, 1, 1]])])
        return [axes @ turn for turn in rotations(chance, _SOT_STEPS)]
    angles = np.pi / 4 * np.arange(4) + chance.uniform(0, np.pi, (_SOT_STEPS, 1))
    return [np.column_stack([np.cos(turn), np.sin(turn)]) for turn in angles]

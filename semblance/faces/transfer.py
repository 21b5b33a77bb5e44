"""Colour transfers: from samples of two faces' colours, (N, C) and (M, C), to the change that makes one the other.

    rct   mean and deviation of each channel in CIELAB (Reinhard et al. 2001)
    lct   mean and covariance in RGB through principal axes (DeepFaceLab; Gatys et al. 2016 name it PCA)
    mkl   the same with the least movement: Monge-Kantorovich (Pitie and Kokaram 2007)
    idt   whole distribution, axis by axis of random rotations (Pitie, Kokaram, Dahyot 2005, 2007)
    sot   whole distribution, along random directions (sliced optimal transport: Rabin et al. 2011, Bonneel et al. 2015)
    hist  histogram of each channel alone
    mix   light as lct, colour as sot

`transfer` puts the parts together for training pictures, with DeepFaceLab's numbers (2023 code, commit 46fc2397);
finish/fit_colours.py does for the merge. What has no weight does not count: DeepFaceLab's rct sets what is outside of a
mask to black and counts it, which darkens faces the more the smaller they are; not so here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numba import njit

from ..errors import InputError

Kind = Literal["rct", "lct", "mkl", "idt", "sot", "mix"]

ENOUGH = 8  # pixels below which there is no colour to speak of
ROTATIONS, BINS = 20, 256  # idt: each rotation goes a 20th of the way, all together 64 %
STEPS, DIRECTIONS = 10, 5  # sot: steps of so many directions each (30 when merging)
SPREAD, SPREAD_REACH = 16.0, 24  # sot: deviation in pixels by which displacements are smoothed, cut at 1.5 deviations
_RIDGE = 1e-5  # DeepFaceLab's: added to variances, so that one-coloured pictures have an inverse
_FLAT = 1e-6  # samples within so much of each other have no histogram: they are shifted by the means' difference


def transfer(
    pixels: np.ndarray,  # (H, W, 3) float32 RGB 0..1, the picture to change
    reference: np.ndarray,  # (h, w, 3), whose colours it takes
    kind: Kind,
    mask: np.ndarray | None = None,  # (H, W): pixels above one half count; None: all
    reference_mask: np.ndarray | None = None,  # (h, w)
    seed: int = 0,  # of rotations and directions
    directions: int = DIRECTIONS,  # sot and mix
) -> np.ndarray:
    """The picture in the reference's colours, clipped to 0..1; unchanged where a mask is nearly empty."""
    pixels, reference = (np.ascontiguousarray(x, np.float32) for x in (pixels, reference))
    inside = np.ones(pixels.shape[:2], bool) if mask is None else mask > 0.5
    lent = np.ones(reference.shape[:2], bool) if reference_mask is None else reference_mask > 0.5
    if inside.sum() < ENOUGH or lent.sum() < ENOUGH:
        return pixels
    chance = np.random.default_rng(seed)
    if kind in ("rct", "mix"):
        lab, wanted = to_lab(pixels), to_lab(reference)[lent]
        own = lab[inside]
        if kind == "rct":
            lab = same_spread(moments(own), moments(wanted))(lab)
        else:
            lab[..., :1] = same_covariance(moments(own[:, :1]), moments(wanted[:, :1]))(lab[..., :1])
            moved = moved_along(own[:, 1:], wanted[:, 1:], slices(chance, directions, 2), 1 / directions)
            lab[..., 1:] += _smoothed(moved - own[:, 1:], inside)
        changed = cv2.cvtColor(np.clip(lab, (0, -127, -127), (100, 127, 127)).astype(np.float32), cv2.COLOR_Lab2RGB)
    elif kind == "lct":
        changed = same_covariance(moments(pixels[inside]), moments(reference[lent]))(pixels)
    elif kind == "mkl":
        changed = least_movement(moments(pixels[inside]), moments(reference[lent]))(pixels)
    elif kind == "idt":
        turns, weight = rotations(chance, ROTATIONS), inside.ravel()
        changed = moved_along(pixels.reshape(-1, 3), reference[lent], turns, 1 / ROTATIONS, weight)
        changed = changed.reshape(pixels.shape)
    elif kind == "sot":
        own = pixels[inside]
        moved = moved_along(own, reference[lent], slices(chance, directions, 3), 1 / directions)
        changed = pixels + _smoothed(moved - own, inside)
    else:
        raise InputError(f"There is no colour transfer '{kind}'; choose of rct, lct, mkl, idt, sot and mix.")
    return np.clip(changed, 0, 1).astype(np.float32)


def to_lab(pixels: np.ndarray) -> np.ndarray:
    """(H, W, 3) float32 RGB 0..1 -> L 0..100, a and b about +-127."""
    return cv2.cvtColor(pixels, cv2.COLOR_RGB2Lab)


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """mean (C,) and covariance (C, C) float64 of samples."""

    mean: np.ndarray
    covariance: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Affine:
    """x -> matrix @ x + offset for colours x (..., C)."""

    matrix: np.ndarray  # (C, C)
    offset: np.ndarray  # (C,)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return x @ self.matrix.T + self.offset

    @staticmethod
    def between(matrix: np.ndarray, own: Moments, wanted: Moments) -> Affine:
        """With this matrix, and the mean of `own` going to that of `wanted`."""
        return Affine(matrix, wanted.mean - matrix @ own.mean)


def moments(samples: np.ndarray, weight: np.ndarray | None = None, ridge: float = _RIDGE) -> Moments:
    """Of samples (N, C) with weights (N,); ridge is added to each variance, so that there always is an inverse."""
    samples = samples.astype(np.float64)
    weight = np.full(len(samples), 1 / len(samples)) if weight is None else weight / weight.sum(dtype=np.float64)
    mean = weight @ samples
    centred = samples - mean
    return Moments(mean, (centred * weight[:, None]).T @ centred + ridge * np.eye(samples.shape[1]))


def same_spread(own: Moments, wanted: Moments) -> Affine:
    """Channel by channel to the wanted mean and deviation."""
    gain = np.sqrt(np.diag(wanted.covariance) / np.maximum(np.diag(own.covariance), 1e-12))
    return Affine.between(np.diag(gain), own, wanted)


def same_covariance(own: Moments, wanted: Moments) -> Affine:
    """To the wanted mean and covariance, by both square roots."""
    return Affine.between(_root(wanted.covariance) @ np.linalg.inv(_root(own.covariance)), own, wanted)


def least_movement(own: Moments, wanted: Moments) -> Affine:
    """As same_covariance, but of all such maps the one that moves samples least: its matrix is symmetric, positive."""
    root = _root(own.covariance)
    back = np.linalg.inv(root)
    return Affine.between(back @ _root(root @ wanted.covariance @ root) @ back, own, wanted)


def _root(matrix: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(matrix)
    return vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T


def moved_along(
    x: np.ndarray,  # (N, C)
    wanted: np.ndarray,  # (M, C)
    turns: Iterable[np.ndarray],  # unit directions (K, C) of each step
    share: float,  # of the way that each direction goes, ways added up
    weight: np.ndarray | None = None,  # (N,): what of weight 0 does not count is moved as those beside it are
    wanted_weight: np.ndarray | None = None,  # (M,)
    bins: int = BINS,
) -> np.ndarray:
    """x, float32, moved step by step along directions so that its histograms there become those of `wanted`."""
    weight, wanted_weight = (
        np.ones(len(each), np.float32) if given is None else np.ascontiguousarray(given, np.float32)
        for each, given in ((x, weight), (wanted, wanted_weight))
    )
    x, wanted = (np.ascontiguousarray(each, np.float32) for each in (x, wanted))
    for directions in turns:
        directions = np.ascontiguousarray(directions, np.float32)
        x = _moved_along(x, weight, wanted, wanted_weight, directions, np.float32(share), bins)
    return x


def rotations(chance: np.random.Generator, count: int) -> list[np.ndarray]:
    """Turns of idt: random rotations (3, 3), all equally likely."""
    return [_rotation(chance) for _ in range(count)]


def slices(chance: np.random.Generator, count: int, channels: int, steps: int = STEPS) -> list[np.ndarray]:
    """Turns of sot: so many random directions (count, channels) for each step."""
    drawn = [chance.normal(size=(count, channels)) for _ in range(steps)]
    return [each / np.linalg.norm(each, axis=1, keepdims=True) for each in drawn]


@njit(cache=True, nogil=True)
def _moved_along(x, weight, wanted, wanted_weight, directions, share, bins):
    made = x.copy()
    along, goal = np.empty(len(x), np.float32), np.empty(len(wanted), np.float32)
    starts, ends = np.empty(bins, np.float32), np.empty(bins, np.float32)
    for direction in directions:
        low, width, own_rank = _ranks(x, weight, direction, along, bins)
        goal_low, goal_width, goal_rank = _ranks(wanted, wanted_weight, direction, goal, bins)
        if width * bins < _FLAT:
            shift = _mean(goal, wanted_weight) - _mean(along, weight)
            for n in range(len(x)):
                for c in range(x.shape[1]):
                    made[n, c] += share * shift * direction[c]
            continue
        _goals(own_rank, goal_rank, goal_low, goal_width, starts, ends)
        first, last = starts[0] - low, ends[bins - 1] - (low + bins * width)
        for n in range(len(x)):
            at = (along[n] - low) / width
            if at <= 0:
                move = first
            elif at >= bins:
                move = last
            else:
                k = min(int(at), bins - 1)
                move = starts[k] + (at - k) * (ends[k] - starts[k]) - along[n]
            for c in range(x.shape[1]):
                made[n, c] += share * move * direction[c]
    return made


@njit(cache=True, nogil=True)
def _ranks(x, weight, direction, along, bins):
    """Fills along (N,); returns the first edge, the bins' width, and what share of the weight lies below each edge."""
    low, high = np.float32(np.inf), np.float32(-np.inf)
    for n in range(len(x)):
        value = np.float32(0)
        for c in range(x.shape[1]):
            value += x[n, c] * direction[c]
        along[n] = value
        if weight[n] > 0:
            low, high = min(low, value), max(high, value)
    width = (high - low) / np.float32(bins)
    rank = np.zeros(bins + 1, np.float64)
    scale = 1 / max(width, np.float32(1e-12))
    for n in range(len(x)):
        if weight[n] > 0:
            rank[min(int((along[n] - low) * scale), bins - 1) + 1] += weight[n]
    for k in range(bins):
        rank[k + 1] += rank[k]
    return low, width, rank / rank[bins]


@njit(cache=True, nogil=True)
def _goals(own_rank, goal_rank, low, width, starts, ends):
    """Where each bin's start and end go: to the wanted values of the same rank. Over bins without samples the way is
    straight, so that colours in a gap go between those beside it."""
    bins = len(starts)
    j = 0
    for k in range(bins):  # the least wanted value of the rank at each bin's end
        rank = own_rank[k + 1]
        while j < bins - 1 and goal_rank[j + 1] < rank:
            j += 1
        within = (rank - goal_rank[j]) / max(goal_rank[j + 1] - goal_rank[j], 1e-12)
        ends[k] = low + width * (j + min(within, 1.0))
    j = bins - 1
    for k in range(bins - 1, -1, -1):  # the greatest wanted value of the rank at each bin's start
        rank = own_rank[k]
        while j > 0 and goal_rank[j] > rank:
            j -= 1
        within = (rank - goal_rank[j]) / max(goal_rank[j + 1] - goal_rank[j], 1e-12)
        starts[k] = low + width * (j + max(within, 0.0))
    k = 0
    while k < bins:
        stop = k
        while stop < bins and own_rank[stop + 1] == own_rank[k]:
            stop += 1
        if stop > k:  # bins k .. stop - 1 are empty; the first and the last bin never are
            left, right = ends[k - 1], starts[stop]
            for n in range(k, stop):
                starts[n] = left + (right - left) * (n - k) / (stop - k)
                ends[n] = left + (right - left) * (n + 1 - k) / (stop - k)
        k = max(stop, k + 1)


@njit(cache=True, nogil=True)
def _mean(values, weight):
    total, mass = 0.0, 0.0
    for n in range(len(values)):
        total += values[n] * weight[n]
        mass += weight[n]
    return np.float32(total / mass)


def _rotation(chance: np.random.Generator) -> np.ndarray:
    """A random rotation (3, 3), all equally likely."""
    q, r = np.linalg.qr(chance.normal(size=(3, 3)))
    q = q * np.sign(np.diag(r))
    return q * np.sign(np.linalg.det(q))


def _smoothed(moves: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Displacements (N, C) of the pixels inside -> of all (H, W, C), smooth, so that no grain is made.

    DeepFaceLab filters bilaterally with a colour deviation of 5 for values of 0..1, which is a Gaussian.
    """
    spread = np.zeros((*inside.shape, moves.shape[1]), np.float32)
    spread[inside] = moves
    blur = [
        cv2.GaussianBlur(x, (2 * SPREAD_REACH + 1,) * 2, SPREAD, borderType=cv2.BORDER_REFLECT)
        for x in (spread, inside.astype(np.float32))
    ]
    return blur[0] / np.maximum(blur[1], 1e-3)[..., None]

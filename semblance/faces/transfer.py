"""Colour transfers: give a picture the colours of a reference; both (H, W, 3) float32 RGB 0..1, sizes may differ.

    rct  mean and deviation of each channel in CIELAB (Reinhard et al. 2001)
    lct  mean and covariance in RGB through principal axes (DeepFaceLab; Gatys et al. 2016 name it PCA)
    mkl  the same with the least movement: Monge-Kantorovich (Pitie and Kokaram 2007)
    idt  whole distribution, axis by axis of random rotations (Pitie et al. 2007)
    sot  whole distribution, by sorting along random directions (sliced optimal transport, Bonneel et al. 2015)
    mix  light as lct, colour as sot

Numbers are those of DeepFaceLab (2023 code, commit 46fc2397). Where masks are given, nothing outside of them counts;
its rct sets the outside to black and counts it, which darkens faces the more the smaller they are: not so here.
"""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np

from ..errors import InputError

Kind = Literal["rct", "lct", "mkl", "idt", "sot", "mix"]

ENOUGH = 8  # pixels below which there is no colour to speak of
ROTATIONS, BINS = 20, 256  # idt
STEPS, DIRECTIONS = 10, 5  # sot: steps of so many directions each (30 when merging)
SPREAD, SPREAD_REACH = 16.0, 24  # sot: deviation in pixels by which displacements are smoothed, cut at 1.5 deviations


def transfer(
    pixels: np.ndarray,  # (H, W, 3), the picture to change
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
        if kind == "rct":
            lab = same_spread(lab, lab[inside], wanted)
        else:
            lab[..., :1] = same_covariance(lab[..., :1], lab[inside][:, :1], wanted[:, :1])
            lab[..., 1:] += _smoothed(sliced(lab[inside][:, 1:], wanted[:, 1:], chance, directions), lab, inside, 1)
        changed = cv2.cvtColor(np.clip(lab, (0, -127, -127), (100, 127, 127)).astype(np.float32), cv2.COLOR_Lab2RGB)
    elif kind == "lct":
        changed = same_covariance(pixels, pixels[inside], reference[lent])
    elif kind == "mkl":
        changed = least_movement(pixels, pixels[inside], reference[lent])
    elif kind == "idt":
        changed = rotated_histograms(pixels.reshape(-1, 3), inside.ravel(), reference[lent], chance)
        changed = changed.reshape(pixels.shape)
    elif kind == "sot":
        changed = pixels + _smoothed(sliced(pixels[inside], reference[lent], chance, directions), pixels, inside, 0)
    else:
        raise InputError(f"There is no colour transfer '{kind}'; choose of rct, lct, mkl, idt, sot and mix.")
    return np.clip(changed, 0, 1).astype(np.float32)


def to_lab(pixels: np.ndarray) -> np.ndarray:
    """RGB 0..1 -> L 0..100, a and b about +-127."""
    return cv2.cvtColor(pixels, cv2.COLOR_RGB2Lab)


def same_spread(x: np.ndarray, own: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """x (..., C) moved so that samples `own` (N, C) get mean and deviation of `wanted` (M, C), channel by channel."""
    return (x - own.mean(0)) * (wanted.std(0) / np.maximum(own.std(0), 1e-6)) + wanted.mean(0)


def same_covariance(x: np.ndarray, own: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """x (..., C) moved linearly so that samples `own` get mean and covariance of `wanted`, by both square roots."""
    moved = _root(_covariance(wanted)) @ np.linalg.inv(_root(_covariance(own)))
    return (x - own.mean(0)) @ moved.T + wanted.mean(0)


def least_movement(x: np.ndarray, own: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """As same_covariance, but of all such maps the one that moves samples least."""
    root = _root(_covariance(own))
    back = np.linalg.inv(root)
    moved = back @ _root(root @ _covariance(wanted) @ root) @ back
    return (x - own.mean(0)) @ moved.T + wanted.mean(0)


def _covariance(samples: np.ndarray) -> np.ndarray:
    """(C, C) float64, with so much added that one-coloured pictures have an inverse (DeepFaceLab: 1e-5)."""
    size = samples.shape[1]
    return np.cov(samples.astype(np.float64), rowvar=False).reshape(size, size) + 1e-5 * np.eye(size)


def _root(matrix: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(matrix)
    return vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T


def rotated_histograms(
    x: np.ndarray,  # (N, 3)
    inside: np.ndarray,  # (N,) bool: whose histogram counts; all are moved
    wanted: np.ndarray,  # (M, 3)
    chance: np.random.Generator,
    rotations: int = ROTATIONS,
    relaxation: float = 1 / ROTATIONS,  # share of the way that each rotation goes
) -> np.ndarray:
    """x after so many random rotations, along whose axes its histograms were brought towards those of `wanted`."""
    x, wanted = x.astype(np.float64), wanted.astype(np.float64)
    for _ in range(rotations):
        axes = _rotation(chance)
        own, goal = x @ axes, wanted @ axes
        matched = np.stack([match_histogram(own[:, n], inside, goal[:, n]) for n in range(3)], axis=1)
        x = x + relaxation * (matched - own) @ axes.T
    return x


def match_histogram(x: np.ndarray, inside: np.ndarray, wanted: np.ndarray, bins: int = BINS) -> np.ndarray:
    """x (N,) through the map that gives its samples inside the histogram of `wanted` (M,)."""
    own = x[inside]
    span = min(own.min(), wanted.min()), max(own.max(), wanted.max()) + 1e-9
    shares = []
    for samples in (own, wanted):
        counts, edges = np.histogram(samples, bins, span)
        shares.append(np.concatenate([[0], np.cumsum(counts) / len(samples)]))
    return np.interp(np.interp(x, edges, shares[0]), shares[1], edges)


def _rotation(chance: np.random.Generator) -> np.ndarray:
    """A random rotation (3, 3), all equally likely."""
    q, r = np.linalg.qr(chance.normal(size=(3, 3)))
    q = q * np.sign(np.diag(r))
    return q * np.sign(np.linalg.det(q))


def sliced(
    samples: np.ndarray, wanted: np.ndarray, chance: np.random.Generator, directions: int, steps: int = STEPS
) -> np.ndarray:
    """How far each of the samples (N, C) has to go to be spread as `wanted` (M, C): (N, C) float32."""
    x, wanted = samples.astype(np.float32), wanted.astype(np.float32)
    places = (np.arange(len(x)) + 0.5) * len(wanted) / len(x) - 0.5  # of equal rank among the wanted
    ranks = np.arange(len(wanted))
    for _ in range(steps):
        moved = np.zeros_like(x)
        for direction in chance.normal(size=(directions, x.shape[1])):
            direction = (direction / np.linalg.norm(direction)).astype(np.float32)
            along = x @ direction
            goal = np.interp(places, ranks, np.sort(wanted @ direction))
            order = np.argsort(along)
            moved[order] += (goal - along[order])[:, None].astype(np.float32) * direction
        x = x + moved / directions
    return x - samples


def _smoothed(moves: np.ndarray, like: np.ndarray, inside: np.ndarray, first: int) -> np.ndarray:
    """Displacements (N, C) of the pixels inside -> of all (H, W, C), smooth, so that no grain is made.

    DeepFaceLab filters bilaterally with a colour deviation of 5 for values of 0..1, which is a Gaussian.
    """
    spread = np.zeros((*like.shape[:2], like.shape[2] - first), np.float32)
    spread[inside] = moves
    blur = [
        cv2.GaussianBlur(x, (2 * SPREAD_REACH + 1,) * 2, SPREAD, borderType=cv2.BORDER_REFLECT)
        for x in (spread, inside.astype(np.float32))
    ]
    return blur[0] / np.maximum(blur[1], 1e-3)[..., None]

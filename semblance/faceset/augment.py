"""Training pairs: stored crops -> (warped input, target), drawn once from a seed, then applied in batches.

The way of the original autoencoder (deepfakes/faceswap, December 2017): rotate, zoom, shift and flip the crop, bend a
5x5 grid over its middle, sample the input through the bent grid, the target through the similarity that fits it best.
All geometry is composed into one map per picture, so that nothing is resampled twice. Sample k of a seed is the same
whatever the batch size. `shrink` once, `draw` per batch, `apply` per batch.

Convention: pixel centres; positions inside the maths are shares of the crop's side measured from its centre.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from pydantic import Field

from ..options import Options

GRID = 5
"""Nodes along each side of the warp grid (2017 code, image_augmentation.py)."""

SPARE = 1.25
"""Stored pixels per network pixel: more would alias, because bilinear sampling reads four neighbours only."""


class AugmentOptions(Options):
    """How far training pictures are moved, bent and tinted. Defaults: the 2017 code's; colour: faceswap's of 2026."""

    rotation: float = Field(10.0, ge=0, le=180)
    """largest turn either way, degrees"""
    zoom: float = Field(0.05, ge=0, lt=1)
    """largest change of size either way, as a share"""
    shift: float = Field(0.05, ge=0, le=1)
    """largest shift along each axis, as a share of the stored crop's side"""
    flip: float = Field(0.4, ge=0, le=1)
    """how often a picture is mirrored (0.4 in 2017, 0.5 today)"""
    warp: float = Field(5 / 256, ge=0, le=0.1)
    """standard deviation of the warp grid's nodes, as a share of the stored crop's side (5 px of 256)"""
    light: float = Field(0.3, ge=0, lt=1)
    """largest change of L in Lab either way, as a share"""
    tint: float = Field(0.08, ge=0, lt=1)
    """largest shift of a and b in Lab either way, as a share of their range"""


@dataclass(frozen=True, slots=True, eq=False)
class Draws:
    """What chance decided for N samples; every array has N rows."""

    face: np.ndarray  # (N,) 0..1, which stored crop: floor(face * crops)
    turn: np.ndarray  # (N,) degrees, counterclockwise
    zoom: np.ndarray  # (N,) factor
    shift: np.ndarray  # (N, 2) x, y as shares of the crop's side
    flip: np.ndarray  # (N,) bool
    nodes: np.ndarray  # (N, 2, 5, 5) x and y offsets of the grid's nodes, as shares of the crop's side
    light: np.ndarray  # (N,) factor on L
    tint: np.ndarray  # (N, 2) added to a and b, in 8-bit steps


def draw(seed: int, samples: np.ndarray, options: AugmentOptions, side: int = 0) -> Draws:
    """Decide samples number `samples` (N,) of a seed; `side` keeps the streams of source (0) and target (1) apart.

    Each sample has its own counter-based generator (Philox), so it depends on nothing but seed, side and its number.
    """
    uniform = np.empty((len(samples), 9))
    normal = np.empty((len(samples), 2, GRID, GRID))
    for row, number in enumerate(samples):
        chance = np.random.Generator(np.random.Philox(key=[seed, int(number)], counter=[0, 0, 0, side]))
        chance.random(out=uniform[row])
        chance.standard_normal(out=normal[row])
    either_way = 2 * uniform - 1
    return Draws(
        face=uniform[:, 0],
        turn=options.rotation * either_way[:, 1],
        zoom=1 + options.zoom * either_way[:, 2],
        shift=options.shift * either_way[:, 3:5],
        flip=uniform[:, 5] < options.flip,
        nodes=options.warp * normal,
        light=1 + options.light * either_way[:, 6],
        tint=255 * options.tint * either_way[:, 7:9],
    )


def shrink(images: np.ndarray, size: int, coverage: float, spare: float = SPARE) -> np.ndarray:
    """Crops (N, S, S, 3) or planes (N, S, S) uint8, area-averaged to at most `spare` pixels per network pixel.

    Bilinear sampling reads four neighbours only: 2.5 stored pixels per network pixel, as in 2017, would alias. Smaller
    pictures also fit the cache. Returned as they are where they are no larger than that.
    """
    side = int(np.ceil(size / coverage * spare))
    if images.shape[1] <= side:
        return images
    return np.stack([cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA) for image in images])


def middle(images: np.ndarray, size: int, coverage: float) -> np.ndarray:
    """The unwarped view of a network: the middle `coverage` of crops (N, S, S, 3) uint8 -> (N, size, size, 3) uint8."""
    images = shrink(images, size, coverage, spare=1.0)
    side = images.shape[1]
    step = coverage * side / size
    corner = (side - 1) / 2 - step * (size - 1) / 2
    matrix = np.array([[step, 0, corner], [0, step, corner]])
    return np.stack([sample(image, matrix, size) for image in images])


def pick(chance: np.ndarray, count: int) -> np.ndarray:
    """Numbers 0..1 -> whole numbers 0..count-1, each as likely as the others."""
    return np.minimum((chance * count).astype(int), count - 1)


def apply(images: np.ndarray, draws: Draws, size: int, coverage: float) -> tuple[np.ndarray, np.ndarray]:
    """Make the pairs that `draws` decided.

    images: (M, S, S, 3) uint8 RGB, any M and S; size: side of the network's picture; coverage: share of S that it sees.
    Returns input and target, each (N, size, size, 3) uint8 RGB.
    """
    side = images.shape[1]
    chosen = pick(draws.face, len(images))
    maps = _to_pixels(_interpolate(_move(placement(draws), _lattice(coverage) + draws.nodes), size), side)
    matrices = truth_matrices(draws, size, side, coverage)
    pairs = np.empty((len(chosen), 2 * size, size, 3), np.uint8)
    for pair, number, (across, down), matrix, light, tint in zip(
        pairs, chosen, maps, matrices, draws.light, draws.tint, strict=True
    ):
        image = images[number]
        cv2.remap(image, across, down, cv2.INTER_LINEAR, dst=pair[:size], borderMode=cv2.BORDER_REPLICATE)
        sample(image, matrix, size, out=pair[size:])
        if light != 1 or tint.any():
            recolour(pair, light, tint)
    return pairs[:, :size], pairs[:, size:]


def truth_matrices(draws: Draws, size: int, side: int, coverage: float) -> np.ndarray:
    """Matrices (N, 2, 3) from pixels of what should come out to pixels of the stored crops."""
    lattice = _lattice(coverage)
    bent = lattice + draws.nodes
    fit = fit_similarity(np.broadcast_to(lattice, bent.shape), bent)
    return sampling_matrices(placement(draws), fit, size, side, coverage)


def move_planes(planes: np.ndarray, chosen: np.ndarray, matrices: np.ndarray, size: int) -> np.ndarray:
    """Planes (M, S, S) uint8 of the chosen crops (N,), moved as their pictures by matrices (N, 2, 3); empty beyond the
    crop. Returns (N, size, size) uint8."""
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.stack(
        [cv2.warpAffine(planes[n], matrix, (size, size), flags=flags) for n, matrix in zip(chosen, matrices)]
    )


def recolour(image: np.ndarray, light: float, tint: np.ndarray) -> None:
    """Scale L by `light` and add `tint` (2,) to a and b, in 8-bit Lab, in place; image (H, W, 3) uint8 RGB."""
    steps = np.arange(256)
    table = np.stack([steps * light, steps + tint[0], steps + tint[1]], axis=1)
    table = np.clip(np.rint(table), 0, 255).astype(np.uint8)[None]
    lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)
    cv2.cvtColor(cv2.LUT(lab, table), cv2.COLOR_LAB2RGB, dst=image)


def fit_similarity(points: np.ndarray, goals: np.ndarray) -> np.ndarray:
    """The similarities (N, 2, 3) that take points (N, 2, ...) to goals (N, 2, ...) with the least squared error.

    Umeyama (1991) in two dimensions, without reflection: with points as complex numbers the best turn-and-scale is
    sum(conj(p) q) / sum(|p|^2). The closed form needs no SVD, and so cannot mistake V for its transpose.
    """
    p = (points[:, 0] + 1j * points[:, 1]).reshape(len(points), -1)
    q = (goals[:, 0] + 1j * goals[:, 1]).reshape(len(goals), -1)
    p_mean, q_mean = p.mean(1), q.mean(1)
    p, q = p - p_mean[:, None], q - q_mean[:, None]
    turn = (p.conj() * q).sum(1) / (np.abs(p) ** 2).sum(1)
    move = q_mean - turn * p_mean
    return np.stack([turn.real, -turn.imag, move.real, turn.imag, turn.real, move.imag], axis=1).reshape(-1, 2, 3)


def placement(draws: Draws) -> np.ndarray:
    """Matrices (N, 2, 3) from the augmented crop back to the stored crop: unmirror, unshift, unturn and unzoom."""
    angle = np.deg2rad(draws.turn)
    cosine, sine = np.cos(angle) / draws.zoom, np.sin(angle) / draws.zoom
    mirror = np.where(draws.flip, -1.0, 1.0)
    x, y = draws.shift[:, 0], draws.shift[:, 1]
    rows = [cosine * mirror, -sine, sine * y - cosine * x, sine * mirror, cosine, -sine * x - cosine * y]
    return np.stack(rows, axis=1).reshape(-1, 2, 3)


def _lattice(coverage: float) -> np.ndarray:
    """The resting grid (2, 5, 5): x and y of its nodes."""
    across = np.linspace(-coverage / 2, coverage / 2, GRID)
    return np.stack(np.meshgrid(across, across))


def _move(matrices: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Points (N, 2, 5, 5) moved by matrices (N, 2, 3). Moving nodes first is exact: interpolation weights sum to 1."""
    return np.einsum("nij,njhw->nihw", matrices[:, :, :2], points) + matrices[:, :, 2, None, None]


def _interpolate(nodes: np.ndarray, size: int) -> np.ndarray:
    """Grid nodes (N, 2, 5, 5) -> a position for each pixel centre (N, 2, size, size), bilinear.

    The outer nodes lie on the picture's outer edges: the 2017 resize to 80 and cut to 64 comes to the same.
    """
    place = (np.arange(size) + 0.5) * (GRID - 1) / size
    weights = np.maximum(0, 1 - np.abs(place[:, None] - np.arange(GRID))).astype(np.float32)
    return weights @ nodes.astype(np.float32) @ weights.T


def _to_pixels(shares: np.ndarray, side: int) -> np.ndarray:
    """Shares from the centre -> pixel positions in a picture of `side` pixels."""
    return shares * np.float32(side) + np.float32((side - 1) / 2)


def sampling_matrices(place: np.ndarray, fit: np.ndarray, size: int, side: int, coverage: float) -> np.ndarray:
    """Matrices (N, 2, 3) from the target's pixels to the stored crop's pixels, through `fit` and then `place`."""
    turn = place[:, :, :2] @ fit[:, :, :2]
    move = (place[:, :, :2] @ fit[:, :, 2:])[..., 0] + place[:, :, 2]
    step = coverage / size
    corner = -step * (size - 1) / 2
    move = move + turn.sum(2) * corner
    return np.concatenate([turn * step * side, (move * side + (side - 1) / 2)[..., None]], axis=2)


def sample(
    image: np.ndarray, matrix: np.ndarray, size: int, out: np.ndarray | None = None, kind: int = cv2.INTER_LINEAR
) -> np.ndarray:
    """A picture (S, S, 3) seen through a matrix that leads from the wanted pixels to its own; its edge goes on."""
    flags = kind | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(image, matrix, (size, size), dst=out, flags=flags, borderMode=cv2.BORDER_REPLICATE)

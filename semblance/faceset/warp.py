"""Training pairs in the way of DeepFaceLab: the input bent on a lattice, then both turned, zoomed, shifted, mirrored.

iperov/DeepFaceLab, 2023 code (commit 46fc2397): imagelib/warp, SampleProcessor. Beside augment.py, the way of 2017:
there the truth follows the warp's best similarity, here it knows nothing of the warp. Lattice and placement are
composed into one map, so that nothing is resampled twice; the code's lattice is half a pixel off, ours is not.
The same two verbs: `draw` per batch, `apply` per batch; sample k of a seed is the same whatever the batch size.

Convention: as in augment.py; the lattice spans what the network sees.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np
from pydantic import Field

from ..faces.transfer import transfer
from ..options import Options
from .augment import pick, placement, sample, sampling_matrices

CELLS = (2, 4, 8)  # along a side of the lattice, equally likely
CUT = 2.5  # standard deviations at which that normal distribution ends
YAW_BINS, YAW_RANGE = 128, 1.2  # bins between plus and minus so many radians
STILL = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


class WarpOptions(Options):
    """How far training pictures are moved, bent and tinted; the defaults are SAEHD's."""

    rotation: float = Field(10.0, ge=0, le=180)
    """largest turn either way, degrees"""
    zoom: float = Field(0.15, ge=0, lt=1)
    """sizes from 1 / (1 + zoom) to 1 + zoom"""
    shift: float = Field(0.05, ge=0, le=1)
    """largest shift along each axis, as a share of what the network sees"""
    flip: tuple[float, float] = (0.0, 0.4)
    """how often a picture is mirrored: source, target"""
    warp: bool = True
    """whether the input is bent"""
    reach: float = Field(0.24, ge=0, le=0.5)
    """how far a node of the lattice moves at most along each axis, as a share of a cell"""
    hue: float = Field(0.0, ge=0, le=1)
    """the source's input: hue up to half a circle times this, saturation and value up to half of this, either way"""
    transfer: Literal["none", "rct", "lct", "mkl", "idt", "sot"] = "none"
    """recolour each source picture, input and truth, to a random target picture"""
    uniform_yaw: bool = False
    """every direction of view as often as the others"""


@dataclass(frozen=True, slots=True, eq=False)
class Draws:
    """What chance decided for N samples; every array has N rows."""

    face: np.ndarray  # (N,) 0..1, which stored crop: floor(face * crops)
    within: np.ndarray  # (N,) 0..1, which of the crops of one yaw
    turn: np.ndarray  # (N,) degrees, counterclockwise
    zoom: np.ndarray  # (N,) factor
    shift: np.ndarray  # (N, 2) x, y as shares of what the network sees
    flip: np.ndarray  # (N,) bool
    cells: np.ndarray  # (N,) along a side of the lattice; 0: not bent
    nodes: np.ndarray  # (N, 2, 7, 7) x and y offsets in cells; the upper left corner is used
    hue: np.ndarray  # (N, 3) added to hue in degrees, to saturation and value in 0..1
    reference: np.ndarray  # (N,) 0..1, which target crop lends its colours
    transfer: str
    transfer_seed: np.ndarray  # (N,) for transfers that draw


def draw(seed: int, samples: np.ndarray, options: WarpOptions, side: int = 0) -> Draws:
    """Decide samples number `samples` (N,) of a seed; `side` keeps the streams of source (0) and target (1) apart."""
    most = CELLS[-1] - 1
    uniform = np.empty((len(samples), 12))
    seeds = np.empty(len(samples), np.int64)
    normal = np.empty((len(samples), 2, most, most))
    for row, number in enumerate(samples):
        chance = np.random.Generator(np.random.Philox(key=[seed, int(number)], counter=[0, 0, 0, side]))
        chance.random(out=uniform[row])
        seeds[row] = chance.integers(2**31)
        chance.standard_normal(out=normal[row])
        while (far := np.abs(normal[row]) > CUT).any():
            normal[row][far] = chance.standard_normal(far.sum())
    either_way = 2 * uniform - 1
    smallest = 1 / (1 + options.zoom)
    source = side == 0
    degrees = max(1, int(180 * options.hue)) if options.hue else 0
    return Draws(
        face=uniform[:, 0],
        within=uniform[:, 1],
        turn=options.rotation * either_way[:, 2],
        zoom=smallest + (1 + options.zoom - smallest) * uniform[:, 3],
        shift=options.shift * either_way[:, 4:6],
        flip=uniform[:, 6] < options.flip[side],
        cells=np.array(CELLS)[pick(uniform[:, 7], len(CELLS))] * options.warp,
        nodes=options.reach * normal / CUT,
        hue=source * np.array([degrees, options.hue / 2, options.hue / 2]) * either_way[:, 8:11],
        reference=uniform[:, 11],
        transfer=options.transfer if source else "none",
        transfer_seed=seeds,
    )


def even_yaw(draws: Draws, yaw: np.ndarray) -> Draws:
    """The same draws, but of crops with yaw (M,) in degrees, every direction of view as likely as the others."""
    edges = np.linspace(-YAW_RANGE, YAW_RANGE, YAW_BINS + 1)[1:-1]
    bins = np.digitize(np.deg2rad(yaw), edges)
    members = [np.flatnonzero(bins == number) for number in np.unique(bins)]
    chosen = [
        rows[pick(within, len(rows))]
        for rows, within in zip((members[n] for n in pick(draws.face, len(members))), draws.within)
    ]
    return replace(draws, face=(np.array(chosen) + 0.5) / len(yaw))


def truth_matrices(draws: Draws, size: int, side: int, coverage: float) -> np.ndarray:
    """Matrices (N, 2, 3) from pixels of what should come out to pixels of the stored crops."""
    place = placement(replace(draws, shift=draws.shift * coverage))
    still = np.broadcast_to(STILL, place.shape)
    return sampling_matrices(place, still, size, side, coverage)


def apply(
    images: np.ndarray, draws: Draws, size: int, coverage: float, references: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Make the pairs that `draws` decided.

    images, references: (M, S, S, 3) uint8 RGB, the latter the target's crops for a transfer of colours; size: side of
    the network's picture; coverage: share of S that it sees. Returns input and target, (N, size, size, 3) uint8 RGB.
    """
    side = images.shape[1]
    matrices = truth_matrices(draws, size, side, coverage)
    bent, truths = np.empty((2, len(matrices), size, size, 3), np.uint8)
    lenders = pick(draws.reference, len(references)) if references is not None else [0] * len(bent)
    for n, number in enumerate(pick(draws.face, len(images))):
        image = images[number]
        if draws.transfer != "none" and references is not None:
            image = _recoloured(image, references[lenders[n]], draws.transfer, int(draws.transfer_seed[n]))
        sample(image, matrices[n], size, out=truths[n], kind=cv2.INTER_CUBIC)
        if draws.cells[n]:
            across, down = _bent_map(matrices[n], draws.nodes[n], draws.cells[n], size, side, coverage)
            cv2.remap(image, across, down, cv2.INTER_CUBIC, dst=bent[n], borderMode=cv2.BORDER_REPLICATE)
        else:
            bent[n] = truths[n]
        if draws.hue[n].any():
            shift_hue(bent[n], draws.hue[n])
    return bent, truths


def shift_hue(image: np.ndarray, change: np.ndarray) -> None:
    """Add (3,) to hue in degrees, saturation and value in 0..1, in place; image (H, W, 3) uint8 RGB."""
    hsv = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2HSV)
    hsv[..., 0] = (hsv[..., 0] + change[0]) % 360
    hsv[..., 1:] = np.clip(hsv[..., 1:] + change[1:], 0, 1)
    image[:] = np.rint(255 * cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB))


def _bent_map(
    matrix: np.ndarray, nodes: np.ndarray, cells: int, size: int, side: int, coverage: float
) -> tuple[np.ndarray, np.ndarray]:
    """Where each pixel of the input lies in the stored crop: columns and rows, (size, size) float32 each.

    The picture is bent first and moved then, so a pixel's offset is read where the placement takes it.
    """
    grid = np.stack(np.meshgrid(np.arange(size), np.arange(size))).astype(np.float64)
    straight = np.einsum("ij,jhw->ihw", matrix[:, :2], grid) + matrix[:, 2, None, None]
    shares = (straight - (side - 1) / 2) / (side * coverage) + 0.5  # 0..1 over what the network sees
    lattice = np.zeros((2, cells + 1, cells + 1))  # outer nodes stay
    lattice[:, 1:-1, 1:-1] = nodes[:, : cells - 1, : cells - 1]
    at = np.clip(shares, 0, 1) * cells
    corner = np.minimum(at.astype(int), cells - 1)
    (x, y), (u, v) = corner, at - corner
    offset = (1 - v) * ((1 - u) * lattice[:, y, x] + u * lattice[:, y, x + 1]) + v * (
        (1 - u) * lattice[:, y + 1, x] + u * lattice[:, y + 1, x + 1]
    )
    across, down = (straight + offset * (side * coverage / cells)).astype(np.float32)
    return across, down


def _recoloured(image: np.ndarray, reference: np.ndarray, kind: str, seed: int) -> np.ndarray:
    pixels, colours = (picture.astype(np.float32) / 255 for picture in (image, reference))
    return np.rint(255 * transfer(pixels, colours, kind, seed=seed)).astype(np.uint8)

"""Wisps: hairs grown together from one root and drawn as a ribbon with holes, the strands' own texture.

Growing follows a comb (a field of directions), gravity and waves, and goes round the head, the shoulders and the face.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .body import HAIR
from .layer import Layer
from .scalp import Scalp
from .torso import Torso

# a texel of the strand texture: 0.03 cm across the hairs, 0.09 along them
ACROSS, ALONG = 1 / 17.0, 1 / 45.0


@dataclass(frozen=True, eq=False)
class Comb:
    """How N wisps grow. Arrays are (N,) unless it says otherwise."""

    azimuth: np.ndarray  # of the roots
    polar: np.ndarray
    length: np.ndarray  # cm
    lift: np.ndarray  # cm: how far over the skin they come to lie
    flow: Callable[[np.ndarray, float], np.ndarray]  # places (N, 3) and share of the length -> wanted directions (N, 3)
    rise: float = 0.5  # how steeply they leave the skin
    stiff: float = 0.5  # 0 turns to the comb at once, 1 never
    gravity: float = 0.3  # at the tip, against the comb's 1
    wave: float | np.ndarray = 0.0  # cm
    turns: float = 1.0  # waves on the length
    clear: bool = False  # goes round the ears
    hug: float = 0.0  # 1 lies on the head wherever it can, 0 stands off as it grows


def grow(comb: Comb, scalp: Scalp, torso: Torso, steps: int, rng: np.random.Generator) -> np.ndarray:
    """(N, steps + 1, 3) places along each wisp."""
    hull = scalp.head if comb.clear else scalp.skull
    count = len(comb.azimuth)
    normal = scalp.skull.normals(comb.azimuth, comb.polar)
    place = scalp.skull.surface(comb.azimuth, comb.polar, 0.05)
    step = (comb.length / steps)[:, None]
    heading = unit(comb.flow(place, 0.0) + comb.rise * normal)
    phase = rng.uniform(0, 2 * np.pi, count)
    path = [place]
    for k in range(1, steps + 1):
        share = k / steps
        wanted = comb.flow(place, share) + np.array([0, -1.0, 0]) * (comb.gravity * share)
        heading = unit(comb.stiff * heading + (1 - comb.stiff) * unit(wanted))
        moved = place + heading * step
        settled = np.minimum(1, comb.length * share / 2.5)
        least = 0.1 + comb.lift * settled
        above = np.clip((moved[:, 1] - scalp.ear_low) / scalp.unit + 0.5, 0, 1)
        over = hull.between(moved, least, least + 0.25, comb.hug)
        moved = torso.pushed(moved + above[:, None] * (over - moved), 0.95 + 0.3 * comb.lift)
        place = place + unit(moved - place) * step
        path.append(place)
    path = np.stack(path, 1)
    if np.any(comb.wave):
        path = path + _waves(path, comb, phase, rng)
    return path


def _waves(path: np.ndarray, comb: Comb, phase: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Coils about the path, from nothing at the root."""
    share = np.linspace(0, 1, path.shape[1])
    ahead = unit(np.gradient(path, axis=1))
    side = unit(np.cross(ahead, np.array([0.13, 0.21, 0.97])))
    other = np.cross(ahead, side)
    angle = phase[:, None] + 2 * np.pi * comb.turns * share * rng.uniform(0.8, 1.25, (len(path), 1))
    size = np.reshape(comb.wave, (-1, 1)) * np.minimum(1, 3 * share) * rng.uniform(0.6, 1.3, (len(path), 1))
    return (size * np.cos(angle))[..., None] * side + (size * np.sin(angle))[..., None] * other


def trimmed(path: np.ndarray, scalp: Scalp, torso: Torso, fringe: np.ndarray) -> np.ndarray:
    """Wisps (N, K, 3) kept out of the face: cut below the heights `fringe` (N,) before it; curtains pass beside it."""
    u, x = scalp.unit, scalp.skull.centre[0]
    curtain = scalp.ear_z + 1.25 * u  # how far curtains stand before the ears
    wide = 1.32 * u
    low = path[..., 1] < fringe[:, None]
    inside = low & (path[..., 2] > curtain) & (np.abs(path[..., 0] - x) < wide) & (path[..., 1] > scalp.chin - 0.5 * u)
    last = np.where(inside.any(1), np.maximum(inside.argmax(1) - 1, 1), path.shape[1] - 1)
    path = _resampled(path, last)
    face = np.clip((scalp.brow + 0.1 * u - path[..., 1]) / (0.25 * u), 0, 1)
    face = face * np.clip((path[..., 1] - scalp.chin + 1.2 * u) / (0.8 * u), 0, 1)
    side = np.where(path[..., 0] < x, -1.0, 1.0)
    ahead = path[..., 2] > scalp.ear_z + 0.4 * u
    out = path.copy()
    apart = x + side * np.maximum(np.abs(path[..., 0] - x), wide)
    out[..., 0] = np.where(ahead, path[..., 0] + face * (apart - path[..., 0]), path[..., 0])
    out[..., 2] = path[..., 2] - face * np.maximum(path[..., 2] - curtain, 0)
    return out


def _resampled(path: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Each path up to its point `last` (N,), with as many points as before."""
    count = path.shape[1]
    at = np.linspace(0, 1, count)[None] * last[:, None]
    low = np.minimum(at.astype(int), count - 2)
    share = (at - low)[..., None]
    row = np.arange(len(path))[:, None]
    return path[row, low] * (1 - share) + path[row, low + 1] * share


def ribbons(
    path: np.ndarray, outwards: np.ndarray, width: np.ndarray, colour: np.ndarray, cut: tuple[float, float, float],
    neck: tuple[float, float], rng: np.random.Generator, roll: float = 0.35, material: int = HAIR,
) -> Layer:  # fmt: skip
    """Wisps (N, K, 3) as one layer of 2 N (K - 1) triangles.

    outwards: (N, K, 3) where their flat sides look; width: (N,) cm at the thickest; colour: (N, 3) linear;
    cut: holes at the root, the middle and the tip, 0..255;
    neck: heights between which the head's turn fades; roll: radians by which ribbons lean off the surface.
    """
    count, steps = path.shape[:2]
    share = np.linspace(0, 1, steps)
    ahead = unit(np.gradient(path, axis=1))
    across = unit(np.cross(ahead, unit(outwards)))
    lean = rng.normal(0, roll, (count, 1, 1)) + rng.normal(0, 0.4 * roll, (count, 1, 1)) * share[None, :, None]
    across = across * np.cos(lean) + np.cross(ahead, across) * np.sin(lean)
    taper = np.interp(share, [0, 0.15, 0.6, 1.0], [0.6, 1.0, 1.0, 0.45])
    half = 0.5 * (width[:, None] * taper)[..., None]
    vertices = np.stack([path - across * half, path + across * half], 2).reshape(-1, 3)
    run = np.concatenate([np.zeros((count, 1)), np.linalg.norm(np.diff(path, axis=1), axis=2).cumsum(1)], 1)
    start = rng.uniform(0, 1, (count, 2))
    u = start[:, :1, None] + np.array([0, 1.0]) * (width[:, None, None] * ACROSS) + np.zeros((1, steps, 1))
    v = np.repeat((start[:, 1:] + run * ALONG)[..., None], 2, 2)
    grey = np.interp(share, [0, 0.35, 1.0], [0.62, 0.95, 1.12])[None, :, None, None]
    colours = np.repeat(np.repeat(colour[:, None, None], steps, 1) * grey, 2, 2)
    holes = np.broadcast_to(np.interp(share, [0, 0.5, 1], cut)[None, :, None], (count, steps, 2))
    here = (np.arange(count)[:, None] * steps + np.arange(steps - 1)).ravel() * 2
    triangles = np.concatenate([np.stack([here, here + 1, here + 2], 1), np.stack([here + 1, here + 3, here + 2], 1)])
    return Layer(
        material, vertices.astype(np.float32), triangles.astype(np.int32),
        np.stack([u, v], -1).reshape(-1, 2).astype(np.float32), colours.reshape(-1, 3).astype(np.float32),
        np.repeat(ahead.reshape(-1, 3), 2, 0).astype(np.float32),
        np.maximum(holes.reshape(-1), 1).astype(np.float32), following(vertices[:, 1], neck),
    )  # fmt: skip


def away_from_head(path: np.ndarray, scalp: Scalp) -> np.ndarray:
    """(N, K, 3) outwards from the skull, level below the eyes where hair hangs."""
    out = path - scalp.skull.centre
    sunk = np.clip((scalp.eye - path[..., 1]) / (2 * scalp.unit), 0, 1)
    out[..., 1] = np.where(out[..., 1] < 0, out[..., 1] * (1 - sunk), out[..., 1])
    return out


def following(heights: np.ndarray, neck: tuple[float, float]) -> np.ndarray:
    """(V,) float32: 1 above the neck, 0 on the shoulders, as the body's own skin turns (render.py)."""
    share = np.clip((heights - neck[0]) / (neck[1] - neck[0]), 0, 1)
    return (share * share * (3 - 2 * share)).astype(np.float32)


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / (np.linalg.norm(vectors, axis=-1, keepdims=True) + 1e-9)
